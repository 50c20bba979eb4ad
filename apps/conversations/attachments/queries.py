"""The attached pictures of questions, as turns, pages and exports have them. For threads that may use the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations.errors import RequestRefused
from apps.conversations.models.attachment import AttachedPicture, Attachment
from apps.users.models import User

Status = AttachedPicture.Status


@dataclass(frozen=True, slots=True)
class AttachedPictureView:
    """A picture of a question, as it is at this moment."""

    id: UUID
    name: str
    width: int  # pixels, like the height
    height: int
    sha256: str
    kind: str  # as a browser names it
    path: str  # of its file
    status: str
    text: str  # that was recognised in it
    unread: str  # why none could be
    reason: str  # why it is held
    caption: str  # what a model that sees said it shows
    uncaptioned: str  # why none could
    blur: str = ""  # the clause under which it is shown blurred
    recognised: bool = True  # its text was looked for, though its description may still be due

    @property
    def held(self) -> bool:
        return self.status == Status.HELD

    def due(self, *, sees: bool) -> bool:
        """Whether a model still has to be told more of it: one that sees needs no description."""
        return self.status == Status.WAITING and not (sees and self.recognised)


def select_for_question(user: User, ids: Sequence[UUID]) -> tuple[AttachedPictureView, ...]:
    """In that order. Raises Refused where one cannot be asked about."""
    if not ids:
        return ()
    rows = AttachedPicture.objects.visible_to(user).defer("thumbnail").in_bulk(ids)
    if len(rows) != len(ids):
        raise RequestRefused(gettext("A picture that you attached is no longer there. Attach it again."))
    if any(row.status == Status.HELD for row in rows.values()):
        raise RequestRefused(gettext("A picture that you attached is held for review. Ask without it, or wait."))
    return tuple(_value(rows[pk]) for pk in ids)


def read_content(user: User, pk: UUID) -> bytes:
    """The file of one, a PNG or JPEG that was drawn anew when it came. Raises Refused where it cannot be used."""
    (item,) = select_for_question(user, [pk])
    try:
        return Path(item.path).read_bytes()
    except OSError:
        raise RequestRefused(gettext("A picture that you attached is no longer there. Attach it again.")) from None


def reload_pictures(ids: Sequence[UUID]) -> tuple[AttachedPictureView, ...]:
    """Those that are still there, as they are now, in that order."""
    rows = AttachedPicture.objects.defer("thumbnail").in_bulk(ids)
    return tuple(_value(rows[pk]) for pk in ids if pk in rows)


def load_by_question(questions: Iterable[UUID]) -> dict[UUID, tuple[AttachedPictureView, ...]]:
    """By question, in their order; left out are questions without any and those that a reviewer withheld. One query."""
    rows = Attachment.objects.filter(question__in=list(questions), question__retracted=None).select_related("picture")
    found: dict[UUID, list[AttachedPictureView]] = {}
    for row in rows.defer("picture__thumbnail").order_by("position"):
        found.setdefault(row.question_id, []).append(_value(row.picture))
    return {pk: tuple(items) for pk, items in found.items()}


def attach_to_question(question: UUID, attached: Iterable[AttachedPictureView]) -> None:
    """They belong to that question. Call inside the transaction that stores it. Raises Refused where one is gone."""
    ids = [item.id for item in attached]
    if not ids:
        return
    if AttachedPicture.objects.filter(pk__in=ids).update(asked=True) != len(ids):
        raise RequestRefused(gettext("A picture that you attached is no longer there. Attach it again."))
    Attachment.objects.bulk_create(
        Attachment(question_id=question, picture_id=pk, position=at) for at, pk in enumerate(ids)
    )


def export_pictures(attached: Iterable[AttachedPictureView]) -> list[dict[str, Any]]:
    """For an export; of one that is held nothing but that."""
    return [
        {"id": str(item.id), "name": item.name, "held": True} if item.held else
        {
            "id": str(item.id), "name": item.name, "width": item.width, "height": item.height, "sha256": item.sha256,
            "recognised_text": item.text, "description": item.caption,
        }
        for item in attached
    ]  # fmt: skip


def _value(row: AttachedPicture) -> AttachedPictureView:
    return AttachedPictureView(
        row.pk, row.name, row.width, row.height, row.sha256, row.kind, row.file.path, row.status, row.text, row.unread,
        row.reason, row.caption, row.uncaptioned, row.blur, row.recognised,
    )  # fmt: skip
