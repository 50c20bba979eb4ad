"""Raised numbers and the bullets of symbol fonts are read as what a reader of the page sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from fpdf import FPDF

from apps.reading.parsing import page_rendering
from apps.reading.parsing.pdf import parser, typeset_marks
from apps.reading.parsing.protocol import ParsedPage, ParseLimits

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


def _write_accented(path: Path, shown: str) -> str:
    """Write a page of Helvetica, 12 points, whose comma is read as a combining diaeresis. Return its text."""
    pairs = "".join(f"<{code:02x}> <{0x308 if code == 0x2C else code:04x}> " for code in b"fur,ab")
    cmap = f"begincmap 1 begincodespacerange <00> <ff> endcodespacerange 6 beginbfchar {pairs}endbfchar endcmap"
    content = f"BT /F 12 Tf 50 300 Td {shown} TJ ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 5 0 R/Resources<</Font<</F 4 0 R>>>>>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding/ToUnicode 6 0 R>>",
        *(f"<</Length {len(stream)}>>stream\n{stream}\nendstream" for stream in (content, cmap)),
    ]  # fmt: skip
    numbered = "\n".join(f"{number} 0 obj\n{text}\nendobj" for number, text in enumerate(objects, start=1))
    path.write_bytes(f"%PDF-1.5\n{numbered}\ntrailer<</Root 1 0 R/Size 7>>".encode())
    return next(item.text for item in parser.parse(str(path), ParseLimits()) if isinstance(item, ParsedPage))


def test_accent_drawn_by_itself_is_joined_without_a_space(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    assert _write_accented(path, "[(fu) 500 (,) -222 (r) -278 (ab)]") == "fu\u0308r ab"
    words = page_rendering.render_page(str(path), "pdf", 1, 800)["words"]
    assert [word[:2] for word in words] == [(0, 4), (5, 7)]
    assert words[0][2] * 400 < 52 and (words[0][2] + words[0][4]) * 400 > 63  # from the "f" to the end of the "r"
    assert _write_accented(path, "[(fu) 500 (,) -600 (ab)]") == "fu\u0308 ab"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ein DHCP\u00adServer", "ein DHCP-Server"), ("PCI/PCI\u00adExpress-Karten", "PCI/PCI-Express-Karten"),
        ("ISO\u00ad8859", "ISO-8859"), ("OS\u00adprovided", "OS-provided"), ("Instal\u00adlation", None),
        ("BEZÜG\u00adLICH", None), ("the ATmega32 and AT\u00admega88P", None),
        ("reto\u00adrespuesta, reto-respuesta", "reto-respuesta, reto-respuesta"), ("a \u00ad b\u00ad", None),
    ],
)  # fmt: skip
def test_a_hyphen_at_a_line_end_stays_if_it_belongs_to_the_word(text: str, read: str | None) -> None:
    kept = typeset_marks.find_real_hyphens(text)
    assert "".join("-" if at in kept else char for at, char in enumerate(text)) == (read or text)


def test_a_compound_at_a_line_end_is_one_word_of_two_lines(tmp_path: Path) -> None:
    page = _parse(
        tmp_path, [(20, 50, 12, "helvetica", "Ask for the DHCP-"), (20, 55, 12, "helvetica", "Server of the site.")]
    )
    assert [page.text[span.start : span.end] for span in page.block_spans] == ["Ask for the DHCP-Server of the site."]


def test_a_real_summary_of_a_law_has_bullets_and_headings(shared: Path) -> None:
    path = shared / "data/ingest_docs/pdfminer/dmca.pdf"
    first = next(item for item in parser.parse(str(path), ParseLimits()) if isinstance(item, ParsedPage))
    assert first.text.count("\n• Title ") == 5
    headings = [first.text[span.start : span.end].strip() for span in first.block_spans if span.kind == "heading"]
    assert headings == ["THE DIGITAL MILLENNIUM COPYRIGHT ACT OF 1998", "INTRODUCTION"]
