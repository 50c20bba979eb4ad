"""Tests of tables as blocks of lines that are readable alone."""

from __future__ import annotations

from apps.reading.parsing.common.tables import (
    GROUP_CHARACTERS,
    is_form,
    make_table_blocks,
    make_table_blocks_by_first_row,
)


def texts(rows: list[list[str]], header: list[str] | None) -> list[str]:
    return [block.text for block in make_table_blocks(rows, header)]


def test_table_row_names_its_columns_and_a_header_alone_is_a_line() -> None:
    assert texts([["Paris", "150"], ["", ""]], ["City", "Limit"]) == ["City: Paris; Limit: 150"]
    assert texts([], ["City", "", "Limit"]) == ["City | Limit"]
    assert texts([["", ""]], None) == []


def test_a_long_table_is_cut_between_rows_and_its_header_is_not_repeated_as_a_row() -> None:
    row = ["x" * GROUP_CHARACTERS, "150"]
    assert [text[:7] for text in texts([row, row], ["City", "Limit"])] == ["City: x", "City: x"]


FORM = [
    ["Guest", "A. Tessier", "Ref", "CT-5582"],
    ["Arrival", "18 July", "Departure", "25 July"],
    ["Cottage", "Larkspur", "", ""],
]


def test_a_form_has_its_labels_before_their_values() -> None:
    assert [block.text for block in make_table_blocks_by_first_row(FORM)] == [
        "Guest: A. Tessier | Ref: CT-5582\nArrival: 18 July | Departure: 25 July\nCottage: Larkspur"
    ]


def test_tables_with_names_of_columns_are_no_forms() -> None:
    for rows in (
        [["Name", "Q1", "Region", "Q2"], ["Ann", "3", "North", "4"], ["Bo", "5", "South", "6"]],
        [["City", "Limit"], ["Paris", "150"], ["Rome", "none"]],
        [["Paris", "150"], ["Rome", "200"]],
        [["Name", "CT-5582"], ["Name", "word"]],
    ):
        assert not is_form(rows)


def test_an_amount_below_a_table_has_its_own_label_and_no_name_of_a_column() -> None:
    header = ["Qty", "Price", "Amount"]
    assert texts([["4", "11.90", "47.60"], ["", "Delivery", "15.00"], ["", "9.00", "9.00"]], header) == [
        "Qty: 4; Price: 11.90; Amount: 47.60\nDelivery | 15.00\nPrice: 9.00; Amount: 9.00"
    ]
