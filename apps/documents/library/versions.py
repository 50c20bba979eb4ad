"""Versions of documents: a new version waits in a row of its own, then is swapped with the document in one transaction.

The document keeps its row, title, place and links. Its earlier content moves to the row that waited, which stays as an
earlier version. Searches ignore that one; answers that cited it still show what they cited.

Entry points: `refetch_web_page` and `reread_document` create a waiting version, as `uploads.store_upload` does for a
file of the same name; `promote_version` swaps it in.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from apps.documents.jobs.notifications import notify_ingest, notify_merge
from apps.documents.library.deletion import discard_waiting_version, remove_document
from apps.documents.library.uploads import UploadRefused
from apps.documents.models import Chunk, Document, Page
from apps.lib.db.permissions import require_row
from apps.lib.ids import new_id
from apps.safety.models.feature_restrictions import Feature, restriction_message
from apps.users.models import User

MAX_EARLIER_VERSIONS = 10  # kept of one document
_PAGE_OFFSET = 1_000_000  # added to page numbers while two documents swap pages, so that none collide
_SWAPPED_FIELDS = (
    "name", "file", "sha256", "size", "kind", "language", "note", "pages_count", "fetched", "modified_ns", "version",
    "parser_version", "embedded_title", "chunking_version", "pages_without_text", "starters",
)  # fmt: skip

version_hooks: list[Callable[[UUID, UUID], object]] = []  # of apps above; called with (document, its earlier version)


def refetch_web_page(user: User, document: Document) -> Document:
    """Queue the web page to be fetched again and return the waiting row. Raises UploadRefused and PermissionDenied.

    If the page has not changed, only its day of fetching does.
    """
    require_row(Document.all_objects.editable_by(user), document.pk)
    if words := restriction_message(user, Feature.UPLOADS):
        raise UploadRefused(words)
    if not document.url:
        raise UploadRefused(gettext("This document was not fetched from the web."))
    with transaction.atomic():
        discard_waiting_version(document)
        waiting = Document.objects.create(
            collection=document.collection, uploaded_by=user, url=document.url, name=document.name, path=document.path,
            size=0, replaces=document,
        )  # fmt: skip
        transaction.on_commit(lambda: notify_ingest(waiting.pk), robust=True)
    return waiting


def reread_document(document: Document) -> bool:
    """Queue the stored file to be parsed again as the next version, for the worker.

    Return False if the file is gone or a version waits already. Checks no permission.

    Until then the document stays as it is, and answers that cited it go on to show what they cited.
    """
    old, stored = Path(settings.MEDIA_ROOT) / str(document.file), f"documents/{new_id().hex}"
    if Document.objects.filter(replaces=document).exists() or not _link_file(old, Path(settings.MEDIA_ROOT) / stored):
        return False
    with transaction.atomic():
        waiting = Document.objects.create(
            collection=document.collection, uploaded_by=document.uploaded_by, name=document.name, path=document.path,
            url=document.url, fetched=document.fetched, modified_ns=document.modified_ns, file=stored,
            sha256=document.sha256, size=document.size, replaces=document,
        )  # fmt: skip
        transaction.on_commit(lambda: notify_ingest(waiting.pk), robust=True)
    return True


def _link_file(old: Path, new: Path) -> bool:
    """Make the file available under a second name; return False if it is gone. Uses a hard link, or a copy on other
    disks."""
    try:
        os.utime(old)  # the new name has no row yet, and the worker removes old files without one
        os.link(old, new, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError:  # the file system has no hard links
        shutil.copyfile(old, new)
    return True


def promote_version(waiting: Document) -> None:
    """Swap the content of the waiting version with that of its document.

    Must run inside the transaction that publishes the waiting version. Passages that were switched off and a reviewer's
    withholding stay as they are. Deletes versions beyond MAX_EARLIER_VERSIONS; notifies a worker after commit.
    """
    new = Document.all_objects.get(pk=waiting.pk)
    old = Document.all_objects.select_for_update().get(versions=new)
    off = list(old.chunks.filter(enabled=False).values_list("text", flat=True))
    Chunk.all_objects.filter(document=old).delete()
    Chunk.objects.filter(document=new).update(document=old)
    Chunk.objects.filter(document=old, text__in=off).update(enabled=False)  # passages stay switched off
    Page.objects.filter(document=new).update(number=F("number") + _PAGE_OFFSET)
    Page.objects.filter(document=old).update(document=new)
    Page.objects.filter(document=new, number__gt=_PAGE_OFFSET).update(document=old, number=F("number") - _PAGE_OFFSET)
    old_values = {name: getattr(old, name) for name in _SWAPPED_FIELDS}
    new_values = {name: getattr(new, name) for name in _SWAPPED_FIELDS} | {"version": old.version + 1}
    now = timezone.now()
    Document.all_objects.filter(pk=old.pk).update(**new_values, title=old.title or new.title, changed=now)
    archived: dict[str, Any] = {**old_values, "title": old.title, "status": Document.Status.REPLACED, "changed": now}
    archived["withheld"] = old.withheld  # a reviewer's decision holds for both versions
    Document.all_objects.filter(pk=new.pk).update(**archived, sync_folder="")
    for hook in version_hooks:
        hook(old.pk, new.pk)
    for row in Document.all_objects.filter(replaces=old, status=Document.Status.REPLACED).order_by("-version")[
        MAX_EARLIER_VERSIONS:
    ]:
        remove_document(row)
    transaction.on_commit(lambda: notify_merge(old.collection_id), robust=True)
