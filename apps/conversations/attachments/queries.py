"""Queries for the attached pictures of questions. For `in_db`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations.core.attached_picture import AttachedPictureView
from apps.conversations.errors import RequestRefused
from apps.conversations.models.attachment import AttachedPicture, Attachment
from apps.users.models import User

Status = AttachedPicture.Status


def select_for_question(user: User, ids: Sequence[UUID]) -> tuple[AttachedPictureView, ...]:
    """Return the pictures in that order. Raise RequestRefused if one is gone, not the user's, or held."""
    if not ids:
        return ()
    rows = AttachedPicture.objects.visible_to(user).defer("thumbnail").in_bulk(ids)
    if len(rows) != len(ids):
        raise RequestRefused(gettext("A picture that you attached is no longer available. Attach it again."))
    if any(row.status == Status.HELD for row in rows.values()):
        raise RequestRefused(gettext("A picture that you attached is held for review. Ask without it, or wait."))
    return tuple(_value(rows[pk]) for pk in ids)


def read_content(user: User, pk: UUID) -> bytes:
    """Return the file (PNG or JPEG) of the user's picture. Raise RequestRefused if it cannot be used."""
    (item,) = select_for_question(user, [pk])
    try:
        return Path(item.path).read_bytes()
    except OSError:
        raise RequestRefused(gettext("A picture that you attached is no longer available. Attach it again.")) from None


def reload_pictures(ids: Sequence[UUID]) -> tuple[AttachedPictureView, ...]:
    """Return the pictures that still exist in their present state, in that order. Without a permission check."""
    rows = AttachedPicture.objects.defer("thumbnail").in_bulk(ids)
    return tuple(_value(rows[pk]) for pk in ids if pk in rows)


def load_by_question(questions: Iterable[UUID]) -> dict[UUID, tuple[AttachedPictureView, ...]]:
    """Return the pictures by question id, in order. One query.

    Questions without pictures and retracted ones are left out.
    """
    rows = Attachment.objects.filter(question__in=list(questions), question__retracted=None).select_related("picture")
    found: dict[UUID, list[AttachedPictureView]] = {}
    for row in rows.defer("picture__thumbnail").order_by("position"):
        found.setdefault(row.question_id, []).append(_value(row.picture))
    return {pk: tuple(items) for pk, items in found.items()}


def attach_to_question(question: UUID, attached: Iterable[AttachedPictureView]) -> None:
    """Attach the pictures to the question. Call inside the transaction that stores it.

    Raise RequestRefused if one was deleted meanwhile.
    """
    ids = [item.id for item in attached]
    if not ids:
        return
    if AttachedPicture.objects.filter(pk__in=ids).update(was_asked_about=True) != len(ids):
        raise RequestRefused(gettext("A picture that you attached is no longer available. Attach it again."))
    Attachment.objects.bulk_create(
        Attachment(question_id=question, picture_id=pk, position=at) for at, pk in enumerate(ids)
    )


def export_pictures(attached: Iterable[AttachedPictureView]) -> list[dict[str, Any]]:
    """Return the pictures as JSON values for an export; of held ones only id and name."""
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
        row.pk, row.name, row.width, row.height, row.sha256, row.kind, row.file.path, row.status, row.text,
        row.recognition_problem, row.reason, row.caption, row.caption_problem, row.blur, row.recognised,
    )  # fmt: skip
