"""PostgreSQL advisory locks held until the end of the transaction. On SQLite they do nothing, since writers wait for
each other anyway.

Take an advisory lock before any row locks of the transaction, which prevents deadlocks with other holders. Where row
locks in different orders still deadlock, `retry_on_deadlock` repeats the transaction that PostgreSQL aborted.
"""

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

REDACTION_KEY = 0x0B00D  # lock of redactions in documents against answers that may repeat the text
MAX_ATTEMPTS = 6  # of a transaction; even one deadlock is rare
_PAUSE_S = 0.1  # seconds for the other transaction to finish
_DEADLOCK = "40P01"  # PostgreSQL's SQLSTATE of a deadlock


def retry_on_deadlock(work: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that is one transaction so that it is repeated after a deadlock. Raise its own errors, and
    OperationalError after MAX_ATTEMPTS deadlocks or inside a larger transaction."""

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
    """Take the lock in shared mode: other sharers go on, `lock_exclusive` waits. Call inside a transaction."""
    _take("SELECT pg_advisory_xact_lock_shared(%s)", key)


def lock_exclusive(key: int) -> None:
    """Take the lock exclusively, once all sharers have ended. Call inside a transaction."""
    _take("SELECT pg_advisory_xact_lock(%s)", key)


def _take(statement: str, key: int) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(statement, [key])
