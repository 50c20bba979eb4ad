"""Restore a backup into an empty installation: no database with users, no files.

`restore_backup` verifies everything before it changes anything. A file in DATA_DIR marks a restore until its last step:
one that was interrupted is repeated, or, once everything is in place, finished by `finish_restore` at the next start.
`replace_database` restores only the database over a present one, to undo an upgrade. None starts or stops the site.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from apps.documents.ingestion.worker import get_heartbeat_file
from apps.documents.models import IndexMaintenance
from apps.lib import json_file
from apps.lib.db import encrypted_fields
from apps.operations.backups import database_dump
from apps.operations.backups.archive import (
    AUDIT_HEADS,
    AUDIT_KEYS,
    CREDENTIALS,
    FILES,
    SECRET_KEY,
    Manifest,
    read_manifest,
    unpack,
)
from apps.operations.backups.creation import get_keys_path, hold_backup_lock, list_stored_files
from apps.operations.backups.errors import BackupError, raise_as_backup_error
from apps.safety.audit_log import audit, signing_keys, verification
from apps.safety.models import snapshot_keys

PREFIX = ".restore-"
UNFINISHED = "restore.unfinished"  # file in DATA_DIR: the mark of a restore until its last step; the start looks for it
RUNNING_S = 30  # a worker touches its file every 5 s
OPEN_S = 5.0  # seconds for opening frozen texts: some 50,000

ProgressCallback = Callable[[str], object]


def restore_backup(path: Path, keys: Path | None, tell: ProgressCallback) -> None:
    """Restore database, files and keys, migrate, and rebuild the search index. Raises BackupError.

    `keys`: the key file; None for `FILE.keys` if it exists. `tell` gets a sentence after each step. A restore that was
    interrupted while it changed things can be repeated with the same archive; it continues where it was.
    """
    with raise_as_backup_error(Path(settings.DATA_DIR)), hold_backup_lock():
        manifest = read_manifest(path)
        _check_fits(path, manifest)
        _check_not_running()
        mark = _read_mark()
        if mark != _Mark(manifest.made, is_placed=True):
            _replace_all(path, manifest, keys, mark, tell)
        _complete(tell, manifest.made)


def finish_restore(tell: ProgressCallback) -> None:
    """Finish a restore that was interrupted after everything was in place; do nothing if there is none.

    Raises BackupError, also if one was interrupted before.
    """
    with raise_as_backup_error(Path(settings.DATA_DIR)):
        if (mark := _read_mark()) is None:
            return
        if not mark.is_placed:
            raise BackupError(
                f"The restore of the backup of {mark.made[:16]} UTC was interrupted. Repeat it: ./run restore FILE."
            )
        with hold_backup_lock():
            tell(f"Finishing the restore of the backup of {mark.made[:16]} UTC, which was interrupted.")
            _complete(tell, mark.made)


def _replace_all(path: Path, manifest: Manifest, keys: Path | None, mark: _Mark | None, tell: ProgressCallback) -> None:
    """Verify the archive, and put everything in place. `mark` is that of an interrupted restore."""
    if mark is None or mark.made != manifest.made:
        _check_empty()
    lines = _read_keys(path, keys)
    staging = _make_staging(manifest.size)
    try:
        unpack(path, manifest, staging)
        database_dump.check_copy(staging / manifest.database, manifest)
        _check_audit_keys(path, staging / AUDIT_KEYS)
        tell(f"Verified {len(manifest.members)} files of the backup of {manifest.made[:16]} UTC.")
        _write_mark(_Mark(manifest.made, is_placed=False))
        _put_in_place(staging, manifest, lines)
        _write_mark(_Mark(manifest.made, is_placed=True))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    tell(f"Restored the database ({manifest.rows['users']} users) and the files.")
    if SECRET_KEY not in manifest.members:
        tell("The backup contains no secret_key: set SECRET_KEY to the old one, or all users are signed out.")


@dataclass(frozen=True, slots=True)
class _Mark:
    """Mark of a restore under way: the time of its backup, and whether database, files and keys are in place."""

    made: str
    is_placed: bool


def _read_mark() -> _Mark | None:
    """Return the mark of an interrupted restore; None if there is none."""
    path = Path(settings.DATA_DIR) / UNFINISHED
    if not path.exists():
        return None
    found = json_file.read_json(path)
    return _Mark(str(found.get("made") or path.read_text()), found.get("is_placed") is True)


def _write_mark(mark: _Mark) -> None:
    json_file.write_json(Path(settings.DATA_DIR) / UNFINISHED, asdict(mark))
    os.sync()


def replace_database(path: Path, tell: ProgressCallback) -> None:
    """Replace the present database by that of a backup; files, keys and index stay.

    Everything stored since the backup is lost. Raises BackupError; the database is then unchanged, unless PostgreSQL
    failed.
    """
    with raise_as_backup_error(Path(settings.DATA_DIR)), hold_backup_lock():
        manifest = read_manifest(path)
        _check_fits(path, manifest)
        staging = _make_staging(manifest.members[manifest.database].size)
        try:
            unpack(path, manifest, staging, lambda name: name == manifest.database)
            database_dump.check_copy(staging / manifest.database, manifest)
            database_dump.put_database(staging / manifest.database)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        tell(_verify_audit_log(manifest.made))
    tell(f"Restored the database of {manifest.made[:16]} UTC ({manifest.rows['users']} users), and nothing else.")


def _complete(tell: ProgressCallback, made: str) -> None:
    """Migrate the restored database, clear leases, check keys and audit log, rebuild the search index, and remove the
    mark. Can be repeated."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
        tell("Brought the tables up to date.")
        IndexMaintenance.objects.update(lease_token="", lease_until=None)  # leases of the old processes
        tell(_describe_frozen_texts())
        tell(_verify_audit_log(made))
        call_command("reindex")
    except CommandError as error:
        raise BackupError(
            f"The data is restored, but the search index could not be rebuilt: {error} The next start tries it again."
        ) from error
    (Path(settings.DATA_DIR) / UNFINISHED).unlink(missing_ok=True)
    tell("Rebuilt the search index. Start Openbook now.")


