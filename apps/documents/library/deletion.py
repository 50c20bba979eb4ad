"""Delete documents with their versions, pages, chunks and files. Each function is one transaction.

`delete_document` raises PermissionDenied unless the user may edit the document. The others check nothing:
they serve the worker, syncs and other verbs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.documents.jobs.notifications import notify_merge
from apps.documents.models import Document
from apps.documents.moderation import review
from apps.lib.db.permissions import require_row

if TYPE_CHECKING:
    from apps.users.models import AnyUser


def delete_document(user: AnyUser, document: Document) -> None:
    """Delete a document as `remove_document` does. Raises PermissionDenied unless the user may edit it."""
    require_row(Document.all_objects.editable_by(user), document.pk)
    remove_document(document)


def remove_document(document: Document) -> None:
    """Delete the document with its versions, pages and chunks; close its cases.

    Its files are removed, and the index merged, after commit.
    """
    collection = document.collection_id
    with transaction.atomic():
        rows = Document.all_objects.filter(Q(pk=document.pk) | Q(replaces=document.pk))
        files = [Path(settings.MEDIA_ROOT) / name for name in rows.exclude(file="").values_list("file", flat=True)]
        rows.update(lease_token="")  # workers lose their leases and add no more pages
        review.close_cases_of_deleted([str(pk) for pk in rows.values_list("pk", flat=True)])
        rows.delete()
        transaction.on_commit(lambda: remove_files(files))
        transaction.on_commit(lambda: notify_merge(collection), robust=True)


def discard_waiting_version(document: Document) -> None:
    """Delete the version that waits to replace the document, or that failed to."""
    for row in Document.objects.filter(replaces=document):
        remove_document(row)


def remove_files(paths: list[Path]) -> None:
    """Remove the files; missing ones are ignored."""
    for path in paths:
        path.unlink(missing_ok=True)
