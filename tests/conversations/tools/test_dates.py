"""What day it is, was or will be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.conversations.tools.base import ToolError
from apps.conversations.tools.builtin.dates import calculate_date

NOW = datetime(2026, 11, 26, 4, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "Thursday 2026-11-26, week 48"), ("now", "Thursday 2026-11-26, 04:16 UTC, week 48"),
        ("tomorrow", "Friday 2026-11-27, week 48"), ("yesterday", "Wednesday 2026-11-25, week 48"),
        ("today + 3 weeks", "Thursday 2026-12-17, week 51"), ("2024-01-31 + 1 month", "Thursday 2024-02-29, week 9"),
        ("2026-03-01 + 45 days - 1 year", "Tuesday 2025-04-15, week 16"),
        ("2026-12-24 - today", "From Thursday 2026-11-26 to Thursday 2026-12-24: 28 days"),
        ("2026-03-01 to 2026-03-02", "From Sunday 2026-03-01 to Monday 2026-03-02: 1 day"),
    ],
)  # fmt: skip
def test_days_are_named_and_counted(expression: str, said: str) -> None:
    assert calculate_date(expression, NOW) == said


@pytest.mark.parametrize("expression", ["soon", "2026-02-30", "today + 99999 years", "today; rm", "today +", "9" * 300])
def test_expression_that_is_no_date_is_refused_with_a_reason(expression: str) -> None:
    with pytest.raises(ToolError):
        calculate_date(expression, NOW)
