"""Whether an error means that there is no space left, whichever library says so; how to find a little, and what is
safely on the disk."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import Error, connection

RESERVE = 6 * 1024 * 1024  # bytes: SQLite keeps some 4 MB beside its file before it puts them in
PROBE_S = 5.0  # seconds between two attempts to write to the data directory
_PROBE = 64 * 1024  # bytes: what the database needs at least for a change of a few rows
_LITTLE = 1024 * 1024  # bytes: less than an index of a few documents takes while it is written

# EFBIG is a limit on the size of files, which some hosts set instead of a quota.
_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_WORDS = (
    "no space left",
    "disk is full",
    "disk full",
    "disk quota exceeded",
    "file too large",
    "could not extend file",
)


_probed = (float("-inf"), "")  # when the data directory was last written to, and what hindered it


def is_disk_full_error(error: BaseException | None) -> bool:
    """Also where the error was caused by such a one."""
    while error is not None:
        words = str(error).casefold()
        if (isinstance(error, OSError) and error.errno in _NUMBERS) or any(part in words for part in _WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def sync_path(path: Path) -> None:
    """What was written to a file, or renamed in a folder, survives a power cut from here on. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_space_used_up(folder: Path) -> bool:
    """Whether so little is left there that an error which says nothing of space was one."""
    return shutil.disk_usage(folder).free < _LITTLE


def find_write_error() -> str:
    """Return why nothing can be written to the data directory, in words for an administrator; "" where it can.

    Writes and removes a file of _PROBE bytes, at most every PROBE_S seconds; in between, returns what was found last.
    """
    global _probed
    if time.monotonic() < _probed[0] + PROBE_S:
        return _probed[1]
    found = ""
    try:
        with tempfile.NamedTemporaryFile(dir=settings.DATA_DIR, prefix=".probe-") as file:
            file.write(bytes(_PROBE))
    except OSError as error:
        found = f"nothing can be written to the data directory: {error.strerror or error}"
    _probed = time.monotonic(), found
    return found


def create_reserve() -> None:
    """A file of RESERVE bytes is there, where there is plenty of space: `make_room` gives it up. SQLite only: it can
    write nothing at all on a full disk once what it keeps beside its file has grown."""
    there = connection.vendor != "sqlite" or _reserve().exists()
    if not there and shutil.disk_usage(settings.DATA_DIR).free > 2 * RESERVE:
        _reserve().write_bytes(bytes(RESERVE))


def release_reserve() -> None:
    """The reserve is given up, and SQLite puts what it keeps beside its file into it, so that one can write down what
    happened. Nothing where another server holds the database."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        _reserve().unlink(missing_ok=True)
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _reserve() -> Path:
    return Path(settings.DATA_DIR) / "reserve"
