"""The archive of a backup: a tar file without compression, whose last member is a manifest.

`ArchiveWriter` writes one, `read_manifest` and `unpack` read it. The manifest holds the size and SHA-256 of every other
member. An archive without a manifest is incomplete. Nothing here knows the database or the settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

from apps.operations.backups.errors import BackupError

FORMAT = 1
MANIFEST = "manifest.json"
FILES = "files"
SECRET_KEY, CREDENTIALS = "secret_key", "credentials.pem"
AUDIT_KEYS, AUDIT_HEADS = "audit_keys", "heads.jsonl"  # files that verify the audit log
SQLITE, POSTGRESQL = "database.sqlite3", "database.dump"
SINGLE = {SECRET_KEY, CREDENTIALS, AUDIT_KEYS, AUDIT_HEADS, SQLITE, POSTGRESQL}
CHUNK = 1 << 20  # bytes
MOST_MANIFEST = 1 << 28  # bytes; a member takes some 150
# What tarfile and json raise for hostile content, besides their own errors.
_HOSTILE = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Content:
    """Size and hash of one member."""

    size: int  # bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Facts about a backup. `rows` counts the main tables, `migrations` names the last applied one of each app."""

    version: str  # of the product
    engine: str  # "sqlite" or "postgresql"
    made: str  # ISO 8601, UTC
    migrations: dict[str, str]
    rows: dict[str, int]
    members: dict[str, Content] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def database(self) -> str:
        """Return the name of the member that holds the database."""
        return SQLITE if self.engine == "sqlite" else POSTGRESQL

    @property
    def size(self) -> int:
        """Return the bytes of all members together."""
        return sum(content.size for content in self.members.values())


class _HashingReader:
    """File that computes the SHA-256 of the bytes read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


class ArchiveWriter:
    """Writer of an archive, member by member; `finish` adds the manifest and flushes the file to the disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._tar = tarfile.TarFile(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, copybufsize=CHUNK)
        self.members: dict[str, Content] = {}

    def add(self, name: str, source: Path) -> bool:
        """Add a file. Return False if it does not exist, for example because it was just deleted.

        Raises BackupError if the file shrank while it was copied.
        """
        try:
            file = source.open("rb")
        except FileNotFoundError:
            return False
        with file:
            found, reader = os.fstat(file.fileno()), _HashingReader(file)
            try:
                self._tar.addfile(_member(name, found.st_size, found.st_mtime), reader)
            except OSError as error:
                if error.errno is None:  # raised by tarfile: fewer bytes than announced
                    raise BackupError(
                        f"{source} became shorter while it was copied. Start the backup again."
                    ) from error
                raise
        self.members[name] = Content(found.st_size, reader.digest.hexdigest())
        return True

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest as the last member, and flush the file to the disk."""
        text = json.dumps(asdict(manifest), ensure_ascii=False).encode()
        self._tar.addfile(_member(MANIFEST, len(text), 0), BytesIO(text))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of an archive without reading other members. Raises BackupError."""
    with _opened(path) as tar:
        last = tar.getmembers()[-1:]
        named = bool(last) and last[0].name == MANIFEST and last[0].size <= MOST_MANIFEST
        file = tar.extractfile(last[0]) if named else None
        if file is None:
            raise BackupError(f"{path} is incomplete: the list of its contents at its end is missing.")
        return _parse(path, file.read())


def unpack(path: Path, manifest: Manifest, folder: Path, wanted: Callable[[str], bool] = lambda name: True) -> None:
    """Verify every member against the manifest, and write those that `wanted` accepts below `folder`, mode 0600.

    Raises BackupError at the first member that is unknown, unsafe, missing, or differs in size or hash.
    """
    missing = dict(manifest.members)
    with _opened(path) as tar:
        for member in tar:
            if member.name == MANIFEST:
                continue
            _check_safe(path, member, folder)
            content = missing.pop(member.name, None)
            if content is None:
                raise BackupError(f"{path} is refused: its list of contents does not name {member.name}.")
            source, target = tar.extractfile(member), folder / member.name if wanted(member.name) else None
            if source is None or member.size != content.size or _copy(source, target) != content.sha256:
                raise BackupError(f"{path} is damaged: {member.name} differs from what was backed up.")
    if missing:
        raise BackupError(f"{path} is damaged: {min(missing)} is missing.")


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError, *_HOSTILE) as error:
        raise BackupError(f"{path} is damaged or not a backup of Openbook: {error}") from error


def _member(name: str, size: int, changed: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(changed), 0o600
    return info


def _check_safe(path: Path, member: tarfile.TarInfo, folder: Path) -> None:
    """Raise BackupError unless the member is an ordinary file at a place that backups use."""
    name = PurePosixPath(member.name)
    safe = member.isreg() and str(name) == member.name and not name.is_absolute() and ".." not in name.parts
    safe = safe and (member.name in SINGLE or (len(name.parts) > 1 and name.parts[0] == FILES))
    if safe and (data_filter := getattr(tarfile, "data_filter", None)):  # Python before 3.11.4 has none
        try:
            safe = data_filter(member, str(folder)).name == member.name
        except tarfile.TarError:
            safe = False
    if not safe:
        raise BackupError(f"{path} is refused: {member.name} is a link, a device, or lies outside of the data.")


def _copy(source: IO[bytes], target: Path | None) -> str:
    """Return the SHA-256 of the source, and write it to `target` if given."""
    reader = _HashingReader(source)
    if target is None:
        while reader.read(CHUNK):
            pass
        return reader.digest.hexdigest()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with create_private(target).open("wb") as file:
        while data := reader.read(CHUNK):
            file.write(data)
    return reader.digest.hexdigest()


def create_private(path: Path) -> Path:
    """Create an empty file that only its owner may read, and return its path."""
    path.touch(mode=0o600, exist_ok=False)
    return path


def _parse(path: Path, text: bytes) -> Manifest:
    try:
        found: dict[str, Any] = json.loads(text)
        if found["format"] != FORMAT:
            raise BackupError(f"{path} has the format {found['format']}; this version of Openbook reads {FORMAT}.")
        members = {str(name): Content(int(one["size"]), str(one["sha256"])) for name, one in found["members"].items()}
        manifest = Manifest(
            str(found["version"]), str(found["engine"]), str(found["made"]),
            {str(app): str(name) for app, name in found["migrations"].items()},
            {str(label): int(count) for label, count in found["rows"].items()}, members,
        )  # fmt: skip
        if "users" not in manifest.rows:
            raise KeyError("users")
    except _HOSTILE as error:
        raise BackupError(f"{path} is damaged: its list of contents cannot be read.") from error
    if manifest.database not in members:
        raise BackupError(f"{path} is damaged: it holds no database.")
    return manifest
