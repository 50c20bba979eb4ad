"""The formats that can be read. Adding one is a file in this folder and a line here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

_HERE = "apps.documents.parsers."


@dataclass(frozen=True, slots=True)
class Format:
    """`module` has a function `parse` that fulfils `base.Parser`; it is imported in the child process only.

    `words` stand in a sentence, `label` in a list, where it is translated; `unit` is what one of its pages is called;
    `icon` is a heroicon.
    """

    kind: str
    words: str
    label: str
    endings: str
    module: str
    icon: str = "document-text"
    unit: str = "part"
    binary: bool = False  # known by its content; the others are text, and the name decides between them

    @property
    def suffixes(self) -> tuple[str, ...]:
        return tuple(f".{ending}" for ending in self.endings.split())


_CODE = (
    "py pyi js mjs ts tsx jsx java kt scala go rs c h cpp hpp cc cs rb php swift lua pl r jl sh bash zsh ps1 sql css "
    "scss yaml yml toml ini cfg conf dockerfile makefile cmake proto graphql vue dart ex exs erl hs ml clj groovy tf"
)

FORMATS: dict[str, Format] = {
    item.kind: item
    for item in (
        Format("pdf", "a PDF", "PDF", "pdf", _HERE + "pdf", unit="page", binary=True),
        Format("docx", "a Word document", "Word document", "docx docm dotx dotm", _HERE + "docx", binary=True),
        Format("slides", "a PowerPoint presentation", "Presentation", "pptx pptm ppsx potx", _HERE + "slides",
               "presentation-chart-bar", "slide", binary=True),
        Format("sheet", "a workbook", "Workbook", "xlsx xlsm xlsb xls xltx ods", _HERE + "sheet",
               "table-cells", binary=True),
        Format("odt", "an OpenDocument text", "OpenDocument text", "odt ott", _HERE + "opendocument", binary=True),
        Format("odp", "an OpenDocument presentation", "Presentation (ODP)", "odp otp", _HERE + "opendocument",
               "presentation-chart-bar", "slide", binary=True),
        Format("doc", "a Word document (.doc)", "Word document", "doc dot", _HERE + "old_office", binary=True),
        Format("ppt", "a PowerPoint presentation (.ppt)", "Presentation", "ppt pps", _HERE + "old_office",
               "presentation-chart-bar", "slide", binary=True),
        Format("visio", "a Visio drawing", "Visio drawing", "vsdx vsdm vstx", _HERE + "visio",
               "presentation-chart-bar", "page", binary=True),
        Format("dbase", "a dBASE table", "Table (dBASE)", "dbf", _HERE + "dbase", "table-cells", binary=True),
        Format("msg", "an Outlook message", "Outlook message", "msg", _HERE + "outlook", "envelope", binary=True),
        Format("epub", "an e-book (EPUB)", "E-book", "epub", _HERE + "epub", "book-open", binary=True),
        Format("image", "a picture", "Picture", "png jpg jpeg tif tiff bmp gif webp heic heif avif", _HERE + "picture",
               "photo", "page", binary=True),
        Format("markdown", "Markdown", "Markdown", "md markdown", _HERE + "markdown"),
        Format("html", "a web page (HTML)", "Web page", "html htm xhtml", _HERE + "html", "globe-alt"),
        Format("csv", "a table (CSV)", "Table (CSV)", "csv tsv", _HERE + "csv", "table-cells"),
        Format("json", "JSON", "JSON", "json jsonl ndjson geojson", _HERE + "json", "code-bracket"),
        Format("notebook", "a Jupyter notebook", "Notebook", "ipynb", _HERE + "notebook", "code-bracket"),
        Format("rst", "reStructuredText", "reStructuredText", "rst rest", _HERE + "rst"),
        Format("mail", "an e-mail", "E-mail", "eml mbox mht mhtml", _HERE + "mail", "envelope"),
        Format("rtf", "a Rich Text file (RTF)", "Rich Text", "rtf", _HERE + "rtf"),
        Format("xml", "XML", "XML", "xml fb2 rss atom", _HERE + "xml", "code-bracket"),
        Format("code", "source code", "Source code", _CODE, _HERE + "code", "code-bracket"),
        Format("text", "plain text", "Plain text", "txt text log org tex ics vcf srt vtt", _HERE + "text"),
    )
}  # fmt: skip
ACCEPTED = (
    "PDF, Word, PowerPoint, Excel, Visio, OpenDocument, e-books (EPUB), web pages, e-mail, Markdown, text, RTF, CSV, "
    "dBASE, JSON, XML, notebooks, source code and pictures"
)


def by_suffix(suffix: str) -> Format | None:
    return next((item for item in FORMATS.values() if suffix.lower() in item.suffixes), None)


def by_name(name: str) -> Format | None:
    """The format that a file's name speaks of: by its ending, or, as of a Makefile, the whole name."""
    path = PurePath(name.lower())
    return by_suffix(path.suffix or (f".{path.name}" if path.name in {"dockerfile", "makefile"} else ""))


def kinds() -> list[tuple[str, str]]:
    """Kind and label of every format, as a field of a model offers them."""
    return [(item.kind, item.label) for item in FORMATS.values()]
