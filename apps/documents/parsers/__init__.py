"""The formats that can be read. Adding one is a file in this folder, a line here and a line in `Document.Kind`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """`module` has a function `parse` that fulfils `base.Parser`; it is imported in the child process only."""

    kind: str
    words: str
    suffixes: tuple[str, ...]
    module: str


FORMATS: dict[str, Format] = {
    item.kind: item
    for item in (
        Format("pdf", "a PDF", (".pdf",), "apps.documents.parsers.pdf"),
        Format("docx", "a Word document", (".docx",), "apps.documents.parsers.docx"),
        Format("markdown", "Markdown", (".md", ".markdown"), "apps.documents.parsers.markdown"),
        Format("html", "a web page (HTML)", (".html", ".htm", ".xhtml"), "apps.documents.parsers.html"),
        Format("text", "plain text", (".txt", ".text", ".log", ".rst"), "apps.documents.parsers.text"),
        Format("csv", "a table (CSV)", (".csv", ".tsv"), "apps.documents.parsers.csv"),
    )
}
ACCEPTED = "PDF, Word (.docx), Markdown, HTML, plain text and CSV"


def by_suffix(suffix: str) -> Format | None:
    return next((item for item in FORMATS.values() if suffix.lower() in item.suffixes), None)
