"""Remove what deleted rows leave behind in the files of SQLite.

SQLite overwrites deleted bytes at once (`secure_delete` in the settings). Two copies remain: the full-text index keeps
deleted words until its parts are merged, and the write-ahead log keeps older pages until it is emptied. Nothing is done
for PostgreSQL: docs/install/data-folder.md says what PostgreSQL keeps until a vacuum.
"""

from __future__ import annotations

import time

from django.db import connection

from apps.conversations.history.full_text_search import purge_search_index

WAIT_S = 60.0  # maximum wait for other processes that read an older state of the database
_PAUSE_S = 0.2


class TracesLeft(Exception):
    """Error: another process uses the write-ahead log, which still holds deleted rows. A later retry may succeed."""


def remove_traces() -> None:
    """Merge the full-text index, then empty the write-ahead log. Does nothing with PostgreSQL.

    Call it outside of a transaction: inside one the write-ahead log is not emptied. Waits up to WAIT_S seconds for
    processes that read an older state, then raises TracesLeft.
    """
    purge_search_index()
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
