"""Detection of a full disk over several libraries, a reserve for SQLite, and fsync."""

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

RESERVE = 6 * 1024 * 1024  # bytes: SQLite collects some 4 MB in its write-ahead log before a checkpoint
PROBE_S = 5.0  # seconds between two attempts to write to the data directory
_PROBE = 64 * 1024  # bytes: least space the database needs for changing a few rows
_LITTLE = 1024 * 1024  # bytes: less than an index of a few documents needs

# EFBIG is a limit on file size, which some hosts set instead of a quota.
_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_WORDS = (
    "no space left",
    "disk is full",
    "disk full",
    "disk quota exceeded",
    "file too large",
    "could not extend file",
)


_probed = (float("-inf"), "")  # time of the last probe, and its error


def is_disk_full_error(error: BaseException | None) -> bool:
    """Return whether the error, or one in its chain of causes, means a full disk or quota."""
    while error is not None:
        words = str(error).casefold()
        if (isinstance(error, OSError) and error.errno in _NUMBERS) or any(part in words for part in _WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def sync_path(path: Path) -> None:
    """Sync a file, or a folder after a rename in it, so that it survives a power cut. Raise OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_space_used_up(folder: Path) -> bool:
    """Return whether less than 1 MB is free in the folder, so that an unspecific error may mean a full disk."""
    return shutil.disk_usage(folder).free < _LITTLE


def find_write_error() -> str:
    """Return why nothing can be written to the data directory or to the folder of documents, in words for an
    administrator; "" if it can.

    Writes and removes files of _PROBE bytes, at most every PROBE_S seconds; in between, returns what was found last.
    """
    global _probed
    if time.monotonic() < _probed[0] + PROBE_S:
        return _probed[1]
    documents = Path(settings.MEDIA_ROOT) / "documents"  # made by the first upload
    found = _try_to_write(Path(settings.DATA_DIR), "the data directory")
    if not found and documents.exists():
        found = _try_to_write(documents, "the folder of documents")
    _probed = time.monotonic(), found
    return found


def _try_to_write(folder: Path, name: str) -> str:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".probe-") as file:
            file.write(bytes(_PROBE))
    except OSError as error:
        return f"nothing can be written to {name}: {error.strerror or error}"
    return ""


def create_reserve() -> None:
    """Create a file of RESERVE bytes if there is twice that space; `release_reserve` frees it. SQLite only: once its
    write-ahead log has grown, it cannot write at all on a full disk."""
    there = connection.vendor != "sqlite" or _reserve().exists()
    if not there and shutil.disk_usage(settings.DATA_DIR).free > 2 * RESERVE:
        _reserve().write_bytes(bytes(RESERVE))


def release_reserve() -> None:
    """Remove the reserve and checkpoint SQLite's write-ahead log into the space, so that errors can be recorded. Does
    nothing for a database server or inside a transaction."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        _reserve().unlink(missing_ok=True)
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _reserve() -> Path:
    return Path(settings.DATA_DIR) / "reserve"
