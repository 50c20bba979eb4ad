"""Items of a receipt with their price are rows of their own."""

from __future__ import annotations

from apps.grounding.quotable_runs import split_runs
from apps.lib.text.table_rows import find_priced_lines

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
