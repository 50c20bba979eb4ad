"""What a person does with conversations as things: pin, put away, put into folders, delete and bring back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.conversations.models import Conversation, Folder, Message
from apps.conversations.moderation import cases, redaction
from apps.safety.moderation import auto_close
from apps.users.models import User

UNDELETE_PERIOD = timedelta(hours=1)  # how long what was deleted can be brought back
_PURGED = 20  # conversations in one transaction: SQLite has one writer
_NAME = 60  # Folder.name


def pin_conversations(user: User, pks: Collection[UUID], *, on: bool = True) -> int:
    return _set(user, pks, pinned=timezone.now() if on else None)


def archive_conversations(user: User, pks: Collection[UUID], *, on: bool = True) -> int:
    """They are found and read as before, and no longer listed beside the page."""
    return _set(user, pks, archived=timezone.now() if on else None)


def move_to_folder(user: User, pks: Collection[UUID], folder: Folder | None) -> int:
    """They are in that folder of this person, or in none."""
    if folder is not None and folder.owner_id != user.pk:
        raise ValueError("A folder of somebody else")
    return _set(user, pks, folder=folder)


def delete_conversations(user: User, pks: Collection[UUID]) -> tuple[datetime, int]:
    """Delete conversations of this person. Return the moment under which `restore` brings them back, and how many they
    were. An answer that is being written there ends."""
    now = timezone.now()
    return now, _set(user, pks, deleted=now)


def undelete_batch(user: User, at: datetime) -> int:
    """What was deleted at that moment is there again."""
    return Conversation.objects.owned_by(user).filter(deleted=at, deleted__gt=_over()).update(deleted=None)


def undelete(user: User, pks: Collection[UUID]) -> int:
    rows = Conversation.objects.owned_by(user).filter(pk__in=pks, deleted__gt=_over())
    return rows.update(deleted=None)


def purge_deleted() -> int:
    """What can no longer be brought back is gone for good; how many conversations. For `in_db`."""
    with transaction.atomic():
        gone = list(Conversation.objects.filter(deleted__lte=_over()).values_list("pk", flat=True)[:_PURGED])
        if gone:
            delete_permanently(gone)
    return len(gone)


def delete_permanently(pks: Collection[UUID]) -> None:
    """They are gone for good, and nobody is left to decide about what was said there. Call inside a transaction."""
    rows = Message.objects.filter(conversation__in=pks)
    said = [str(pk) for pk in rows.answers().values_list("pk", flat=True)]
    for kind in cases.KINDS:
        auto_close.close_deleted(kind, *said)
    redaction.forget_messages(rows.values_list("pk", flat=True))
    Conversation.objects.filter(pk__in=pks).delete()


def mark_read(user: User, pk: UUID) -> None:
    """What is there now is not new to its owner any more."""
    _set(user, [pk], seen=timezone.now())


def get_or_create_folder(user: User, name: str) -> Folder | None:
    """The person's folder of that name, made where there is none; None for an empty name."""
    name = clean_folder_name(name)
    return Folder.objects.get_or_create(owner=user, name=name)[0] if name else None


def rename_folder(folder: Folder, name: str) -> bool:
    """False where the name is empty or another folder of this person has it."""
    name = clean_folder_name(name)
    if not name or Folder.objects.filter(owner=folder.owner_id, name=name).exclude(pk=folder.pk).exists():
        return False
    return bool(Folder.objects.filter(pk=folder.pk).update(name=name))


def clean_folder_name(name: str) -> str:
    return " ".join(name.replace("\0", "").split())[:_NAME]


def _set(user: User, pks: Collection[UUID], **changes: Any) -> int:
    return Conversation.objects.visible_to(user).filter(pk__in=pks).update(**changes)


def _over() -> datetime:
    return timezone.now() - UNDELETE_PERIOD
