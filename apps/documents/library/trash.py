"""Delete documents so that they can be restored for an hour, restore them, and remove them when the hour is over.

Deleted documents are neither listed, searched nor read; their rows, files and passages stay until `empty_trash`.
Entry points: `trash_documents`, `restore_documents`, `empty_trash`. Files of chats and the API delete at once
(`deletion.py`).
"""

from __future__ import annotations

from collections.abc import Collection as Sized
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.documents.library.deletion import remove_document
from apps.documents.library.uploads import UploadRefused, cancel_ingestion, refuse_duplicate
from apps.documents.models import Collection, Document, DocumentQuerySet

if TYPE_CHECKING:
    from apps.users.models import AnyUser

UNDELETE_PERIOD = timedelta(hours=1)  # time in which a deletion can be undone
# rows that a user deleted, not the versions that went with them
_DELETED_ITSELF = Q(replaces=None) | Q(replaces__deleted=None)
_REMOVED = 20  # documents removed in one run: SQLite has one writer


def trash_documents(user: AnyUser, pks: Sized[UUID]) -> tuple[datetime, int]:
    """Delete those of the documents that the user may edit, with their versions. Return the time and their number.

    Documents that are being read are cancelled first. `restore_documents` restores them by that time.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = list(Document.objects.editable_by(user).filter(pk__in=pks))
        for row in rows:
            cancel_ingestion(user, row)
        found = [row.pk for row in rows]
        # Workers that read a waiting version lose their leases.
        with_versions = Document.all_objects.filter(Q(pk__in=found) | Q(replaces__in=found))
        with_versions.update(deleted=now, lease_token="", lease_until=None)
    return now, len(rows)


def list_deleted(user: AnyUser, collection: Collection) -> DocumentQuerySet:
    """Return the deleted documents of the collection that can still be restored; none unless the user may edit it."""
    rows = Document.all_objects.filter(_DELETED_ITSELF, collection=collection, deleted__gt=_get_limit())
    return rows.filter(collection__in=Collection.objects.editable_by(user))


def restore_documents(
    user: AnyUser, collection: Collection, pks: Sized[UUID] = (), at: datetime | None = None
) -> tuple[int, list[str]]:
    """Restore the documents, or those deleted at a time, within UNDELETE_PERIOD, if the user may edit the collection.

    Return their number, and the reasons of those whose content the collection holds again.
    """
    chosen = Q(deleted=at) if at else Q(pk__in=pks)
    reasons: list[str] = []
    rows = list(list_deleted(user, collection).filter(chosen))
    for row in rows:
        try:
            with transaction.atomic():
                if row.sha256:
                    refuse_duplicate(collection, row.sha256)
                Document.all_objects.filter(Q(pk=row.pk) | Q(replaces=row.pk)).update(deleted=None)
        except UploadRefused as refusal:
            reasons.append(str(refusal))
    return len(rows) - len(reasons), reasons


def empty_trash() -> list[str]:
    """Remove at most 20 documents whose UNDELETE_PERIOD is over. Return the SHA-256 of their contents."""
    rows = list(Document.all_objects.filter(_DELETED_ITSELF, deleted__lte=_get_limit())[:_REMOVED])
    for row in rows:
        remove_document(row)
    return [row.sha256 for row in rows]


def _get_limit() -> datetime:
    """Return the time before which a deletion can no longer be undone."""
    return timezone.now() - UNDELETE_PERIOD
