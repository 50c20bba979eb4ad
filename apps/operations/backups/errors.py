"""Errors of backup and restore, and the words for a full disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import Error

from apps.lib import disk_space


class BackupError(Exception):
    """Reason, in one sentence for the administrator, why a backup was not made or not restored."""


class BackupRunning(BackupError):
    """Another backup or restore of this installation is running."""


@contextmanager
def raise_as_backup_error(folder: Path) -> Iterator[None]:
    """Raises BackupError instead of the errors of files and databases; `folder` is named where its disk is full."""
    try:
        yield
    except (OSError, sqlite3.Error, Error) as error:
        if disk_space.is_disk_full_error(error):
            raise BackupError(
                f"The disk of {folder} is full, and nothing was kept. Free some space, or choose another place."
            ) from error
        if isinstance(error, OSError) and error.filename:
            raise BackupError(f"{error.filename}: {error.strerror}.") from error
        raise BackupError(str(error)) from error
