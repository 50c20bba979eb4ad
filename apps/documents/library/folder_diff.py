"""Compute the changes that make a collection hold what a folder holds. Pure: reads and writes nothing itself.

`compare_folder` is the entry point; `folder_sync.py` lists the folder and applies the result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FolderFile:
    """File of the folder. `path` is that of its document ("a/b/name"), `relative_path` starts in SYNC_DIR."""

    path: str
    relative_path: str
    size: int  # bytes
    modified_ns: int  # ns since 1970


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """Document that came from the folder. `modified_ns` is the file's time in ns since 1970 when it was stored; None:
    unknown."""

    pk: UUID
    path: str
    size: int
    sha256: str
    modified_ns: int | None
    failed: bool = False  # True if its ingestion failed, was cancelled, or was set aside


@dataclass(frozen=True, slots=True)
class RenamedFile:
    """File that has another name or folder now; its document is renamed."""

    document: KnownDocument
    file: FolderFile

    @property
    def description(self) -> str:
        """Return old and new place in one text."""
        return f"{self.document.path} → {self.file.path}"


@dataclass(frozen=True, slots=True)
class FolderDiff:
    """Changes that a sync would make. `refused` lists files that cannot be stored, as (place, reason)."""

    added: list[FolderFile] = field(default_factory=list)
    changed: list[FolderFile] = field(default_factory=list)
    renamed: list[RenamedFile] = field(default_factory=list)
    removed: list[KnownDocument] = field(default_factory=list)
    unchanged: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Return how many documents are added, changed, renamed and removed in all."""
        return len(self.added) + len(self.changed) + len(self.renamed) + len(self.removed)

    @property
    def file_count(self) -> int:
        """Return how many files the folder holds."""
        return len(self.added) + len(self.changed) + len(self.renamed) + self.unchanged + len(self.refused)

    @property
    def digest(self) -> str:
        """Return a digest of the changes. Equal diffs have equal digests, so that only the diff that the user saw is
        applied."""
        content = (
            [(item.path, item.size, item.modified_ns) for item in [*self.added, *self.changed]],
            [(str(item.document.pk), item.file.path) for item in self.renamed],
            sorted(str(item.pk) for item in self.removed),
        )
        return hashlib.sha256(repr(content).encode()).hexdigest()[:32]


def compare_folder(
    files: Iterable[FolderFile],
    documents: Iterable[KnownDocument],
    sha256: Callable[[FolderFile], str],
    refuse: Callable[[FolderFile], str],
) -> FolderDiff:
    """Return the changes from `documents` documents to `files`.

    `sha256` is called only if size and time do not decide, once per file; "" means that the file cannot be read.
    `refuse` returns why a file cannot be stored, "" if it can. Of two files with the same place the first by path
    counts, the other is refused.
    """
    sha256 = cache(sha256)
    diff, unchanged = FolderDiff(), 0
    unmatched = {item.path: item for item in documents}
    stale: list[KnownDocument] = []  # documents whose file has other content now
    used_paths: set[str] = set()
    for file in sorted(files, key=lambda item: item.relative_path):
        reason = (
            "Another file of this folder is shown under the same name." if file.path in used_paths else refuse(file)
        )
        used_paths.add(file.path)
        old = unmatched.pop(file.path, None)
        if reason:
            diff.refused.append((file.path, reason))
        elif old is None:
            diff.added.append(file)
        elif old.modified_ns == file.modified_ns or (old.size == file.size and old.sha256 == sha256(file)):
            unchanged += 1
        else:
            diff.changed.append(file)
            stale.append(old)
    removed = sorted(unmatched.values(), key=lambda item: item.path)
    return _detect_renames(FolderDiff(diff.added, diff.changed, [], removed, unchanged, diff.refused), stale, sha256)


def _detect_renames(diff: FolderDiff, stale: list[KnownDocument], sha256: Callable[[FolderFile], str]) -> FolderDiff:
    """Return the diff with renames detected: known content that has moved to another place.

    The document is renamed with its file, unless it failed or the suffix changed, on which the choice of a parser may
    depend. In these cases the old document is removed before the file is added.
    """
    unmatched = [*diff.removed, *stale]
    sizes = {item.size for item in unmatched}
    origins: dict[str, KnownDocument] = {}  # by the place where the content is now
    for file in [*diff.added, *diff.changed]:
        if file.size in sizes and (document := _find_content(unmatched, sha256(file))) is not None:
            unmatched.remove(document)
            origins[file.path] = document
    files = {file.path: file for file in [*diff.added, *diff.changed]}
    renamed = [RenamedFile(document, files[path]) for path, document in origins.items() if _can_rename(document, path)]
    new_paths = {item.file.path for item in renamed}
    open_paths = {item.path for item in unmatched} - new_paths  # a document whose place is kept gets a new version
    changed = [file for file in diff.changed if file.path in open_paths]
    added = [file for path, file in files.items() if path not in new_paths and path not in open_paths]
    kept_paths = {file.path for file in changed} | {item.document.path for item in renamed}
    removed = [item for item in [*diff.removed, *stale] if item.path not in kept_paths]
    removed.sort(key=lambda item: item.path)
    return FolderDiff(added, changed, renamed, removed, diff.unchanged, diff.refused)


def _find_content(documents: Iterable[KnownDocument], sha256: str) -> KnownDocument | None:
    return next((item for item in documents if sha256 and item.sha256 == sha256), None)


def _can_rename(document: KnownDocument, new_path: str) -> bool:
    return not document.failed and PurePath(document.path).suffix.lower() == PurePath(new_path).suffix.lower()
