"""A new version of a document waits beside it and takes its place in one moment, or never.

The document keeps its row, its title, its place and its links. What it held until then moves to the row that waited,
which stays as an earlier version: it is searched no more, and answers that cited it still show what they cited.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from apps.documents.jobs.notifications import notify_ingest, notify_merge
from apps.documents.library.uploads import UploadRefused, delete_document, discard_waiting_version, store_upload
from apps.documents.models import Chunk, Document, Page
from apps.lib.ids import new_id
from apps.safety.models.feature_restrictions import Feature, restriction_message
from apps.users.models import User

MAX_EARLIER_VERSIONS = 10  # earlier versions of one document
_ASIDE = 1_000_000  # added to page numbers while two documents change theirs
_HELD = (
    "name", "file", "sha256", "size", "kind", "language", "note", "pages_count", "fetched", "modified", "version",
    "read_by", "own_title", "cut_by", "unread",
)  # fmt: skip

version_hooks: list[Callable[[UUID, UUID], object]] = []  # apps above: (document, the row that now holds what it held)


def upload_version(user: User, document: Document, file: UploadedFile[bytes]) -> Document:
    """The content of the file waits as the next version. Raises UploadRefused."""
    return store_upload(user, document.collection, file, document.path, document)


def refetch_web_page(user: User, document: Document) -> Document:
    """The web page waits to be fetched again; where it has not changed, nothing but the day of it does. Raises
    UploadRefused."""
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
    """The same file waits to be read once more, as the next version: until then the document stays as it is, and
    answers that cited it go on to show what they cited. False where its file is gone, or a version waits already."""
    old, stored = Path(settings.MEDIA_ROOT) / str(document.file), f"documents/{new_id().hex}"
    if Document.objects.filter(replaces=document).exists() or not _held_twice(old, Path(settings.MEDIA_ROOT) / stored):
        return False
    with transaction.atomic():
        waiting = Document.objects.create(
            collection=document.collection, uploaded_by=document.uploaded_by, name=document.name, path=document.path,
            url=document.url, fetched=document.fetched, modified=document.modified, file=stored,
            sha256=document.sha256, size=document.size, replaces=document,
        )  # fmt: skip
        transaction.on_commit(lambda: notify_ingest(waiting.pk), robust=True)
    return True


def _held_twice(old: Path, new: Path) -> bool:
    """Whether the file is there under the other name too, at no price where the disk has links."""
    try:
        os.utime(old)  # the sweep takes an old file without a row, and the other name has none yet
        os.link(old, new, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError:  # a disk without links
        shutil.copyfile(old, new)
    return True


def promote_version(waiting: Document) -> None:
    """The document holds what waited, and the row that waited what the document held. In the publishing transaction."""
    new = Document.every.get(pk=waiting.pk)
    old = Document.every.select_for_update().get(versions=new)
    off = list(old.chunks.filter(enabled=False).values_list("text", flat=True))
    Chunk.every.filter(document=old).delete()
    Chunk.objects.filter(document=new).update(document=old)
    Chunk.objects.filter(document=old, text__in=off).update(enabled=False)  # what a person switched off stays so
    Page.objects.filter(document=new).update(number=F("number") + _ASIDE)
    Page.objects.filter(document=old).update(document=new)
    Page.objects.filter(document=new, number__gt=_ASIDE).update(document=old, number=F("number") - _ASIDE)
    held = {name: getattr(old, name) for name in _HELD}
    takes = {name: getattr(new, name) for name in _HELD} | {"version": old.version + 1}
    now = timezone.now()
    Document.every.filter(pk=old.pk).update(**takes, title=old.title or new.title, changed=now)
    archived: dict[str, Any] = {**held, "title": old.title, "status": Document.Status.REPLACED, "changed": now}
    archived["withheld"] = old.withheld  # what a reviewer withheld stays so, in this version and in that one
    Document.every.filter(pk=new.pk).update(**archived, synced="")
    for told in version_hooks:
        told(old.pk, new.pk)
    for row in Document.every.filter(replaces=old, status=Document.Status.REPLACED).order_by("-version")[
        MAX_EARLIER_VERSIONS:
    ]:
        delete_document(row)
    transaction.on_commit(lambda: notify_merge(old.collection_id), robust=True)
