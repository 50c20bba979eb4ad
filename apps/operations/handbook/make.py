"""Build the PDF and Word files of the handbook: `python -m apps.operations.handbook.make`.

Both are committed, so that installations need no tools for it; a test compares their text with the sources. The sources
use a subset of Markdown: headings, paragraphs, lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from docx import Document
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TextStyle

HERE = Path(__file__).parent
MADE = datetime(2026, 1, 1, tzinfo=UTC)  # a fixed date: the same source makes the same file


@dataclass(frozen=True, slots=True)
class HandbookBlock:
    """Block of the handbook's source."""

    kind: Literal["title", "heading", "paragraph", "item"]
    text: str


def parse_blocks(source: str) -> Iterator[HandbookBlock]:
    """Yield the blocks of the source, in which a paragraph is one line."""
    for line in source.splitlines():
        for mark, kind in (("# ", "title"), ("## ", "heading"), ("- ", "item")):
            if line.startswith(mark):
                yield HandbookBlock(kind, line.removeprefix(mark))  # type: ignore[arg-type]
                break
        else:
            if line.strip():
                yield HandbookBlock("paragraph", line.strip())


class HandbookPdf(FPDF):  # type: ignore[misc]
    """PDF with title and page number in its footer."""

    def footer(self) -> None:
        self.set_y(-18)
        self.set_font("Helvetica", size=9)
        self.set_text_color(110)
        self.cell(0, 6, f"{self.title} - page {self.page_no()}", align="C")


def write_pdf(source: str, target: Path) -> None:
    """Write the source as a PDF."""
    paper = HandbookPdf(format="A4")
    paper.set_creation_date(MADE)
    paper.set_margins(28, 26, 28)
    paper.set_auto_page_break(True, 26)
    paper.set_font("Helvetica", size=11)
    paper.set_lang("en")
    paper.set_author("Openbook")
    paper.set_section_title_styles(
        TextStyle("Helvetica", "B", 22, b_margin=6), TextStyle("Helvetica", "B", 13, t_margin=5, b_margin=2)
    )
    for block in parse_blocks(source):
        if block.kind == "title":
            paper.set_title(block.text)
            paper.add_page()
            paper.start_section(block.text, level=0)
        elif block.kind == "heading":
            if paper.will_page_break(30):  # keep a heading with the text after it
                paper.add_page()
            paper.start_section(block.text, level=1)
        else:
            _paragraph(paper, block)
    paper.output(str(target))


def _paragraph(paper: FPDF, block: HandbookBlock) -> None:
    paper.set_font("Helvetica", size=11)
    text, indent = (f"\u00b7 {block.text}", 5) if block.kind == "item" else (block.text, 0)
    paper.set_x(paper.l_margin + indent)
    paper.multi_cell(0, 5.6, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.ln(1 if block.kind == "item" else 2.4)


def write_docx(source: str, target: Path) -> None:
    """Write the source as a Word document."""
    document = Document()
    core = document.core_properties
    core.author, core.created, core.modified, core.last_modified_by = "Openbook", MADE, MADE, "Openbook"
    for block in parse_blocks(source):
        if block.kind == "title":
            core.title = block.text
            document.add_heading(block.text, level=0)
        elif block.kind == "heading":
            document.add_heading(block.text, level=1)
        else:
            document.add_paragraph(block.text, style="List Bullet" if block.kind == "item" else None)
    document.save(str(target))


def main() -> None:
    """Build both files."""
    write_pdf((HERE / "source" / "First steps.md").read_text(), HERE / "First steps.pdf")
    write_docx((HERE / "source" / "Answers and citations.md").read_text(), HERE / "Answers and citations.docx")


if __name__ == "__main__":
    main()
