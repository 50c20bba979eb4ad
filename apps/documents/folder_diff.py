"""What has to happen to a collection so that it holds what a folder holds. Pure: decides, and touches nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the folder. `place` is how its document is shown ("a/b/name"), `inside` where it lies in the folder."""

    place: str
    inside: str
    size: int
    modified: int  # ns since 1970


@dataclass(frozen=True, slots=True)
class Known:
    """A document that came from the folder."""

    pk: UUID
    place: str
    size: int
    sha256: str
    modified: int | None


@dataclass(frozen=True, slots=True)
class Diff:
    """`refused` are files that cannot be taken, with the reason."""

    added: list[Found] = field(default_factory=list)
    changed: list[Found] = field(default_factory=list)
    removed: list[Known] = field(default_factory=list)
    unchanged: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many documents it adds, changes and removes."""
        return len(self.added) + len(self.changed) + len(self.removed)

    @property
    def digest(self) -> str:
        """The same for the same diff: what is applied is what was shown."""
        told = (
            [(item.place, item.size, item.modified) for item in [*self.added, *self.changed]],
            sorted(str(item.pk) for item in self.removed),
        )
        return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def compare(
    files: Iterable[Found], known: Iterable[Known], sha256: Callable[[Found], str], refuse: Callable[[Found], str]
) -> Diff:
    """The diff. `sha256` is asked only where size and time leave it open, `refuse` gives a reason or nothing."""
    diff, unchanged = Diff(), 0
    left = {item.place: item for item in known}
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
    return Diff(diff.added, diff.changed, sorted(left.values(), key=lambda item: item.place), unchanged, diff.refused)
