"""Two columns are read one after the other however they were drawn, and every row of a table names its columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF

from apps.documents.reader.word_boxes import find_highlight_boxes
from apps.engines.embed.fake import FakeEmbedder
from apps.reading.chunking.chunker import Chunker
from apps.reading.parsing.protocol import BlockSpan, ParsedPage
from apps.reading.sandbox import runner

LEFT = [f"Left line number {n} of the first column" for n in range(1, 13)]
RIGHT = [f"Right line number {n} of the second one" for n in range(1, 13)]
WORDS = [f"left {n} right {n}" for n in range(1, 13)]


def drawn(tmp_path: Path, *words: tuple[float, float, str], size: int = 10) -> Path:
    """A page on which each of the words was drawn at its place (mm), in this order."""
    document = FPDF(format="A4")
    document.set_font("helvetica", size=size)
    document.add_page()
    for x, y, text in words:
        document.text(x, y, text)
    path = tmp_path / "stored"
    path.write_bytes(bytes(document.output()))
    return path


def page(path: Path) -> ParsedPage:
    options = {"kind": "pdf", "pages": 100, "characters": 10**6}
    answer = runner.run_task("parse", path, options, seconds=20, memory_bytes=1024**3)[-1]
    return ParsedPage(answer["page"], answer["text"], tuple(BlockSpan(*piece) for piece in answer["block_spans"]))


def columns(order: str) -> list[tuple[float, float, str]]:
    left = [(20.0, 60 + 6.0 * n, words) for n, words in enumerate(LEFT)]
    right = [(110.0, 60 + 6.0 * n, words) for n, words in enumerate(RIGHT)]
    head, foot = (20.0, 40.0, "A headline that runs across both of the columns of this page, whatever they hold"), (
        20.0, 150.0, "A last line that runs across both of the columns of this page, whatever they hold",
    )  # fmt: skip
    middle = {
        "across": [place for pair in zip(left, right, strict=True) for place in pair],
        "right first": [*right, *left],
        "as read": [*left, *right],
    }[order]
    return [head, *middle, foot]


@pytest.mark.parametrize("order", ["across", "right first", "as read"])
def test_columns_of_a_page_are_read_one_after_the_other(tmp_path: Path, order: str) -> None:
    path = drawn(tmp_path, *columns(order))
    lines = [line.strip() for line in page(path).text.splitlines() if line.strip()]
    assert lines[1:-1] == [*LEFT, *RIGHT]
    assert lines[0].startswith("A headline") and lines[-1].startswith("A last line")


@pytest.mark.parametrize("order", ["across", "right first"])
def test_a_passage_is_lit_where_it_stands_after_columns_were_put_in_order(tmp_path: Path, order: str) -> None:
    path = drawn(tmp_path, *columns(order))
    text = page(path).text
    words: list[Any] = runner.run_task(
        "render", path, {"kind": "pdf", "page": 1, "width": 800}, seconds=20, memory_bytes=1024**3
    )[0]["words"]
    for line, left in ((LEFT[6], 20), (RIGHT[2], 110)):
        start = text.index(line)
        ((x, y, width, _),) = find_highlight_boxes(words, [(start, start + len(line))])
        row = (LEFT.index(line) if line in LEFT else RIGHT.index(line)) * 6.0 + 60
        assert abs(x * 210 - left) < 3 and abs(y * 297 - row + 3) < 3 and 50 < width * 210 < 80


TABLE = [("Country", "Capital", "People"), *((f"Land {n}", f"Town {n}", f"{n},000") for n in range(1, 60))]


def table() -> list[tuple[float, float, str]]:
    rows = [
        (x, 30 + 4.0 * n, cell) for n, row in enumerate(TABLE) for x, cell in zip((20.0, 80.0, 150.0), row, strict=True)
    ]
    return [
        (20.0, 20.0, "The following table lists them all, with what they have."),
        *rows,
        (20.0, 280.0, "So much of that."),
    ]


def test_table_rows_name_their_columns_in_every_chunk(tmp_path: Path) -> None:
    found = page(drawn(tmp_path, *table(), size=8))
    assert [piece.kind for piece in found.block_spans] == ["paragraph", "table", "paragraph"]
    lines = found.text[found.block_spans[1].start : found.block_spans[1].end].split("\r\n")
    assert lines[:2] == ["Country | Capital | People", "Country: Land 1; Capital: Town 1; People: 1,000"]
    drafts = [draft for draft in Chunker("Lands", FakeEmbedder().offsets, 256).cut(found) if "Town" in draft.text]
    assert len(drafts) > 2
    assert all(draft.text.startswith("Country: Land ") for draft in drafts[1:])
    assert all(draft.text.endswith(",000") for draft in drafts[:-1])  # cut between rows


def test_an_empty_cell_leaves_its_column_out(tmp_path: Path) -> None:
    rows = [("Item", "Price", "Stock"), ("Tea", "3", "12"), ("Rum", "", "7"), ("", "5", "9"), ("Gin", "4", "")]
    cells = [(x, 30 + 6.0 * n, cell) for n, row in enumerate(rows) for x, cell in zip((20, 80, 150), row, strict=True)]
    found = page(drawn(tmp_path, *((x, y, cell) for x, y, cell in cells if cell)))
    lines = [" ".join(line.split()) for line in found.text.split("\r\n")]
    assert lines[1:] == [
        "Item: Tea; Price: 3; Stock: 12", "Item: Rum; Stock: 7", "Price: 5; Stock: 9",
        "Item: Gin; Price: 4",
    ]  # fmt: skip


def test_an_amount_below_a_table_has_its_own_label(tmp_path: Path) -> None:
    rows = [("Item", "Price", "Amount"), ("Tea", "3.00", "6.00"), ("Rum", "9.00", "9.00"), ("", "Delivery", "5.00")]
    cells = [(x, 30 + 6.0 * n, cell) for n, row in enumerate(rows) for x, cell in zip((20, 80, 150), row, strict=True)]
    found = page(drawn(tmp_path, *((x, y, cell) for x, y, cell in cells if cell)))
    assert [" ".join(line.split()) for line in found.text.split("\r\n")][2:] == [
        "Item: Rum; Price: 9.00; Amount: 9.00", "Delivery | 5.00",
    ]  # fmt: skip


def test_column_names_written_into_table_rows_have_no_place_on_the_page(tmp_path: Path) -> None:
    path = drawn(tmp_path, *table(), size=8)
    text = page(path).text
    words: list[Any] = runner.run_task(
        "render", path, {"kind": "pdf", "page": 1, "width": 800}, seconds=20, memory_bytes=1024**3
    )[0]["words"]
    row = "Country: Land 7; Capital: Town 7; People: 7,000"
    start = text.index(row)
    inside = [text[first:end] for first, end, *_ in words if start <= first < start + len(row)]
    assert inside == ["Land", "7;", "Town", "7;", "7,000"]
    boxes = find_highlight_boxes(words, [(start, start + len(row))])
    assert {round(left * 210) for left, *_ in boxes} >= {20, 80, 150}
    assert all(abs(top * 297 - (30 + 4.0 * 7) + 2.5) < 2.5 for _, top, *_ in boxes)


def test_names_and_values_side_by_side_are_a_table_without_names_of_columns(tmp_path: Path) -> None:
    pairs = [("Name:", "Ada"), ("Town:", "London"), ("Born:", "1815"), ("Died:", "1852")]
    cells = [(x, 30 + 6.0 * n, row[at]) for n, row in enumerate(pairs) for at, x in enumerate((20.0, 80.0))]
    found = page(drawn(tmp_path, *cells))
    assert [(piece.kind, piece.level) for piece in found.block_spans] == [("table", 0)]
    assert found.text.split("\r\n")[0] == "Name: Ada"


def _read_lines(tmp_path: Path, *words: tuple[float, float, str]) -> list[str]:
    """Return the lines of a page on which the words were drawn in this order; a "*" before a word makes it bold."""
    document = FPDF(format="A4")
    document.add_page()
    for x, y, text in words:
        document.set_font("helvetica", style="B" if text.startswith("*") else "", size=10)
        document.text(x, y, text.removeprefix("*"))
    path = tmp_path / "stored"
    path.write_bytes(bytes(document.output()))
    return [" ".join(line.split()) for line in page(path).text.split("\r\n")]


def test_the_lines_of_a_wrapped_cell_belong_to_their_row(tmp_path: Path) -> None:
    found = _read_lines(
        tmp_path,
        (20, 30, "*Name"), (80, 30, "*Meaning"), (150, 30, "*Value"),
        (20, 34.2, "delay.start"), (80, 34.2, "Time before the"), (80, 38.4, "load starts"), (150, 34.2, "none"),
        (20, 42.6, "delay.stop"), (80, 42.6, "Time before the"), (80, 46.8, "load stops"), (150, 42.6, "20"),
        (20, 51, "model"), (80, 51, "Model"), (150, 51, "SMART"),
        (20, 55.2, "maker"), (80, 55.2, "Who made it"), (150, 55.2, "APC"),
    )  # fmt: skip
    assert found == [
        "Name | Meaning | Value",
        "Name: delay.start; Meaning: Time before the load starts; Value: none",
        "Name: delay.stop; Meaning: Time before the load stops; Value: 20",
        "Name: model; Meaning: Model; Value: SMART", "Name: maker; Meaning: Who made it; Value: APC",
    ]  # fmt: skip


def test_cells_in_the_middle_of_a_wrapped_one_belong_to_its_row(tmp_path: Path) -> None:
    found = _read_lines(
        tmp_path,
        (20, 32.1, "*Kind"), (80, 30, "*Size in"), (80, 34.2, "*megabytes"), (150, 32.1, "*Rooms"),
        (20, 40, "Desktop"), (20, 44.2, "(the usual one)"), (80, 42.1, "861"), (150, 42.1, "2"),
        (20, 50, "Server"), (80, 50, "26"), (150, 50, "1"),
    )  # fmt: skip
    assert found == [
        "Kind | Size in megabytes | Rooms",
        "Kind: Desktop (the usual one); Size in megabytes: 861; Rooms: 2",
        "Kind: Server; Size in megabytes: 26; Rooms: 1",
    ]


def test_a_line_above_some_rows_does_not_part_them_from_their_header(tmp_path: Path) -> None:
    found = _read_lines(
        tmp_path,
        (20, 30, "*Kind"), (80, 30, "*Size"), (150, 30, "*Rooms"), (20, 34.2, "Desktops"),
        (20, 38.4, "GNOME"), (80, 38.4, "861"), (150, 38.4, "2"), (20, 42.6, "Xfce"), (80, 42.6, "734"),
        (150, 42.6, "1"),
    )  # fmt: skip
    assert found[1:] == ["Kind: Desktops", "Kind: GNOME; Size: 861; Rooms: 2", "Kind: Xfce; Size: 734; Rooms: 1"]


@pytest.mark.parametrize(
    "rows",
    [
        [("m6490p", "ATmega6490P"), ("m649a", "ATmega649A"), ("t212", "ATtiny212")],
        [("ups.mfr", "Manufacturer", "APC"), ("ups.serial", "Number", "WS96"), ("ups.id", "Name", "Sierra")],
    ],
)
def test_a_table_that_goes_on_from_another_page_takes_no_row_for_its_header(
    tmp_path: Path, rows: list[tuple[str, ...]]
) -> None:
    cells = [(x, 30 + 4.2 * n, cell) for n, row in enumerate(rows) for x, cell in zip((20, 80, 150), row, strict=False)]
    assert _read_lines(tmp_path, *cells) == [" | ".join(row) for row in rows]


def test_cells_left_of_all_names_of_columns_have_none(tmp_path: Path) -> None:
    found = _read_lines(
        tmp_path,
        (80, 30, "*Speed"), (120, 30, "*Spare"), (160, 30, "*Size"),
        (20, 36, "RAID0"), (80, 36, "2"), (120, 36, "no"), (160, 36, "large"),
        (20, 42, "RAID1"), (80, 42, "3"), (120, 42, "yes"), (160, 42, "small"),
    )  # fmt: skip
    assert found[1:] == ["RAID0; Speed: 2; Spare: no; Size: large", "RAID1; Speed: 3; Spare: yes; Size: small"]
