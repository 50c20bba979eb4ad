"""Scheduled backups: the worker makes one every BACKUP_HOURS hours, checks it, and keeps the newest BACKUP_KEEP.

`start_due_backup` is a periodic job of the worker and returns at once: the backup runs in a thread of its own. A killed
attempt is repeated after RETRY_S.
"""

from __future__ import annotations

import logging
import shutil
import threading
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.utils import timezone

from apps.operations.backups import creation, database_dump, status
from apps.operations.backups.archive import read_manifest, unpack
from apps.operations.backups.errors import BackupError, BackupRunning, raise_as_backup_error

log = logging.getLogger(__name__)

PREFIX = "openbook-scheduled-"
RETRY_S = 3600  # seconds between two attempts, so that a failing one is not repeated at every run of the job


def start_due_backup() -> None:
    """Start a thread that makes a backup, if one is due."""
    if is_due():
        threading.Thread(target=_run_and_close, name="backup", daemon=True).start()


def is_due() -> bool:
    """Return whether the schedule requires a backup now."""
    if not settings.BACKUP_HOURS:
        return False
    stored, now = status.read_status(), timezone.now()
    waits = {"scheduled": timedelta(hours=settings.BACKUP_HOURS), "tried": timedelta(seconds=RETRY_S)}
    times = {name: status.read_time(stored.get(name)) for name in waits}
    return all(at is None or now - at >= waits[name] for name, at in times.items())


def run_scheduled() -> None:
    """Make a backup if one is due, check it, and remove older ones if the check succeeded.

    Never raises BackupError: the reason is stored for the Doctor. Does nothing while another backup runs.
    """
    try:
        with creation.hold_backup_lock():
            if is_due():
                _make_and_check()
    except BackupRunning:
        return
    except BackupError as error:
        log.warning("The scheduled backup failed: %s", error)
        status.update_status(failure={"at": timezone.now().isoformat(), "reason": str(error)})


def check_archive(path: Path) -> None:
    """Verify all hashes of an archive, and read its copy of the database, without touching live data.

    Raises BackupError if that fails.
    """
    partial = path.with_name(f".{path.name}.check{creation.PART}")
    with raise_as_backup_error(path.parent):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        try:
            manifest = read_manifest(path)
            unpack(path, manifest, partial, lambda name: name == manifest.database)
            database_dump.check_copy(partial / manifest.database, manifest)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def list_scheduled_archives() -> list[Path]:
    """Return the archives of the schedule, oldest first."""
    return sorted(Path(settings.BACKUP_DIR).glob(f"{PREFIX}*.tar"))


def _run_and_close() -> None:
    try:
        run_scheduled()
    finally:
        connections.close_all()


def _make_and_check() -> None:
    status.update_status(tried=timezone.now().isoformat())
    backup = creation.make_backup(creation.get_default_path(PREFIX))
    status.update_status(scheduled=timezone.now().isoformat())
    reason = ""
    try:
        check_archive(backup.path)
    except BackupError as error:
        log.warning("The restore check of %s failed: %s", backup.path, error)
        reason = str(error)
    status.update_status(check={"path": str(backup.path), "at": timezone.now().isoformat(), "reason": reason})
    if not reason:
        _remove_old()


def _remove_old() -> None:
    """Remove all but the newest BACKUP_KEEP scheduled archives, and keys whose archive is gone."""
    for path in list_scheduled_archives()[: -settings.BACKUP_KEEP]:
        path.unlink(missing_ok=True)
    current = {creation.get_keys_path(path) for path in list_scheduled_archives()}
    for keys in set(Path(settings.BACKUP_DIR).glob(f"{PREFIX}*.tar.keys")) - current:
        keys.unlink(missing_ok=True)
