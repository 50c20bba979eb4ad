"""Move documents to another collection, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext

from apps.documents.jobs.notifications import notify_merge
from apps.documents.library.uploads import UploadRefused, refuse_duplicate
from apps.documents.models import Chunk, Collection, Document
from apps.documents.moderation import document_redaction
from apps.lib.celery.notify import notify_worker
from apps.lib.db.permissions import require_row

if TYPE_CHECKING:
    from apps.users.models import AnyUser


def move_document(user: AnyUser, document: Document, target: Collection) -> None:
    """Move a ready document with its versions to another collection, where it is found once a worker has indexed it.

    Sources of earlier answers still open it. Raises UploadRefused if it is not ready, if a new version of it waits, or
    if the target holds this content; PermissionDenied unless the user may edit document and target.
    """
    require_row(Document.all_objects.editable_by(user), document.pk)
    require_row(Collection.all_objects.editable_by(user), target.pk)
    earlier = document.collection_id
    with transaction.atomic():
        refuse_duplicate(target, document.sha256)
        ready = Document.objects.filter(pk=document.pk, status=Document.Status.READY)
        if Document.objects.filter(replaces=document).exists() or not ready.update(collection=target):
            raise UploadRefused(gettext("This file is still being read. Move it when it is ready."))
        Document.all_objects.filter(replaces=document.pk).update(collection=target)
        Chunk.objects.filter(document=document.pk).update(segment=None)
        transaction.on_commit(lambda: notify_worker(document_redaction.REINDEX_TASK, target.pk), robust=True)
        transaction.on_commit(lambda: notify_merge(earlier), robust=True)
