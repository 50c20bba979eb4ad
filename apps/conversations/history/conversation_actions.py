"""Pin, archive, delete and undelete conversations of the user's history, and mark them as read.

Functions with a `user` change only that user's own conversations, others are ignored; each is one UPDATE statement and
returns the number of rows. Permanent deletion is in `purge_deleted` and `delete_permanently`. Folders are in
`folders.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.conversations.attachments import chat_files
from apps.conversations.models import Conversation, Message
from apps.conversations.moderation import message_cases, message_redaction
from apps.documents.library.sharing import remove_collection
from apps.safety.moderation import auto_close
from apps.users.models import User
from apps.users.notices import dismiss_notices

UNDELETE_PERIOD = timedelta(hours=1)  # time in which a deletion can be undone
_PURGED = 20  # conversations in one transaction: SQLite has one writer


def pin_conversations(user: User, pks: Collection[UUID], *, pinned: bool = True) -> int:
    """Pin (or unpin) conversations of the user. Return their number."""
    return _set(user, pks, pinned=timezone.now() if pinned else None)


def archive_conversations(user: User, pks: Collection[UUID], *, archived: bool = True) -> int:
    """Archive (or unarchive) conversations of the user: the sidebar no longer lists them. Return their number."""
    return _set(user, pks, archived=timezone.now() if archived else None)


def delete_conversations(user: User, pks: Collection[UUID]) -> tuple[datetime, int]:
    """Mark conversations of the user as deleted; running answers there end. Return the time and their number.

    `undelete_batch` restores them by that time within UNDELETE_PERIOD.
    """
    now = timezone.now()
    return now, _set(user, pks, deleted=now)


def undelete_batch(user: User, deleted_at: datetime) -> int:
    """Restore the conversations that the user deleted at that time, within UNDELETE_PERIOD. Return their number."""
    return (
        Conversation.objects.owned_by(user)
        .filter(deleted=deleted_at, deleted__gt=_get_undelete_limit())
        .update(deleted=None)
    )


def undelete(user: User, pks: Collection[UUID]) -> int:
    """Restore conversations of the user, within UNDELETE_PERIOD. Return their number."""
    rows = Conversation.objects.owned_by(user).filter(pk__in=pks, deleted__gt=_get_undelete_limit())
    return rows.update(deleted=None)


def purge_deleted() -> int:
    """Delete at most 20 conversations permanently whose UNDELETE_PERIOD is over, in one transaction. For `in_db`.

    Return their number.
    """
    with transaction.atomic():
        gone = list(
            Conversation.objects.filter(deleted__lte=_get_undelete_limit()).values_list("pk", flat=True)[:_PURGED]
        )
        if gone:
            delete_permanently(gone)
    return len(gone)


def delete_permanently(pks: Collection[UUID]) -> None:
    """Delete the conversations with their messages and attached files, and close their review cases.

    Call inside a transaction. Redactions of the messages are forgotten too. The caller checks the permission.
    """
    rows = Message.objects.filter(conversation__in=pks)
    answers = [str(pk) for pk in rows.answers().values_list("pk", flat=True)]
    for kind in message_cases.KINDS:
        auto_close.close_deleted(kind, *answers)
    message_redaction.forget_messages(rows.values_list("pk", flat=True))
    files = chat_files.list_attached(pks)
    Conversation.objects.filter(pk__in=pks).delete()
    for row in files:
        remove_collection(row)


def mark_read(user: User, pk: UUID) -> None:
    """Mark the conversation of the user as read, and dismiss notices about it."""
    _set(user, [pk], seen=timezone.now())
    dismiss_notices(user, pk)


def _set(user: User, pks: Collection[UUID], **changes: Any) -> int:
    return Conversation.objects.visible_to(user).filter(pk__in=pks).update(**changes)


def _get_undelete_limit() -> datetime:
    return timezone.now() - UNDELETE_PERIOD
