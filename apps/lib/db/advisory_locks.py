"""Locks that belong to no row, held until the transaction ends: of PostgreSQL; writers of SQLite wait for each other
anyway. Whoever takes one with others takes it first, so that no two wait for each other. Where rows are locked in one
order here and in another there, PostgreSQL breaks one of the two: `unbroken` begins it anew."""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

REDACTION_KEY = 0x0B00D  # what is taken out of documents, and answers that may repeat it
MAX_ATTEMPTS = 6  # that a transaction is broken once is rare
_PAUSE_S = 0.1  # for the other one to go on; else both wait for each other once more
_DEADLOCK = "40P01"  # PostgreSQL's SQLSTATE of it


def retry_on_deadlock(work: Callable[P, T]) -> Callable[P, T]:
    """Work of one transaction, begun anew where it was broken because it and another waited for each other. Raises what
    it raises, and OperationalError where it was broken inside a larger transaction, or TRIES times."""

    @functools.wraps(work)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        for number in range(1, MAX_ATTEMPTS):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) != _DEADLOCK or connection.in_atomic_block:
                    raise
                log.info("A transaction and another waited for each other; it begins anew: %s", error)
            time.sleep(number * random.uniform(_PAUSE_S, 2 * _PAUSE_S))  # noqa: S311 - nothing to guess
        return work(*args, **kwargs)

    return again


def lock_shared(key: int) -> None:
    """Others may share it; who wants it alone waits. Call inside a transaction."""
    _take("SELECT pg_advisory_xact_lock_shared(%s)", key)


def lock_exclusive(key: int) -> None:
    """Whoever shares it has ended, and nobody else gets it. Call inside a transaction."""
    _take("SELECT pg_advisory_xact_lock(%s)", key)


def _take(statement: str, key: int) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(statement, [key])
