"""Table of the formats that can be parsed. A new format needs a parser module and a row here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class FileFormat:
    """Format with its parser.

    `parser` is the module in this folder whose function `parse` fulfils `protocol.Parser`; it is imported in child
    processes only. `phrase` stands in a sentence, `label` in a list, where it is translated. `unit` is the word for a
    page; `icon` is a heroicon.
    """

    kind: str
    phrase: str
    label: str
    extensions: str
    parser: str
    icon: str = "document-text"
    unit: str = "part"
    binary: bool = False  # True if detected by content; text formats are told apart by name

    @property
    def module(self) -> str:
        """Return the dotted name of the parser's module."""
        return f"apps.reading.parsing.{self.parser}"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Return the suffixes with a dot, such as ".pdf"."""
        return tuple(f".{extension}" for extension in self.extensions.split())


@dataclass(frozen=True, slots=True)
class RemovedFormat:
    """Format that is no longer parsed. Stored documents of the kind keep pages, label, icon and unit."""

    kind: str
    phrase: str
    label: str
    extensions: str
    icon: str
    unit: str = "part"


_CODE = (
    "py pyi js mjs ts tsx jsx java kt scala go rs c h cpp hpp cc cs rb php swift lua pl r jl sh bash zsh ps1 sql css "
    "scss yaml yml toml ini cfg conf dockerfile makefile cmake proto graphql vue dart ex exs erl hs ml clj groovy tf"
)

_BOARD = "presentation-chart-bar"

FORMATS: dict[str, FileFormat] = {
    item.kind: item
    for item in (
        FileFormat("pdf", "a PDF", "PDF", "pdf", "pdf.parser", unit="page", binary=True),
        FileFormat(
            "docx", "a Word document", "Word document", "docx docm dotx dotm", "office.docx.parser", binary=True,
        ),
        FileFormat(
            "slides", "a PowerPoint presentation", "Presentation", "pptx pptm ppsx potx", "office.pptx", _BOARD,
            "slide", binary=True,
        ),
        FileFormat(
            "sheet", "a workbook", "Workbook", "xlsx xlsm xlsb xls xltx ods", "office.spreadsheet", "table-cells",
            binary=True,
        ),
        FileFormat("odt", "an OpenDocument text", "OpenDocument text", "odt ott", "office.opendocument", binary=True),
        FileFormat(
            "odp", "an OpenDocument presentation", "Presentation (ODP)", "odp otp", "office.opendocument", _BOARD,
            "slide", binary=True,
        ),
        FileFormat("doc", "a Word document (.doc)", "Word document", "doc dot", "office.legacy_doc_ppt", binary=True),
        FileFormat(
            "ppt", "a PowerPoint presentation (.ppt)", "Presentation", "ppt pps", "office.legacy_doc_ppt", _BOARD,
            "slide", binary=True,
        ),
        FileFormat("msg", "an Outlook message", "Outlook message", "msg", "email.outlook_msg", "envelope", binary=True),
        FileFormat("epub", "an e-book (EPUB)", "E-book", "epub", "html.epub", "book-open", binary=True),
        FileFormat(
            "image", "a picture", "Picture", "png jpg jpeg tif tiff bmp gif webp heic heif avif", "raster_image",
            "photo", "page", binary=True,
        ),
        FileFormat("markdown", "Markdown", "Markdown", "md markdown", "text.markdown"),
        FileFormat("html", "a web page (HTML)", "Web page", "html htm xhtml", "html.parser", "globe-alt"),
        FileFormat("csv", "a table (CSV)", "Table (CSV)", "csv tsv", "data.csv_table", "table-cells"),
        FileFormat("json", "JSON", "JSON", "json jsonl ndjson geojson", "data.json_records", "code-bracket"),
        FileFormat("notebook", "a Jupyter notebook", "Notebook", "ipynb", "text.notebook", "code-bracket"),
        FileFormat("rst", "reStructuredText", "reStructuredText", "rst rest", "text.rst"),
        FileFormat("mail", "an e-mail", "E-mail", "eml mbox mht mhtml", "email.eml", "envelope"),
        FileFormat("rtf", "a Rich Text file (RTF)", "Rich Text", "rtf", "text.rtf"),
        FileFormat("xml", "XML", "XML", "xml fb2 rss atom", "data.xml_text", "code-bracket"),
        FileFormat("code", "source code", "Source code", _CODE, "text.source_code", "code-bracket"),
        FileFormat("text", "plain text", "Plain text", "txt text log org tex ics vcf srt vtt", "text.plain_text"),
    )
}  # fmt: skip
REMOVED_FORMATS: Mapping[str, RemovedFormat] = {  # formats of former releases; documents of these kinds are still shown
    item.kind: item
    for item in (
        RemovedFormat("visio", "a Visio drawing", "Visio drawing", "vsdx vsdm vstx", _BOARD, "page"),
        RemovedFormat("dbase", "a dBASE table", "Table (dBASE)", "dbf", "table-cells"),
    )
}
ACCEPTED_DESCRIPTION = (
    "PDF, Word, PowerPoint, Excel, OpenDocument, e-books (EPUB), web pages, e-mail, Markdown, text, RTF, CSV, "
    "JSON, XML, notebooks, source code and pictures"
)


def find_by_suffix(suffix: str) -> FileFormat | None:
    """Return the format with this suffix, such as ".pdf", in any case; None if unknown."""
    return next((item for item in FORMATS.values() if suffix.lower() in item.suffixes), None)


def find_by_name(name: str) -> FileFormat | None:
    """Return the format of a file name by its suffix, or by the whole name of a Makefile or Dockerfile; None if
    unknown."""
    path = PurePath(name.lower())
    return find_by_suffix(path.suffix or (f".{path.name}" if path.name in {"dockerfile", "makefile"} else ""))


def find_removed(suffix: str) -> RemovedFormat | None:
    """Return the removed format with this suffix, such as ".dbf", in any case; None if there is none."""
    return next((item for item in REMOVED_FORMATS.values() if suffix[1:].lower() in item.extensions.split()), None)


def find_by_kind(kind: str) -> FileFormat | RemovedFormat | None:
    """Return the format of a stored kind, removed formats included; None if unknown."""
    return FORMATS.get(kind) or REMOVED_FORMATS.get(kind)


def list_kinds() -> list[tuple[str, str]]:
    """Return kind and label of every format, removed ones included, as choices of a model field."""
    formats: list[FileFormat | RemovedFormat] = [*FORMATS.values(), *REMOVED_FORMATS.values()]
    return [(item.kind, item.label) for item in formats]
