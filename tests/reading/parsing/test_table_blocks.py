"""Tests of tables as blocks of lines that are readable alone."""

from __future__ import annotations

from apps.reading.parsing.common.tables import GROUP_CHARACTERS, make_table_blocks


def texts(rows: list[list[str]], header: list[str] | None) -> list[str]:
    return [block.text for block in make_table_blocks(rows, header)]


def test_table_row_names_its_columns_and_a_header_alone_is_a_line() -> None:
    assert texts([["Paris", "150"], ["", ""]], ["City", "Limit"]) == ["City: Paris; Limit: 150"]
    assert texts([], ["City", "", "Limit"]) == ["City | Limit"]
    assert texts([["", ""]], None) == []


def test_a_long_table_is_cut_between_rows_and_its_header_is_not_repeated_as_a_row() -> None:
    row = ["x" * GROUP_CHARACTERS, "150"]
    assert [text[:7] for text in texts([row, row], ["City", "Limit"])] == ["City: x", "City: x"]
