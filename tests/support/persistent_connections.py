"""Connections of threads last from test to test, as in the product from one request to the next: to open one costs
PostgreSQL more than most of what a test then asks of it.

A test without the database may so meet a thread that has one. Whether it is still good is looked at there as ever,
but not through the door that is shut in such a test; what asks the database itself is refused still.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

_asked = BaseDatabaseWrapper.get_autocommit


def install() -> None:
    BaseDatabaseWrapper.get_autocommit = _autocommit  # type: ignore[method-assign]


def _autocommit(self: BaseDatabaseWrapper) -> bool:
    return self.autocommit if self.connection is not None else _asked(self)
