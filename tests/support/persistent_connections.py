"""Keep database connections of threads open from test to test, as the product does from request to request.

Opening one costs PostgreSQL more than most of what a test then queries. A test without the database may meet a thread
that has a connection. Checking that it is usable is allowed there, although the test may not query; queries are still
refused.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

_asked = BaseDatabaseWrapper.get_autocommit


def install() -> None:
    """Patch Django's check of a connection."""
    BaseDatabaseWrapper.get_autocommit = _autocommit  # type: ignore[method-assign]


def _autocommit(self: BaseDatabaseWrapper) -> bool:
    return self.autocommit if self.connection is not None else _asked(self)
