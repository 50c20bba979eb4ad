"""Locks that belong to no row, held until the transaction ends: of PostgreSQL; writers of SQLite wait for each other
anyway. Whoever takes one with others takes it first, so that no two wait for each other."""

from __future__ import annotations

from django.db import connection

REDACTION = 0x0B00D  # what is taken out of documents, and answers that may repeat it


def shared(key: int) -> None:
    """Others may share it; who wants it alone waits. Call inside a transaction."""
    _take("SELECT pg_advisory_xact_lock_shared(%s)", key)


def alone(key: int) -> None:
    """Whoever shares it has ended, and nobody else gets it. Call inside a transaction."""
    _take("SELECT pg_advisory_xact_lock(%s)", key)


def _take(statement: str, key: int) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(statement, [key])
