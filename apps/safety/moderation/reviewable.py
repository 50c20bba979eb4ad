"""Registry of the kinds of content that can be reviewed, and the protocols that they implement.

Other apps register a `Reviewable` per kind in their `ready()`; moderation reads, withholds and restores content through
it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from django.db.models.fields.files import FieldFile
    from django_stubs_ext import StrOrPromise

    from apps.users.models import User


@dataclass(frozen=True, slots=True)
class ContextItem:
    """Piece of the context of a flagged text, such as an earlier message. Plain text, shown as such."""

    label: str
    text: str
    sealed: bool = False  # only users named for sealed cases may read it


class Reviewable(Protocol):
    """Kind of content that can be reviewed.

    Called inside the transaction of the decision. `subject` is the id of a case's content, which may be deleted by now.
    """

    @property
    def name(self) -> StrOrPromise:
        """Return the name for users, such as "a question"."""

    def exists(self, subject: str) -> bool: ...

    def context(self, subject: str) -> list[ContextItem]:
        """Return the context that a reviewer needs; [] if the content is deleted.

        Messages stand oldest first, reports of users last.
        """

    def withhold(self, subject: str, message: str) -> dict[str, Any]:
        """Hide the content from everybody, with `message` in its place. Return what `restore` needs, as JSON."""

    def restore(self, subject: str, restore_data: dict[str, Any]) -> None:
        """Restore the content to its state before `withhold`, as far as it still exists."""


@dataclass(frozen=True, slots=True)
class ContentLocation:
    """Title and URL of a case's content, as its owner may see it."""

    title: str
    url: str = ""
    excerpt: str = ""  # of the user's own text; never of text withheld from the user


@runtime_checkable
class Locatable(Protocol):
    """Kind of content that a notice can link to."""

    def locate(self, user: User, subjects: Collection[str]) -> Mapping[str, ContentLocation]:
        """Return the location of each subject that exists and that the user may see, by subject."""


@runtime_checkable
class Releasable(Protocol):
    """Kind of content that can be held before anybody saw it, and that has a picture."""

    def release(self, subject: str) -> dict[str, Any]:
        """Show the held content from now on. Return what `restore` needs."""

    def picture(self, subject: str) -> bytes:
        """Return the bytes as PNG, JPEG or WebP; empty if there is no picture."""


@runtime_checkable
class Redactable(Protocol):
    """Kind of text of which parts can be redacted."""

    def redact(self, subject: str, terms: Sequence[str]) -> dict[str, Any]:
        """Replace every occurrence of the terms with redaction marks.

        Return what `restore_redacted` needs; `{}` if none occurs.
        """

    def restore_redacted(self, restore_data: dict[str, Any]) -> None:
        """Restore the redacted words, as far as the text still exists."""


@runtime_checkable
class Blurrable(Protocol):
    """Kind of picture that can be shown blurred."""

    def blur(self, subject: str, code: str) -> dict[str, Any]:
        """Show the picture blurred and labelled with the clause `code`. Return what `unblur` needs."""

    def unblur(self, subject: str, restore_data: dict[str, Any]) -> None:
        """Restore the picture to its state before `blur`."""


def read_stored_bytes(file: FieldFile) -> bytes:
    """Return the content of the file; empty if there is no file or it cannot be read."""
    if not file:
        return b""
    try:
        with file.open("rb") as content:
            return bytes(content.read())
    except OSError:
        return b""


_kinds: dict[str, Reviewable] = {}


def register_reviewable(kind: str, reviewable: Reviewable) -> None:
    """Register the `Reviewable` of a kind, replacing any earlier one."""
    _kinds[kind] = reviewable


def get_reviewable(kind: str) -> Reviewable:
    """Return the `Reviewable` of the kind. Raise KeyError if none is registered."""
    return _kinds[kind]
