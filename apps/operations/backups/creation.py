"""Create a backup: first the database, then the files, in one archive that appears whole or not at all.

A file uploaded meanwhile is in the archive without a row, which does no harm. Entry point: `make_backup`;
`hold_backup_lock` is the lock of all backups and restores.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.lib import disk_space
from apps.operations.backups import database_dump, status
from apps.operations.backups.archive import (
    AUDIT_HEADS,
    AUDIT_KEYS,
    CREDENTIALS,
    FILES,
    SECRET_KEY,
    ArchiveWriter,
    Manifest,
    create_private,
)
from apps.operations.backups.errors import BackupError, BackupRunning, raise_as_backup_error

PART = ".partial"  # suffix of the hidden folder in which a backup is made


@dataclass(frozen=True, slots=True)
class FinishedBackup:
    """Finished backup. `keys` is the file of keys of frozen texts; None if the installation has none yet."""

    path: Path
    keys: Path | None
    size: int  # bytes of the archive
    files: int


@contextmanager
def hold_backup_lock() -> Iterator[None]:
    """Hold the lock of backups and restores. Raises BackupRunning.

    The operating system releases it if the process is killed.
    """
    with (Path(settings.DATA_DIR) / "backup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupRunning("Another backup or restore is running. Wait until it has finished.") from error
        yield


def get_default_path(prefix: str = "openbook-") -> Path:
    """Return a path in BACKUP_DIR with the present UTC time."""
    return Path(settings.BACKUP_DIR) / f"{prefix}{timezone.now():%Y%m%dT%H%M%SZ}.tar"


def get_keys_path(archive: Path) -> Path:
    """Return the path of the key file that belongs to an archive."""
    return archive.with_name(f"{archive.name}.keys")


def make_backup(target: Path) -> FinishedBackup:
    """Write the archive and, in a separate file, the keys of frozen texts. Raises BackupError.

    Call under `hold_backup_lock`.
    """
    target = target.absolute()
    for path in (target, get_keys_path(target)):
        if path.exists():
            raise BackupError(f"{path} already exists. Choose another name.")
    partial = target.with_name(f".{target.name}{PART}")
    with raise_as_backup_error(target.parent):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_leftovers(target.parent, partial)
        partial.mkdir(mode=0o700)
        try:
            backup = _write(target, partial)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    status.update_status(backup={"path": str(backup.path), "size": backup.size, "at": timezone.now().isoformat()})
    return backup


def _remove_leftovers(folder: Path, partial: Path) -> None:
    """Remove what killed backups left: this one's folder, and others' in BACKUP_DIR."""
    others = folder.glob(f".openbook-*{PART}") if folder == Path(settings.BACKUP_DIR).absolute() else ()
    for left in {partial, *others}:
        shutil.rmtree(left, ignore_errors=True)


def _write(target: Path, partial: Path) -> FinishedBackup:
    keys = _read_keys()
    heads = _copy_heads(partial)
    created, dump = timezone.now(), database_dump.dump_database(partial)
    keys = list(dict.fromkeys([*_read_keys(), *keys]))  # a rotation may have happened meanwhile; newest first
    archive = partial / "archive"
    with create_private(archive).open("wb") as file:
        writer = ArchiveWriter(file)
        files = _add_contents(writer, dump.file, heads)
        writer.finish(_describe(dump, created, writer))
    size, keys_path = archive.stat().st_size, None
    if keys:
        keys_path = get_keys_path(target)
        _write_keys(partial / "keys", keys)
        (partial / "keys").replace(keys_path)
    archive.replace(target)
    disk_space.sync_path(target.parent)
    return FinishedBackup(target, keys_path, size, files)


def _copy_heads(partial: Path) -> Path:
    """Copy the noted heads of the audit log before the database, so that they name no entry that the dump lacks."""
    copy = partial / AUDIT_HEADS
    if Path(settings.AUDIT_HEADS).exists():
        shutil.copyfile(settings.AUDIT_HEADS, create_private(copy))
    return copy


def _add_contents(writer: ArchiveWriter, database: Path, heads: Path) -> int:
    """Add all members, and return how many files of users they include."""
    writer.add(database.name, database)
    database.unlink()  # free its space for the files
    writer.add(AUDIT_HEADS, heads)
    writer.add(AUDIT_KEYS, Path(settings.AUDIT_KEYS))
    for name in (SECRET_KEY, CREDENTIALS):
        writer.add(name, Path(settings.DATA_DIR) / name)
    return sum(
        writer.add(f"{FILES}/{path.relative_to(settings.MEDIA_ROOT).as_posix()}", path) for path in list_stored_files()
    )


def list_stored_files() -> Iterator[Path]:
    """Yield the ordinary files below MEDIA_ROOT."""
    for folder, _, names in os.walk(settings.MEDIA_ROOT):
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _describe(dump: database_dump.DatabaseDump, created: datetime, writer: ArchiveWriter) -> Manifest:
    return Manifest(
        settings.VERSION, connection.vendor, created.isoformat(), dump.migrations, dump.rows, dict(writer.members)
    )


def _read_keys() -> list[str]:
    try:
        return [line for line in Path(settings.SNAPSHOT_KEYS).read_text().splitlines() if line.strip()]
    except FileNotFoundError:
        return []


def _write_keys(path: Path, lines: Sequence[str]) -> None:
    with create_private(path).open("w") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
