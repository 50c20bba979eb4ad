"""Pages that are pictures: their text is recognised, and a passage is lit where its words stand."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from apps.documents.ingestion.file_parsing import NO_WORDS
from apps.documents.ingestion.ocr import _describe_unread, _with
from apps.documents.models import Page, Segment
from apps.documents.reader import page_view
from apps.documents.reader.word_boxes import find_highlight_boxes
from apps.reading.parsing.common.xy_cut import order_boxes
from apps.reading.parsing.ocr.page_assembly import RecognisedLine, assemble_page
from apps.reading.parsing.protocol import ParsedPage, ParseError
from apps.reading.sandbox import runner
from apps.reading.sandbox.runner import detect_format
from apps.users.models import User
from tests.documents import sample_files
from tests.documents.sample_files import PICTURE_FONT, scan_pdf, text_picture
from tests.factories import ingest_file, make_collection
from tests.reading.parsing.parser_runs import OCR_MEMORY


def _across(pixels: float) -> float:
    """Thousandths of the page (in `scan_pdf`: 180 of 210 mm, 10 mm in) at which a place of a drawn picture lies."""
    return (10 + 180 * pixels / 900) / 210 * 1000


def recognise(path: Path, kind: str, number: int = 1) -> dict[str, Any]:
    answers = runner.run_task(
        "recognise", path, {"kind": kind, "numbers": [number]}, seconds=90, memory_bytes=OCR_MEMORY
    )
    assert any("beat" in answer for answer in answers)  # the parent hears that it goes on
    return answers[-1]


def words_of(answer: dict[str, Any]) -> list[str]:
    return [answer["text"][word[0] : word[1]] for word in answer["boxes"]]


@pytest.mark.parametrize("turn", [0, 90, 180])
def test_a_picture_is_read_however_it_lies(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "stored"
    path.write_bytes(text_picture("Thirty days of leave", "are paid every year", turn=turn))
    assert detect_format(path, "scan.png") == "image"
    answer = recognise(path, "image")
    assert " ".join(answer["text"].split()) == "Thirty days of leave are paid every year"
    assert words_of(answer) == answer["text"].split()
    first, last = answer["boxes"][0], answer["boxes"][-1]
    if turn == 0:
        assert first[2] < 0.1 and first[3] < last[3] < 0.8
    if turn == 180:
        assert first[2] > 0.7 and first[3] > last[3]


@pytest.mark.django_db(transaction=True)
def test_a_scan_becomes_ready_and_its_passage_is_lit(alice: User, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    content = scan_pdf(
        text_picture("Thirty days of leave", "are paid every year"), text_picture("Bicycles stand behind the house")
    )
    row = ingest_file(make_collection(alice), "scan.pdf", content)
    assert (row.status, row.kind, row.pages_count, row.note) == ("ready", "pdf", 2, "")
    page = Page.objects.get(document=row, number=2)
    assert page.text == "Bicycles stand behind the house\n\n2"
    start, end = page.text.index("behind"), page.text.index("\n")
    ((left, top, width, height),) = page_view.build_page_view(row, 2, f"{start}-{end}").image.boxes  # type: ignore[union-attr]
    assert abs(left - _across(60 + PICTURE_FONT.getlength("Bicycles stand "))) < 20  # where it was drawn
    assert abs(left + width - _across(60 + PICTURE_FONT.getlength("Bicycles stand behind the house"))) < 20
    assert top < 200 and height < 60


def test_a_picture_is_shown_as_it_lies_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(text_picture("Words", form="JPEG"))
    shown = runner.render_page(path, "image", 1, 450)
    assert (shown.width, shown.words) == (450, [])
    assert Image.open(io.BytesIO(shown.png)).size == (shown.width, shown.height)


def test_a_scan_without_words_says_so(alice: User, settings: Any, tmp_path: Path) -> None:
    row = ingest_file(make_collection(alice), "black.pdf", sample_files.scanned_pdf())
    assert row.status == "failed"
    assert "none could be recognised" in row.reason


def test_a_photograph_without_words_is_kept_and_says_so(alice: User, settings: Any) -> None:
    collection, file = make_collection(alice), io.BytesIO()
    Image.new("RGB", (200, 200), "teal").save(file, "PNG")
    row = ingest_file(collection, "sea.png", file.getvalue())
    assert (row.status, row.pages_count, row.note, row.lease_token) == ("ready", 1, NO_WORDS, "")
    assert not row.chunks.exists() and not Segment.objects.exists()
    assert page_view.build_page_view(row, 1, "").image is not None
    settings.OCR_PAGES = 0  # nobody looked: that is no reason to say that there are none
    assert ingest_file(collection, "dark.png", file.getvalue() + b"\0").status == "failed"


def test_a_picture_of_a_phone_is_read(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(text_picture("Thirty days of leave", form="AVIF"))
    assert detect_format(path, "photo.avif") == "image"
    assert "days of leave" in recognise(path, "image")["text"]


def test_pages_beyond_the_ocr_limit_are_named_as_unread(settings: Any) -> None:
    settings.OCR_PAGES = 2
    assert "3 scanned pages, from page 7 on" in _describe_unread([7, 8, 9], [])
    assert "page 4, 5 could not" in _describe_unread([], [4, 5])


def test_a_page_keeps_its_own_words_where_they_are_more() -> None:
    own, read = ParsedPage(1, "Chapter one", ()), ParsedPage(1, "Chap", (), boxes=((0, 4, 0, 0, 1, 1),))
    assert _with(own, read) is own
    assert _with(ParsedPage(1, "1", ()), read).boxes == read.boxes


def tiff_of(frames: int) -> bytes:
    file = io.BytesIO()
    first, *rest = [Image.new("L", (40, 30), 255) for _ in range(frames)]
    first.save(file, "TIFF", save_all=True, append_images=rest)
    return file.getvalue()


def test_tiff_frames_become_one_page_each(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(tiff_of(3))
    options = {"kind": "image", "pages": 9, "characters": 9}
    pages = [a for a in runner.run_task("parse", path, options, seconds=30, memory_bytes=OCR_MEMORY) if "page" in a]
    assert [(page["page"], page["scan"]) for page in pages] == [(1, True), (2, True), (3, True)]


@pytest.mark.parametrize("size", [(20_000, 20_000), (1, 65_500)])
def test_a_picture_of_impossible_size_does_no_harm(tmp_path: Path, size: tuple[int, int]) -> None:
    path, file = tmp_path / "stored", io.BytesIO()
    Image.new("1", size).save(file, "PNG")
    path.write_bytes(file.getvalue())
    if size[0] > 1:
        with pytest.raises(ParseError, match="million pixels"):
            runner.run_task(
                "parse", path, {"kind": "image", "pages": 9, "characters": 9}, seconds=30, memory_bytes=OCR_MEMORY
            )
    else:
        assert recognise(path, "image")["text"] == ""


def test_columns_are_read_one_after_the_other() -> None:
    heading = (0.1, 0.05, 0.9, 0.1)
    left = [(0.1, top / 10, 0.45, top / 10 + 0.05) for top in range(2, 6)]
    right = [(0.55, top / 10 + 0.02, 0.9, top / 10 + 0.07) for top in range(2, 6)]
    foot = (0.1, 0.9, 0.9, 0.95)
    mixed = [heading, *(box for pair in zip(left, right, strict=True) for box in pair), foot]
    assert [mixed[at] for at in order_boxes(mixed, 0.02)] == [heading, *left, *right, foot]


def cells_at(
    *rows: tuple[str, ...], lefts: tuple[float, ...] = (0.1, 0.4, 0.7), top: float = 0.2
) -> list[RecognisedLine]:
    return [
        RecognisedLine(words, (left, top + 0.03 * at, left + 0.008 * len(words), top + 0.03 * at + 0.02), [])
        for at, row in enumerate(rows)
        for left, words in zip(lefts, row, strict=True)
        if words
    ]


TESTS = (("Test", "Result", "Usual"), ("HbA1c", "6.8 %", "< 5.7"), ("TSH", "2.4 mU", ""), ("eGFR", "82 mL", "> 60"))


def test_a_table_is_read_row_by_row_also_below_other_text() -> None:
    prose = [
        RecognisedLine(
            "What was found in the laboratory is told in the table.", (0.1, 0.05 + 0.03 * n, 0.6, 0.07 + 0.03 * n), []
        )
        for n in range(4)
    ]
    for around in ([], prose):
        page, boxes = assemble_page(1, [*around, *cells_at(*TESTS)], 0)
        table = next(piece for piece in page.block_spans if piece.kind == "table")
        assert [line for line in page.text[table.start : table.end].split("\n") if line] == [
            "Test | Result | Usual",
            "Test: HbA1c; Result: 6.8 %; Usual: < 5.7",
            "Test: TSH; Result: 2.4 mU",
            "Test: eGFR; Result: 82 mL; Usual: > 60",
        ]
        found = {page.text[start:end]: left for start, end, left, *_ in boxes}
        assert (found["HbA1c"], found["82 mL"], found["> 60"]) == (0.1, 0.4, 0.7)
        assert [piece.kind for piece in page.block_spans] == [*(["paragraph"] if around else []), "table"]


def test_notes_in_the_margin_are_not_read_into_the_lines() -> None:
    prose = [(0.3, 0.1 + 0.03 * n, 0.9, 0.12 + 0.03 * n) for n in range(10)]
    margin = [(0.05, 0.1 + 0.03 * n, 0.2, 0.12 + 0.03 * n) for n in (2, 3, 7)]
    boxes = [*prose, *margin]
    assert [boxes[at] for at in order_boxes(boxes, 0.02)] == [*margin, *prose]


def test_words_of_one_line_are_one_box() -> None:
    words = [[0, 4, 0.1, 0.1, 0.1, 0.04], [5, 9, 0.21, 0.1, 0.1, 0.04], [10, 14, 0.1, 0.2, 0.1, 0.04]]
    assert [[round(side, 2) for side in box] for box in find_highlight_boxes(words, [(5, 14)])] == [
        [0.21, 0.1, 0.1, 0.04],
        [0.1, 0.2, 0.1, 0.04],
    ]
    assert len(find_highlight_boxes(words, [(0, 9)])) == 1
