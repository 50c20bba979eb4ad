"""What can be reviewed: apps above say how their things are read, withheld and given back. Registered in `ready()`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from django.db.models.fields.files import FieldFile
    from django_stubs_ext import StrOrPromise

    from apps.users.models import User


@dataclass(frozen=True, slots=True)
class ContextTurn:
    """A piece of what stands around the flagged text. Plain text, shown as such."""

    label: str
    text: str
    sealed: bool = False  # only whoever is named for sealed cases may read it


class Reviewable(Protocol):
    """Called inside the transaction of the decision; ids come from cases and may name what is gone by now."""

    @property
    def name(self) -> StrOrPromise:
        """For people: "a question"."""

    def exists(self, subject: str) -> bool: ...

    def around(self, subject: str) -> list[ContextTurn]:
        """What a reviewer needs to understand it, in order; nothing where it is gone."""

    def withhold(self, subject: str, words: str) -> dict[str, Any]:
        """Nobody sees it or uses it from now on; returns what `give_back` needs. JSON."""

    def give_back(self, subject: str, before: dict[str, Any]) -> None:
        """It is again exactly as it was before `withhold`, as far as it still exists."""


@dataclass(frozen=True, slots=True)
class ContentLocation:
    """Where the thing of a case stands, as its own user may see it."""

    title: str
    url: str = ""
    excerpt: str = ""  # of what the user wrote; never of what was held back from them


@runtime_checkable
class Locatable(Protocol):
    """What a notice can name."""

    def places(self, user: User, subjects: Collection[str]) -> Mapping[str, ContentLocation]:
        """Return the place of each subject that is there and that the user may see, by subject."""


@runtime_checkable
class Releasable(Protocol):
    """What can also be held before anybody saw it, and has a picture to look at."""

    def release(self, subject: str) -> dict[str, Any]:
        """It is shown from now on; returns what `give_back` needs."""

    def picture(self, subject: str) -> bytes:
        """PNG, JPEG or WebP; empty where there is none."""


@runtime_checkable
class Redactable(Protocol):
    """A text of which a part can be taken out."""

    def cut(self, subject: str, wanted: Sequence[str]) -> dict[str, Any]:
        """Gaps are where these stand; returns what `fill` needs, empty where none of them stands there."""

    def fill(self, before: dict[str, Any]) -> None:
        """What stood there is there again, as far as it still exists."""


@runtime_checkable
class Blurrable(Protocol):
    """A picture that can be shown blurred."""

    def blur(self, subject: str, code: str) -> dict[str, Any]:
        """Shown blurred, labelled with that clause; returns what `clear` needs."""

    def clear(self, subject: str, before: dict[str, Any]) -> None:
        """Shown as it was before `blur`."""


def read_stored_bytes(file: FieldFile) -> bytes:
    """Its content; empty where there is none, or none any more."""
    if not file:
        return b""
    try:
        with file.open("rb") as content:
            return bytes(content.read())
    except OSError:
        return b""


_kinds: dict[str, Reviewable] = {}


def register_reviewable(kind: str, reviewable: Reviewable) -> None:
    _kinds[kind] = reviewable


def get_reviewable(kind: str) -> Reviewable:
    """Raises KeyError for a kind that nobody registered."""
    return _kinds[kind]
