"""Notices of shares, of groups that a user was added to, of long answers and uploads that are ready, of faults that
readers found in documents, of readings by staff, and of second factors that were removed.

Entry points: `notify_users`, `list_notices`, `mark_notices_seen`, `dismiss_notices`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.lib import websocket_push
from apps.users.models import User, UserNotice

KEPT = timedelta(days=90)  # older notices are deleted when the user gets a new one
LISTED = 100
_SHARED = [UserNotice.Kind.COLLECTION, UserNotice.Kind.ASSISTANT, UserNotice.Kind.GROUP]
_OF_DOCUMENTS = [UserNotice.Kind.DOCUMENTS, UserNotice.Kind.DOCUMENT]
# seen ones stay listed
_STAYING = [*_SHARED, UserNotice.Kind.DOCUMENT, UserNotice.Kind.READING, UserNotice.Kind.SECOND_FACTOR]


def notify_users(users: Iterable[int], kind: str, subject: object, name: str, **details: Any) -> None:
    """Store a notice for each user id, and tell their open pages on commit.

    It takes the place of an unseen notice of the same kind about the same subject.
    """
    users = list(users)
    UserNotice.objects.filter(user__in=users, kind=kind, subject=str(subject), seen=None).delete()
    UserNotice.objects.filter(user__in=users, created__lt=timezone.now() - KEPT).delete()
    UserNotice.objects.bulk_create(
        UserNotice(user_id=user, kind=kind, subject=str(subject), name=name[:120], details=details) for user in users
    )
    for user in users:
        websocket_push.push_on_commit(websocket_push.get_user_channel(user), {"type": "notice"})


def list_notices(user: User) -> dict[str, list[UserNotice]]:
    """Return the user's notices by topic: `joining`, `account`, `shared`, `documents`, `answers`, the latest first."""
    rows = list(UserNotice.objects.filter(user=user)[:LISTED])
    return {
        "joining": [row for row in rows if row.kind == UserNotice.Kind.JOIN],
        "account": [row for row in rows if row.kind == UserNotice.Kind.SECOND_FACTOR],
        "shared": [row for row in rows if row.kind in _SHARED],
        "documents": [row for row in rows if row.kind in _OF_DOCUMENTS],
        "answers": [row for row in rows if row.kind == UserNotice.Kind.ANSWER],
    }


def list_reading_notices(user: User) -> list[UserNotice]:
    """Return the notices of break-glass accesses to the user's conversations, the latest first."""
    return list(UserNotice.objects.filter(user=user, kind=UserNotice.Kind.READING)[:LISTED])


def list_new_notices(user: User, since: datetime) -> list[UserNotice]:
    """Return unseen notices after that time, the latest first, five at most."""
    return list(UserNotice.objects.filter(user=user, seen=None, created__gt=since)[:5])


def mark_notices_seen(user: User) -> None:
    """Mark all notices of the user as seen."""
    UserNotice.objects.filter(user=user, seen=None).update(seen=timezone.now())


def dismiss_notices(user: User, subject: object) -> None:
    """Delete unseen notices about a subject whose page the user opened. Shares and readings stay listed, as
    seen."""
    rows = UserNotice.objects.filter(user=user, subject=str(subject), seen=None)
    if rows.exists():
        rows.filter(kind__in=_STAYING).update(seen=timezone.now())
        rows.exclude(kind__in=_STAYING).delete()


def delete_notices_about(subjects: Iterable[object]) -> None:
    """Delete all users' notices about these subjects: an erased user's collections and assistants, whose names they
    show."""
    UserNotice.objects.filter(subject__in=[str(subject) for subject in subjects]).delete()


def forget_sender(user: User) -> None:
    """Remove the name of an erased user from notices of other users."""
    for row in UserNotice.objects.filter(kind__in=[*_SHARED, UserNotice.Kind.DOCUMENT], details__by=str(user)):
        row.details = {key: value for key, value in row.details.items() if key != "by"}
        row.save(update_fields=["details"])
