"""What has to happen to a collection so that it holds what a folder holds. Pure: decides, and touches nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file of the folder. `place` is how its document is shown ("a/b/name"), `inside` where it lies in the folder."""

    place: str
    inside: str
    size: int
    modified: int  # ns since 1970


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A document that came from the folder."""

    pk: UUID
    place: str
    size: int
    sha256: str
    modified: int | None
    failed: bool = False  # it could not be read, or not to the end


@dataclass(frozen=True, slots=True)
class RenamedFile:
    """A file that has another name or place now; its document goes with it."""

    known: KnownDocument
    file: FolderFile

    @property
    def words(self) -> str:
        return f"{self.known.place} → {self.file.place}"


@dataclass(frozen=True, slots=True)
class FolderDiff:
    """`refused` are files that cannot be taken, with the reason."""

    added: list[FolderFile] = field(default_factory=list)
    changed: list[FolderFile] = field(default_factory=list)
    moved: list[RenamedFile] = field(default_factory=list)
    removed: list[KnownDocument] = field(default_factory=list)
    unchanged: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many documents it adds, changes, renames and removes."""
        return len(self.added) + len(self.changed) + len(self.moved) + len(self.removed)

    @property
    def found(self) -> int:
        """Return how many files the folder holds."""
        return len(self.added) + len(self.changed) + len(self.moved) + self.unchanged + len(self.refused)

    @property
    def digest(self) -> str:
        """The same for the same diff: what is applied is what was shown."""
        told = (
            [(item.place, item.size, item.modified) for item in [*self.added, *self.changed]],
            [(str(item.known.pk), item.file.place) for item in self.moved],
            sorted(str(item.pk) for item in self.removed),
        )
        return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def compare_folder(
    files: Iterable[FolderFile],
    known: Iterable[KnownDocument],
    sha256: Callable[[FolderFile], str],
    refuse: Callable[[FolderFile], str],
) -> FolderDiff:
    """The diff. `sha256` is asked only where sizes and time leave it open, `refuse` gives a reason or nothing."""
    sha256 = cache(sha256)
    diff, unchanged = FolderDiff(), 0
    left = {item.place: item for item in known}
    stale: list[KnownDocument] = []  # their places hold something else now
    taken: set[str] = set()
    for file in sorted(files, key=lambda item: item.inside):
        why = "Another file of this folder is shown under the same name." if file.place in taken else refuse(file)
        taken.add(file.place)
        old = left.pop(file.place, None)
        if why:
            diff.refused.append((file.place, why))
        elif old is None:
            diff.added.append(file)
        elif old.modified == file.modified or (old.size == file.size and old.sha256 == sha256(file)):
            unchanged += 1
        else:
            diff.changed.append(file)
            stale.append(old)
    gone = sorted(left.values(), key=lambda item: item.place)
    return _settled(FolderDiff(diff.added, diff.changed, [], gone, unchanged, diff.refused), stale, sha256)


def _settled(diff: FolderDiff, stale: list[KnownDocument], sha256: Callable[[FolderFile], str]) -> FolderDiff:
    """The same where content that is known stands elsewhere now: a document goes along to its file's new place, unless
    the name decides how it is read, or it was not read. Then, too, it makes room before the file is added."""
    free = [*diff.removed, *stale]
    sizes = {item.size for item in free}
    origin: dict[str, KnownDocument] = {}  # by the place where its content is now
    for file in [*diff.added, *diff.changed]:
        if file.size in sizes and (found := _holding(free, sha256(file))) is not None:
            free.remove(found)
            origin[file.place] = found
    files = {file.place: file for file in [*diff.added, *diff.changed]}
    moved = [RenamedFile(found, files[place]) for place, found in origin.items() if _goes_along(found, place)]
    there = {item.file.place for item in moved}
    open_places = {item.place for item in free} - there  # what stays in its place gets a new version
    changed = [file for file in diff.changed if file.place in open_places]
    added = [file for place, file in files.items() if place not in there and place not in open_places]
    kept = {file.place for file in changed} | {item.known.place for item in moved}
    removed = [item for item in [*diff.removed, *stale] if item.place not in kept]
    return FolderDiff(added, changed, moved, sorted(removed, key=lambda item: item.place), diff.unchanged, diff.refused)


def _holding(known: Iterable[KnownDocument], sha256: str) -> KnownDocument | None:
    return next((item for item in known if sha256 and item.sha256 == sha256), None)


def _goes_along(known: KnownDocument, place: str) -> bool:
    return not known.failed and PurePath(known.place).suffix.lower() == PurePath(place).suffix.lower()
