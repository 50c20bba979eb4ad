"""The pages of a PDF: their text, their pieces, and where spans of it stand on the image."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF
from PIL import Image

from apps.documents.reader.word_boxes import find_highlight_boxes
from apps.reading.parsing.pdf import parser
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import runner


def handbook() -> bytes:
    document = FPDF(format="A4")
    document.set_title("Staff handbook")
    document.set_auto_page_break(False)
    document.add_page()

    def line(words: str, size: int, style: str = "", down: int = 6) -> None:
        document.set_font("helvetica", style, size)
        document.cell(0, down, words, new_x="LMARGIN", new_y="NEXT")

    line("Time off", 22, "B", 14)
    line("Every employee has thirty days of paid leave in a year, and may take them", 11)
    line("whenever the team agrees.", 11)
    line("", 11, down=8)
    line("Leave of more than two weeks is asked for in writing.", 11)
    line("Illness", 15, "B", 12)
    line("1. Call before nine in the morning, or let somebody call for you as soon", 11)
    line("as that is possible.", 11)
    line("2. Send a certificate after three days.", 11)
    return bytes(document.output())


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "stored"
    path.write_bytes(handbook())
    return path


def parsed(path: Path) -> list[dict[str, Any]]:
    options = {"kind": "pdf", "pages": 100, "characters": 10**6}
    return runner.run_task("parse", path, options, seconds=20, memory_bytes=1024**3)


def test_the_number_of_pages_comes_first_and_the_title_is_told(stored: Path) -> None:
    total, title, page = parsed(stored)
    assert (total, title) == ({"total": 1}, {"title": "Staff handbook"})
    assert page["size"] == [pytest.approx(595.3, abs=0.1), pytest.approx(841.9, abs=0.1)]


@pytest.mark.parametrize("label", ["Important", "NOTE:", "Hinweis", "Atención"])
def test_the_label_of_a_box_heads_no_section(tmp_path: Path, label: str) -> None:
    document = FPDF()
    document.add_page()
    for size, words in (
        (16, "Leave"),
        (16, label),
        (10, "Ask your team before you book the journey, and the office too."),
    ):
        document.set_font("helvetica", size=size)
        document.cell(0, 12, words, new_x="LMARGIN", new_y="NEXT")
    path = tmp_path / "stored"
    path.write_bytes(bytes(document.output()))
    (page,) = [item for item in parsed(path) if "page" in item]
    headings = [page["text"][start:end] for kind, _, start, end in page["block_spans"] if kind == "heading"]
    assert headings == ["Leave"]


def test_a_word_that_a_heading_parts_at_its_line_end_does_not_part_the_heading(tmp_path: Path) -> None:
    document = FPDF()
    document.add_page()
    lines = [(20, "Debian from another system, instal-"), (20, "lation"), (10, "This is how it is installed. " * 3)]
    for at, (size, words) in enumerate(lines):
        document.set_font("helvetica", size=size)
        document.text(20, 40 + 14 * at, words)
    path = tmp_path / "stored"
    path.write_bytes(bytes(document.output()))
    (page,) = [item for item in parsed(path) if "page" in item]
    kind, _, start, end = page["block_spans"][0]
    assert (kind, page["text"][start:end]) == ("heading", "Debian from another system, instal\u00adlation")


@pytest.mark.parametrize(("words", "level"), [("C.3.2 ups: General", 4), ("2.8.1 Extra Settings", 3), ("10/17/96", 0)])
def test_a_bold_line_with_the_number_of_a_section_is_a_heading_also_if_small(words: str, level: int) -> None:
    text = f"Variables\n{words}\nThese are read."
    starts = [0, 10, 11 + len(words)]
    ends = [9, 10 + len(words), len(text)]
    lines = [
        parser._Line(start, end, 100 - 12 * at, 9.0, at < 2)
        for at, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    spans = {text[span.start : span.end]: span for span in parser._pieces(text, lines, 10.0, 12.0)}
    assert (words in spans and (spans[words].kind, spans[words].level) == ("heading", level)) is bool(level)


def test_a_single_word_in_letters_of_several_alphabets_is_no_heading() -> None:
    assert parser._mixes_alphabets("W\u0410R\u039dUNG")
    assert not any(map(parser._mixes_alphabets, ("WARNUNG", "Größe", "β-Blocker and γ", "日本語ガイド")))


def test_numbered_headings_that_follow_each_other_nest_by_their_numbers(tmp_path: Path) -> None:
    document = FPDF()
    document.add_page()
    for words, size, down in (
        ("5.9. Lock files of", 13, 6), ("all devices", 13, 6), ("5.9.1. Purpose", 13, 6),
        ("The name of a lock file ends with the name of its device.", 10, 6),
        ("The lock file holds the number of the process that made it.", 10, 6),
    ):  # fmt: skip
        document.set_font("helvetica", "", size)
        document.cell(0, down, words, new_x="LMARGIN", new_y="NEXT")
    path = tmp_path / "stored"
    path.write_bytes(bytes(document.output()))
    page = parsed(path)[-1]
    found = [
        (level, " ".join(page["text"][a:b].split())) for kind, level, a, b in page["block_spans"] if kind == "heading"
    ]
    assert found == [(2, "5.9. Lock files of all devices"), (3, "5.9.1. Purpose")]


def test_headings_paragraphs_and_lists_are_told_apart(stored: Path) -> None:
    page = parsed(stored)[-1]
    pieces = [
        (kind, level, " ".join(page["text"][start:end].split())) for kind, level, start, end in page["block_spans"]
    ]
    assert pieces == [
        ("heading", 1, "Time off"),
        (
            "paragraph",
            0,
            "Every employee has thirty days of paid leave in a year, and may take them whenever the team agrees.",
        ),
        ("paragraph", 0, "Leave of more than two weeks is asked for in writing."),
        ("heading", 2, "Illness"),
        (
            "list",
            0,
            "1. Call before nine in the morning, or let somebody call for you as soon as that is possible.",
        ),
        ("list", 0, "2. Send a certificate after three days."),
    ]


def test_a_page_is_drawn_with_a_box_for_every_line_of_a_span(stored: Path) -> None:
    text = parsed(stored)[-1]["text"]
    start, end = text.index("thirty days"), text.index("the team agrees.")
    shown = runner.render_page(stored, "pdf", 1, 800)
    boxes = find_highlight_boxes(shown.words, [(start, end)])
    image = Image.open(io.BytesIO(shown.png))
    assert image.size == (shown.width, shown.height)
    assert shown.width == 800
    assert len(boxes) == 2
    for left, top, width, height in boxes:
        assert 0 < left < left + width < 1
        assert 0 < top < top + height < 1
        crop = image.convert("L").crop(
            (int(left * 800), int(top * shown.height), int((left + width) * 800), int((top + height) * shown.height))
        )
        assert crop.getextrema()[0] < 100  # there is ink in it
    first, second = boxes
    assert first[1] < second[1]
    assert first[0] > second[0]  # the span begins in the middle of its first line


def test_boxes_stand_right_on_a_turned_page(tmp_path: Path) -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument(handbook())
    document[0].set_rotation(90)
    path = tmp_path / "turned"
    document.save(str(path))
    text = parsed(path)[-1]["text"]
    at = text.index("Time off")
    shown = runner.render_page(path, "pdf", 1, 800)
    assert shown.width > shown.height
    for left, _, width, height in find_highlight_boxes(shown.words, [(at, at + 8)]):  # a word a box
        assert left > 0.8  # the top of the page is now at its right
        assert height > width


def test_words_of_a_rendered_page_all_have_a_place(stored: Path) -> None:
    text = parsed(stored)[-1]["text"]
    words = runner.render_page(stored, "pdf", 1, 800).words
    assert [text[int(start) : int(end)] for start, end, *_ in words] == text.split()
    assert all(
        0 <= left < left + width <= 1 and 0 <= top < top + height <= 1 for _, _, left, top, width, height in words
    )


def test_a_page_that_is_not_there_is_refused(stored: Path) -> None:
    with pytest.raises(ParseError, match="no page 2"):
        runner.render_page(stored, "pdf", 2, 800)


@pytest.mark.parametrize(
    ("words", "wide", "is_scan"),
    [
        ("Confidential. Report of the commission, page 12 of 80", 200, True),  # a head upon a scan
        ("Confidential. Report of the commission, page 12 of 80", 60, False),  # a small picture
        ("A page of text upon a picture that fills the paper. " * 12, 200, False),
        ("", 60, True),
    ],
)
def test_a_page_that_is_a_picture_but_for_a_line_is_a_scan(
    tmp_path: Path, words: str, wide: int, is_scan: bool
) -> None:
    document = FPDF(format="A4")
    document.set_font("helvetica", size=9)
    document.add_page()
    document.image(Image.new("RGB", (100, 140), "grey"), 5, 5, wide)
    document.multi_cell(0, text=words)
    path = tmp_path / "stored"
    path.write_bytes(bytes(document.output()))
    assert parsed(path)[-1]["scan"] is is_scan