def _check_fits(path: Path, manifest: Manifest) -> None:
    if manifest.engine != connection.vendor:
        raise BackupError(
            f"{path} holds a database of {manifest.engine}, and DATABASE_URL names one of {connection.vendor}: a "
            "backup is restored into the kind of database that it was made from."
        )
    if _numbers(manifest.version) > _numbers(settings.VERSION):
        raise BackupError(
            f"{path} was made by Openbook {manifest.version}, and this is {settings.VERSION}. Install the newer "
            "version first."
        )
    database_dump.check_migrations(manifest)


def _check_not_running() -> None:
    signs = get_heartbeat_file()
    if signs.exists() and time.time() - signs.stat().st_mtime < RUNNING_S:
        raise BackupError("Openbook is running. Stop it, wait half a minute, and run this again.")


def _check_empty() -> None:
    if database_dump.has_users():
        raise BackupError(
            "The database already contains accounts. A backup can be restored only into an empty installation."
        )
    if (found := next(list_stored_files(), None)) is not None:
        raise BackupError(
            f"There are already files, such as {found}. A backup can be restored only into an empty DATA_DIR."
        )


def _read_keys(path: Path, keys: Path | None) -> list[str]:
    """Return the keys of frozen texts, newest first; [] if there is no key file. Raises BackupError for a wrong
    file."""
    place = keys or get_keys_path(path)
    if keys is None and not place.exists():
        return []
    lines = [line.strip() for line in place.read_text(errors="replace").splitlines() if line.strip()]
    try:
        if not lines:
            raise ValueError
        for line in lines:
            Fernet(line)
    except ValueError as error:
        raise BackupError(f"{place} is not a file of keys: it is empty or has a line that is not a key.") from error
    return lines


