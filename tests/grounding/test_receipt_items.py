"""Items of a receipt with their price are rows of their own, and what stands in short lines is quoted in groups."""

from __future__ import annotations

import pytest

from apps.grounding.quotable_runs import split_runs
from apps.lib.text.table_rows import find_line_groups, find_priced_lines, parse_field

RECEIPT = """BAKERY SUNNY
Linden Street 14

2 x Spelt rolls      at 0,85      1,70 A
1 x Rye bread 1kg             4,40 A
1 x Cappuccino large                 3,60 B
TOTAL EUR                          9,70
Served by: Mrs Petzold
"""


def test_each_item_with_its_price_is_a_row() -> None:
    rows = [
        " ".join(RECEIPT[run.start : run.end].split())
        for run in split_runs(RECEIPT, page_begins=True)
        if run.has_labels
    ]
    assert "1 x Cappuccino large 3,60 B" in rows and "TOTAL EUR 9,70" in rows


def test_single_priced_line_may_be_prose() -> None:
    text = "The fee was raised.\nIt is now  12.50\nNobody complained.\n"
    assert find_priced_lines(text) == []


def test_prices_are_read_with_currency_and_sign() -> None:
    text = "Loaf\t$4.20\nDiscount  -1.00\nSum  EUR 1,003.20\nPaid  20,00 €\n"
    assert len(find_priced_lines(text)) == 4


LINES = """CITY POOL
Harbour Road 3
Tel 040 1234

Adult
EUR 6.50
Locker
EUR 2.00
TOTAL
EUR 8.50
Valid on 14 May
"""


def test_short_lines_are_quoted_in_groups_that_a_price_ends() -> None:
    said = [" ".join(LINES[run.start : run.end].split()) for run in split_runs(LINES, page_begins=True)]
    assert said == [
        "Harbour Road 3 Tel 040 1234",
        "Adult EUR 6.50",
        "Locker EUR 2.00",
        "TOTAL EUR 8.50",
        "Valid on 14 May",
    ]
    leads = {run.lead_text for run in split_runs(LINES, page_begins=True)}
    assert leads == {"CITY POOL"} and all(run.kind == "line" for run in split_runs(LINES, page_begins=True))


def test_narrow_prose_and_headings_above_prose_are_no_groups_of_lines() -> None:
    prose = (
        "The pool opens at nine\nand closes at eight in the\nevening. Children under six\nswim free of charge if they\n"
        "come with an adult"
    )
    headings = f"Part One\nThe Pool\n{'Everybody who swims here pays at the desk before the door. ' * 2}"
    assert find_line_groups(prose, []) == find_line_groups(headings, []) == []
    named = (
        "Opening\nPrices\nLockers\nTowels\nRules\n"
        + "Whoever breaks a rule has to leave the pool at once and for good."
    )
    assert [named[slice(*group)] for group in find_line_groups(named, [])] == ["Opening\nPrices\nLockers", "Towels"]


def test_taken_lines_end_a_group() -> None:
    taken = (LINES.index("Adult"), LINES.index("\nEUR 6.50"))
    groups = [LINES[slice(*group)] for group in find_line_groups(LINES, [taken])]
    assert groups == ["EUR 6.50", "Locker\nEUR 2.00", "TOTAL\nEUR 8.50", "Valid on 14 May"]


@pytest.mark.parametrize(
    "text", ["14:32", "Monday 14:32 and later", "http://example.org/pool", "See https://example.org"]
)
def test_times_and_addresses_are_no_labels(text: str) -> None:
    assert parse_field(text) is None
