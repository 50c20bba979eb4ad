"""Files of a segment: written in a staging folder, synced, sealed by a manifest, renamed into place and never changed.

    directory/.writing/<segment>/          staging folder; a killed writer leaves it to the sweeper
    /dev/shm/openbook-words-…/             staging in memory: the full-text index of a small segment
    directory/<collection>/<segment>/      manifest.json, vectors.faiss, ids.npy, documents.npy, words/...

The manifest lists every file with its size and SHA-256; the segment's checksum is the SHA-256 of the manifest. So one
hash in the database covers names and contents of all files that FAISS and tantivy read. Segments are merged by
`documents/indexing/index_maintenance.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from apps.engines.types import EngineBroken, EngineUnavailable, SegmentInfo
from apps.lib import disk_space, os_compat
from apps.lib.text import message_templates

FORMAT = 3
MANIFEST = "manifest.json"
_WRITING = ".writing"
_MEMORY, _PREFIX = os_compat.MEMORY_FOLDER, "openbook-words-"
_SWEPT_S, _LATEST_S = 60, 3600  # seconds; writing a segment in memory takes a tenth of a second
_FEW_ENTRIES, _FREE_BYTES = 2048, 32 * 1024**2  # an entry takes one or two kilobytes; other users keep the rest
# On a full disk NumPy and FAISS only say that they wrote less than requested.
_SHORT = re.compile(r"\d+ requested and \d+ written|ret == |write error")

Signature = tuple[tuple[str, int, int], ...]


def get_segment_path(directory: Path, collection: str, segment: str) -> Path:
    """Return the folder of a segment. Raise ValueError for ids that are no UUIDs, which never become part of a path."""
    return directory / UUID(hex=collection).hex / UUID(hex=segment).hex


@contextmanager
def open_staging_folder(directory: Path, segment: str) -> Iterator[Path]:
    """Yield a folder to write a segment in; it is removed at the end. Raise EngineUnavailable on a full disk and other
    write errors."""
    staging = directory / _WRITING / segment
    try:
        staging.mkdir(parents=True)
        yield staging
    except (OSError, RuntimeError, ValueError) as error:  # FAISS raises RuntimeError, tantivy ValueError
        unsaid = "io::Error" in str(error)  # tantivy says no more if one of its threads failed before the others
        if (
            disk_space.is_disk_full_error(error)
            or _SHORT.search(str(error))
            or (unsaid and disk_space.is_space_used_up(staging))
        ):
            raise EngineUnavailable(message_templates.DISK_FULL % {"why": _reason(error)}) from error
        if isinstance(error, OSError) or unsaid:
            raise EngineUnavailable(message_templates.NOT_WRITTEN % {"why": _reason(error)}) from error
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def open_memory_folder(entries: int) -> Iterator[Path | None]:
    """Yield a folder in memory for a segment of `entries` entries, removed at the end; None if that is too large or
    memory is short."""
    folder = _folder_in_memory() if entries <= _FEW_ENTRIES else None
    try:
        yield folder
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _folder_in_memory() -> Path | None:
    try:
        if shutil.disk_usage(_MEMORY).free >= _FREE_BYTES:
            return Path(tempfile.mkdtemp(prefix=f"{_ours()}{os.getpid()}-", dir=_MEMORY))
    except OSError:
        return None
    return None


def _ours() -> str:
    """Return the name prefix of folders whose writer's process id is valid here: containers may share memory but have
    separate process ids."""
    return f"{_PREFIX}{os_compat.get_pid_namespace()}-"


def sweep_memory(older_than_s: float) -> None:
    """Remove folders that killed writers left in memory: after at most a minute if the writer has ended, else after an
    hour."""
    with suppress(OSError):
        ours, now = _ours(), time.time()
        for folder in _MEMORY.glob(f"{_PREFIX}*"):
            age = now - folder.stat().st_mtime
            writer = folder.name.removeprefix(ours).partition("-")[0]
            ended = folder.name.startswith(ours) and writer.isdigit() and not os_compat.is_running(int(writer))
            if age >= _LATEST_S or (ended and age >= min(older_than_s, _SWEPT_S)):
                shutil.rmtree(folder, ignore_errors=True)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error).partition("\n")[0]).rstrip(".")


def seal_segment(staging: Path, facts: dict[str, Any]) -> tuple[str, int]:
    """Write the manifest and sync every file. Return the checksum and the size in bytes."""
    files = {name: (path.stat().st_size, _digest(path)) for name, path in _contents(staging)}
    manifest = json.dumps({"format": FORMAT, **facts, "files": files}, sort_keys=True).encode()
    (staging / MANIFEST).write_bytes(manifest)
    for path in sorted(staging.rglob("*"), reverse=True):  # files before their folders
        disk_space.sync_path(path)
    disk_space.sync_path(staging)
    return hashlib.sha256(manifest).hexdigest(), len(manifest) + sum(size for size, _ in files.values())


def publish_segment(staging: Path, target: Path) -> None:
    """Move a sealed segment into place; on return it survives a power cut."""
    if not target.parent.is_dir():
        target.parent.mkdir(exist_ok=True)
        disk_space.sync_path(target.parent.parent)
    staging.rename(target)
    disk_space.sync_path(target.parent)


def read_signature(folder: Path) -> Signature:
    """Return names, sizes and modification times of a segment's files. While they are unchanged, an earlier
    verification holds."""
    states = []
    for name, path in [*_contents(folder), (MANIFEST, folder / MANIFEST)]:
        stat = path.stat()
        states.append((name, stat.st_size, stat.st_mtime_ns))
    return tuple(states)


def verify_segment(folder: Path, info: SegmentInfo) -> None:
    """Raise EngineBroken unless the folder holds exactly the sealed files, byte for byte, in the current format."""
    try:
        raw = (folder / MANIFEST).read_bytes()
        if hashlib.sha256(raw).hexdigest() != info.checksum:
            raise build_damage_error(info, "its manifest was changed")
        manifest = json.loads(raw)
        if manifest["format"] != FORMAT:
            raise EngineBroken(
                f"The index segment {info.id} was written by another version (format {manifest['format']}, this one "
                f"reads {FORMAT}). Rebuild it with `manage.py reindex`."
            )
        contents = dict(_contents(folder))
        if contents.keys() != manifest["files"].keys():
            raise build_damage_error(info, "files are missing or were added")
        for name, (size, digest) in manifest["files"].items():
            if contents[name].stat().st_size != size or _digest(contents[name]) != digest:
                raise build_damage_error(info, f"{name} was changed")
    except OSError as error:
        raise build_damage_error(info, error.strerror or str(error)) from error


def build_damage_error(info: SegmentInfo, reason: str) -> EngineBroken:
    """Return the error for a damaged segment."""
    return EngineBroken(f"The index segment {info.id} is damaged ({reason}). Rebuild it with `manage.py reindex`.")


def remove_segment(folder: Path) -> None:
    """Remove a segment, and its collection's folder if it was the last one."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.rmdir()
    except OSError:
        return  # other segments remain, or the folder is gone already


def find_orphans(directory: Path, live: set[str], older_than_s: float) -> Iterator[Path]:
    """Yield folders of segments, finished or half written, that are not in `live` and have been unchanged for
    `older_than_s` seconds."""
    limit = time.time() - older_than_s
    for folder in (inner for outer in _within(directory) for inner in _within(outer)):
        if folder.name in live or not folder.is_dir():
            continue
        try:
            written = folder.stat().st_mtime
        except FileNotFoundError:
            continue  # another sweeper removed it
        if written <= limit:
            yield folder


def _within(folder: Path) -> list[Path]:
    """Return the entries of a folder; none if it is no folder or was removed meanwhile."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _contents(folder: Path) -> list[tuple[str, Path]]:
    """Return every file of the segment, by name, except the manifest and tantivy's empty lock files."""
    found = [(str(path.relative_to(folder)), path) for path in folder.rglob("*") if path.is_file()]
    return sorted((name, path) for name, path in found if name != MANIFEST and path.suffix != ".lock")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
