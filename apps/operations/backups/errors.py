"""Errors of backup and restore, and the context manager that turns other errors into them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import Error

from apps.lib import disk_space


class BackupError(Exception):
    """Error: a backup was not made or not restored. The message tells the administrator why, in one sentence."""


class BackupRunning(BackupError):
    """Error: another backup or restore of this installation is running."""


@contextmanager
def raise_as_backup_error(folder: Path) -> Iterator[None]:
    """Turn errors of files and databases into BackupError; for a full disk the message names `folder`."""
    try:
        yield
    except (OSError, sqlite3.Error, Error) as error:
        if disk_space.is_disk_full_error(error):
            raise BackupError(
                f"The disk of {folder} is full, and nothing was saved. Free some space, or choose another place."
            ) from error
        if isinstance(error, OSError) and error.filename:
            raise BackupError(f"{error.filename}: {error.strerror}.") from error
        raise BackupError(str(error)) from error