def _check_audit_keys(path: Path, file: Path) -> None:
    """Raise BackupError if the archive has keys of the audit log of which a line is no key."""
    try:
        if file.exists():
            signing_keys.check_lines(file.read_text(errors="replace"))
    except ImproperlyConfigured as error:
        raise BackupError(f"{path} is damaged: {AUDIT_KEYS} holds a line that is no key.") from error


def _make_staging(size: int) -> Path:
    """Return a new folder on the disk of the data with room for `size` bytes; remove those of killed restores.

    Raises BackupError if the disk is too full.
    """
    data = Path(settings.DATA_DIR)
    for left in data.glob(f"{PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    if (free := shutil.disk_usage(data).free) < size:
        raise BackupError(f"The disk of {data} is full: the backup needs {size:,} bytes, and {free:,} are free.")
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=data))


def _put_in_place(staging: Path, manifest: Manifest, keys: Sequence[str]) -> None:
    """Move database, files and keys to their places.

    The database goes first, since with PostgreSQL it may still fail.
    """
    os.sync()
    database_dump.put_database(staging / manifest.database)
    _place_files(staging / FILES)
    for name in (SECRET_KEY, CREDENTIALS):
        if name in manifest.members:
            (staging / name).replace(Path(settings.DATA_DIR) / name)
    if keys:
        _place_keys(keys)
    _place_audit_files(staging)
    os.sync()


def _place_files(source: Path) -> None:
    """Move the files to MEDIA_ROOT, which may be a link or another disk, and may have empty folders."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for child in source.iterdir() if source.is_dir() else ():
        target = root / child.name
        if target.is_dir():
            shutil.rmtree(target)  # has no files: checked before
        shutil.move(child, target)


def _place_keys(lines: Sequence[str]) -> None:
    """Write the keys after those of an existing key file."""
    place = Path(settings.SNAPSHOT_KEYS)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = [line.strip() for line in place.read_text().splitlines() if line.strip()] if place.exists() else []
    encrypted_fields.write_keys(list(dict.fromkeys([*before, *lines])))


def _place_audit_files(staging: Path) -> None:
    """Put the keys of the audit log before present ones, and the noted heads only if there are none.

    Heads noted here are newer than those of the backup.
    """
    source = staging / AUDIT_KEYS
    if source.exists():
        here = signing_keys.read_lines() if Path(settings.AUDIT_KEYS).exists() else []
        signing_keys.write_keys([*signing_keys.check_lines(source.read_text(errors="replace")), *here])
    source, heads = staging / AUDIT_HEADS, Path(settings.AUDIT_HEADS)
    if source.exists() and not heads.exists():
        heads.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(source, heads)


def _verify_audit_log(made: str) -> str:
    """Verify the restored log, add an entry about the restore, and return the result as a sentence."""
    try:
        faults = audit.verify_chain()
        entry = audit.record_event("log.restored", made=made)
    except ImproperlyConfigured as error:
        return f"The audit log cannot be verified. {error}"
    if faults:
        return f"The audit log is not intact: {faults[0]}"
    report = verification.verify_log()
    if report.faults:
        return f"The audit log is not intact: {report.faults[0]}"
    return " ".join(
        [f"The audit log is intact: {entry.seq} entries; the last one records this restore.", *report.remarks]
    )


def _describe_frozen_texts() -> str:
    """Return a sentence on how many frozen texts of review the present keys can decrypt."""
    try:
        tried, lost, _ = snapshot_keys.count_unreadable(OPEN_S)
    except ImproperlyConfigured as error:
        return f"The review snapshots cannot be read. {error}"
    found = f"Review snapshots: {tried - lost} of {tried} can be read."
    if lost:
        found += f" For the others, add the lines of the earlier file of keys to {settings.SNAPSHOT_KEYS}."
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,9}", version))
