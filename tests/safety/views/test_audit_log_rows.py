"""Rows of the audit log in words of the page."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.safety.models import AuditEntry
from apps.safety.views import audit_log_rows


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("after", "shown"),
    [("1000000 / 5000", "1,000,000 / 5,000"), ("2026-11-30", "2026-11-30"), ("qwen-2507", "qwen-2507"), (30, "30")],
)
def test_long_numbers_are_grouped(after: object, shown: str) -> None:
    entry = AuditEntry(seq=1, at=timezone.now(), kind="limit.changed", subject="limit tokens", payload={"after": after})
    (row,) = audit_log_rows.make_rows([entry])
    assert row.details == [("After", shown)]
