"""Remove what deleted rows leave behind in the files of SQLite.

Deleted bytes are overwritten as they are deleted (`secure_delete` in the settings); what remains is the full text,
which keeps deleted words until its parts are merged, and the write-ahead log, which keeps older pages until it is
emptied.
PostgreSQL has nothing like it: docs/operations.md says what it keeps until a vacuum.
"""

from __future__ import annotations

import time

from django.db import connection

from apps.conversations.searching import purge_deleted

WAIT_S = 60.0  # for other processes that read an older state of the database
_PAUSE_S = 0.2


class TracesLeft(Exception):
    """The write-ahead log is in use and still holds what was deleted."""


def remove_traces() -> None:
    """Merge the full text and empty the write-ahead log. Does nothing with PostgreSQL, and only the first inside a
    transaction. Raises TracesLeft where other processes read an older state for longer than WAIT_S."""
    purge_deleted()
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    until = time.monotonic() + WAIT_S
    while _is_busy():
        if time.monotonic() > until:
            raise TracesLeft("The write-ahead log of the database stayed in use.")
        time.sleep(_PAUSE_S)


def _is_busy() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return bool(cursor.fetchone()[0])
