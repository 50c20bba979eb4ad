"""Raised numbers and the bullets of symbol fonts are read as what a reader of the page sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from fpdf import FPDF

from apps.documents.parsing.pdf import parser
from apps.documents.parsing.protocol import ParsedPage, ParseLimits

Piece = tuple[float, float, float, str, str]  # x and y in mm, size in points, font, text


def _parse(tmp_path: Path, pieces: list[Piece]) -> ParsedPage:
    """Return a page on which each piece was drawn."""
    document = FPDF(format="A4")
    document.add_page()
    for x, y, size, font, text in pieces:
        document.set_font(font, size=size)
        document.text(x, y, text)
    path = tmp_path / "stored"
    path.write_bytes(bytes(document.output()))
    return next(item for item in parser.parse(str(path), ParseLimits()) if isinstance(item, ParsedPage))


def _raise(tmp_path: Path, *pieces: str, lift: float = 1.8) -> str:
    """Return the text of a line whose second piece is small and raised (mm)."""
    font, x, placed = FPDF(), 20.0, list[Piece]()
    for number, text in enumerate(pieces):
        size = 7.0 if number == 1 else 12.0
        font.set_font("helvetica", size=size)
        placed.append((x, 50 - lift * (number == 1), size, "helvetica", text))
        x += font.get_string_width(text)
    return " ".join(_parse(tmp_path, placed).text.split())


def test_a_raised_number_after_a_word_is_a_superscript(tmp_path: Path) -> None:
    assert _raise(tmp_path, "the act", "12", " creates rights") == "the act¹² creates rights"
    assert _raise(tmp_path, "an area of 24 m", "2", " of ground") == "an area of 24 m² of ground"


def test_a_raised_number_by_itself_is_left_out(tmp_path: Path) -> None:
    assert _raise(tmp_path, "the act creates   ", "3") == "the act creates"


def test_a_number_on_the_line_stays_as_it_is(tmp_path: Path) -> None:
    assert _raise(tmp_path, "signed by chair", "3", " of ten", lift=0) == "signed by chair3 of ten"
    assert _raise(tmp_path, "page 12 of 31") == "page 12 of 31"


def _list(marker: str, font: str, items: list[str]) -> list[Piece]:
    lines = [(50 + 6.0 * number, item) for number, item in enumerate(items)]
    markers: list[Piece] = [(20.0, y, 12.0, font, marker) for y, _ in lines]
    texts: list[Piece] = [(28.0, y, 12.0, "helvetica", item) for y, item in lines]
    return [piece for pair in zip(markers, texts, strict=True) for piece in pair]


@pytest.mark.parametrize(
    ("marker", "font", "read"), [("n", "zapfdingbats", "■"), ("\xb7", "symbol", "•"), ("4.", "helvetica", "4.")]
)
def test_a_list_with_a_wide_gap_after_its_markers_is_no_table(
    tmp_path: Path, marker: str, font: str, read: str
) -> None:
    items = ["Transitory communications;", "System caching;", "Information location tools."]
    page = _parse(tmp_path, _list(marker, font, items))
    lines = [page.text[span.start : span.end].split(maxsplit=1) for span in page.block_spans]
    assert [[line[0], line[1].strip()] for line in lines] == [[read, item] for item in items]
    assert {span.kind for span in page.block_spans} == {"list"}


def test_a_letter_of_a_text_font_is_no_bullet(tmp_path: Path) -> None:
    assert _parse(tmp_path, [(20, 50, 12, "helvetica", "n is the number of items")]).text.startswith("n is")


def test_a_real_summary_of_a_law_has_bullets_and_headings(shared: Path) -> None:
    path = shared / "data/ingest_docs/pdfminer/dmca.pdf"
    first = next(item for item in parser.parse(str(path), ParseLimits()) if isinstance(item, ParsedPage))
    assert first.text.count("\n• Title ") == 5
    headings = [first.text[span.start : span.end].strip() for span in first.block_spans if span.kind == "heading"]
    assert headings == ["THE DIGITAL MILLENNIUM COPYRIGHT ACT OF 1998", "INTRODUCTION"]
