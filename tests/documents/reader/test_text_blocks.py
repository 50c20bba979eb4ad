"""Text as blocks with the passage marked: what is shown is the text, whatever it holds."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from apps.documents.reader.text_blocks import Spans, TextBlock, build_blocks, choose_window
from apps.reading.parsing.protocol import BlockKind

TABLE = "City: Paris; Limit: 150\nCity: Rome; Limit: 130; Note: a; b\nCity: Oslo; Note: cold"


def words(found: list[TextBlock], marked: bool | None = None) -> str:
    return "".join(
        run.text
        for block in found
        for row in block.rows
        for cell in row
        for run in cell
        if marked is None or run.marked == marked
    )


def blocks(text: str, spans: Spans, kind: BlockKind = "paragraph", here: Spans | None = None) -> list[TextBlock]:
    """Each part between blank lines is a piece of that kind."""
    pieces = [(kind, 0, part.start(), part.end()) for part in re.finditer(r"\S(?:[^\n]|\n(?!\n))*", text)]
    return build_blocks(text, spans, pieces, 0, len(text), here)


def test_a_table_that_names_its_columns_gets_a_header() -> None:
    (table,) = blocks(TABLE, [], "table")
    assert table.header == ("City", "Limit", "Note")
    cells = [["".join(run.text for run in cell) for cell in row] for row in table.rows]
    assert cells == [["Paris", "150", ""], ["Rome", "130", "a; b"], ["Oslo", "", "cold"]]


def test_marks_cross_blocks_and_the_first_is_the_place_to_go() -> None:
    text = "First one.\n\nSecond one.\n\nThird one."
    found = blocks(text, [(6, 18), (17, 23)])
    assert words(found, marked=True) == "one.Second one."
    assert [run.text for block in found for run in block.runs if run.first] == ["one."]


def test_the_passage_that_is_meant_stands_out_among_the_others() -> None:
    text = "First one.\n\nSecond one. Third one."
    found = blocks(text, [(0, 10), (12, 23), (24, 34)], here=[(12, 23)])
    marked = [
        (run.text.strip(), run.is_other_passage, run.first) for block in found for run in block.runs if run.marked
    ]
    assert marked == [("First one.", True, False), ("Second one.", False, True), ("Third one.", True, False)]


def test_marks_in_a_table_stand_in_its_cells() -> None:
    found = blocks(TABLE, [(TABLE.index("City: Rome"), TABLE.index("\nCity: Oslo"))], "table")
    assert words(found, marked=True) == "Rome130a; b"


def test_a_window_holds_the_passage_and_ends_between_words() -> None:
    text = "word " * 2000
    start, end = choose_window(text, [(5000, 5010)], 100)
    assert start <= 4900 and end >= 5110 and end - start < 900
    assert text[start - 1] == " " and text[end] == " "


def test_a_window_of_text_without_spaces_is_cut_anyway() -> None:
    start, end = choose_window("x" * 10_000, [(5000, 5010)], 100)
    assert (start, end) == (4900, 5110)


_LETTERS = st.text(alphabet=st.sampled_from("ab <&:;|#-•1. \n\t\r\u00ad😀"), max_size=300)
_SPANS = st.lists(
    st.tuples(st.integers(0, 320), st.integers(0, 320)).filter(lambda span: span[0] < span[1]), max_size=6
)


@given(_LETTERS, _SPANS, st.sampled_from(["paragraph", "heading", "code", "list", "table"]))
def test_text_blocks_show_every_letter_once_and_in_order(text: str, spans: Spans, kind: BlockKind) -> None:
    found = blocks(text, spans, kind)
    letters = re.sub(r"\s", "", words([block for block in found if not block.header]))
    rest = iter(re.sub(r"\s", "", text))
    assert all(letter in rest for letter in letters)  # a subsequence: nothing invented, nothing moved
    if kind not in {"table", "list"}:
        assert letters == re.sub(r"\s", "", text)


@given(_LETTERS, _SPANS, st.integers(0, 100))
def test_a_window_is_always_inside_the_text(text: str, spans: list[tuple[int, int]], around: int) -> None:
    start, end = choose_window(text, spans, around)
    assert 0 <= start <= end <= len(text)
    build_blocks(text, spans, [("paragraph", 0, 0, len(text))], start, end)
