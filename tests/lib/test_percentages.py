"""Shares in percent, written as the language of the page writes them."""

from __future__ import annotations

import pytest
from django.utils import translation

from apps.lib.proportions import format_percent


@pytest.mark.parametrize(
    ("share", "decimals", "shown"), [(0.834, 0, "83%"), (0.00401, 2, "0.40%"), (1, 0, "100%"), (None, 0, "–")]
)
def test_shares_are_percentages(share: float | None, decimals: int, shown: str) -> None:
    assert format_percent(share, decimals) == shown


def test_decimals_are_written_by_the_language() -> None:
    with translation.override("de"):
        assert format_percent(0.0197, 2).startswith("1,97")
