"""Empty the tables after a test with transactions, faster than Django's `flush`.

`flush` sends a query per table, looks for commands of every app, and rebuilds full text and triggers: ten times what
most of these tests take themselves.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection, transaction
from django.test import TransactionTestCase

from apps.safety.audit_log import audit, chain_heads
from apps.safety.audit_log.audit import AuditEntry


def install() -> None:
    """Replace the teardown of `TransactionTestCase`."""
    TransactionTestCase._fixture_teardown = _emptied  # type: ignore[method-assign]


def _emptied(_: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        chain_heads.heads_file().unlink(missing_ok=True)
        cursor.execute(_which())
        rows = [f"DELETE FROM {connection.ops.quote_name(name)}" for (name,) in cursor.fetchall()]  # noqa: S608
        if connection.vendor == "postgresql" and rows:  # without triggers, like TRUNCATE
            before, after = ("SET session_replication_role = " + role for role in ("replica", "DEFAULT"))
            cursor.execute("; ".join([before, *rows, after]))
            return
        if log := any(AuditEntry._meta.db_table in row for row in rows):
            cursor.execute("DROP TRIGGER IF EXISTS safety_event_no_delete")
        for row in rows:
            cursor.execute(row)
    if log:
        audit.install_triggers()


@cache
def _which() -> str:
    """Return the query for the tables that have rows."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(name)})"  # noqa: S608 - names of ours
        for name in sorted(names)
    )
