"""Tell users that files they added to a collection are ingested, if that took a while. Entry point: `notify_ended`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max, Q
from django.utils import timezone

from apps.documents.models import Collection, Document
from apps.users.models import UserNotice
from apps.users.notices import notify_users

LONG_INGEST = timedelta(minutes=1)
STALE = timedelta(days=1)  # older files were retried: when they were queued is not known
_FAILED = Q(status__in=[Document.Status.FAILED, Document.Status.QUARANTINED])


def notify_ended(ids: Sequence[UUID]) -> None:
    """Notify the users whose last waiting file in a collection is among these documents and waited for a minute.

    The notice counts the files that ended since that last one was added. Opens its own transactions.
    """
    rows = Document.objects.filter(pk__in=ids, uploaded_by__isnull=False).exclude(status__in=Document.ACTIVE)
    ended = rows.order_by().values_list("uploaded_by", "collection").annotate(Max("created"))
    now = timezone.now()
    for user, collection, added in ended:
        if LONG_INGEST <= now - added < STALE:
            _notify(user, collection, added)


def _notify(user: int, collection: UUID, added: datetime) -> None:
    uploads = Document.objects.filter(uploaded_by=user, collection=collection)
    if uploads.filter(status__in=Document.ACTIVE).exists():
        return
    counts = uploads.filter(changed__gte=added).aggregate(
        ready=Count("pk", filter=Q(status=Document.Status.READY)), failed=Count("pk", filter=_FAILED)
    )
    name = Collection.objects.filter(pk=collection).values_list("name", flat=True).first()
    if name is not None and any(counts.values()):
        notify_users([user], UserNotice.Kind.DOCUMENTS, collection, name, **counts)
