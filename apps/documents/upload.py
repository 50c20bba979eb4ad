"""The verbs that a person has over a document: upload, cancel, retry, delete. Each is one transaction.

The request returns at once; the worker does the work. Whoever calls fetched the rows through `editable_by(user)`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import unicodedata
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from apps.documents.bell import ask_for_merge, ring
from apps.documents.models import Chunk, Collection, Document, Page
from apps.documents.parsers.base import Unreadable
from apps.documents.sniff import refuse_by_name
from apps.lib.ids import new_id
from apps.users.models import User

NAME_CHARACTERS = 255
KEEP_FREE_BYTES = 1024**3  # uploads stop before the disk has less than this ...
KEEP_FREE_SHARE = 0.05  # ... or this share, of which a large disk need not keep more than
KEEP_FREE_AT_MOST = 20 * 1024**3
_ENDED = [Document.Status.FAILED, Document.Status.CANCELLED, Document.Status.QUARANTINED]


class UploadRefused(Exception):
    """The file was not taken; the message says why and what to do."""


def upload(user: User, collection: Collection, file: UploadedFile[bytes]) -> Document:
    """The file is stored, its row waits, and the worker's bell rings once that is committed."""
    name = display_name(file.name or "")
    try:
        refuse_by_name(name)
    except Unreadable as error:
        raise UploadRefused(str(error)) from error
    _refuse_size(file.size or 0)
    stored = f"documents/{new_id().hex}"
    path = Path(settings.MEDIA_ROOT) / stored
    try:
        sha256, size = _store(file, path)
        with transaction.atomic():
            _refuse_duplicate(collection, sha256)
            document = Document.objects.create(
                collection=collection, uploaded_by=user, name=name, file=stored, sha256=sha256, size=size
            )
            transaction.on_commit(lambda: ring(document.pk), robust=True)  # a bell that breaks takes no upload away
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return document


def display_name(name: str) -> str:
    """The last part of a file's name, fit to be shown: nothing that controls, hides or reorders text."""
    base = re.split(r"[/\\]", name)[-1]
    kept = "".join(" " if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Co"} else char for char in base)
    words = " ".join(kept.split()).strip(". ") if kept.strip(". ") == "" else " ".join(kept.split())
    if len(words) > NAME_CHARACTERS:
        stem, dot, suffix = words.rpartition(".")
        words = (
            f"{stem[: NAME_CHARACTERS - len(suffix) - 2]}…{dot}{suffix}"
            if dot and len(suffix) <= 20
            else words[:NAME_CHARACTERS]
        )
    return words or "Unnamed file"


def cancel(document: Document) -> None:
    """Nothing more is done for a document that was not ready yet; a worker that is at it stops within a moment."""
    with transaction.atomic():
        stopped = Document.objects.filter(pk=document.pk, status__in=Document.ACTIVE).update(
            status=Document.Status.CANCELLED, lease_token="", lease_until=None, stage="", done=0, total=0, reason="",
            changed=timezone.now(),
        )  # fmt: skip
        if stopped:
            Chunk.objects.filter(document=document.pk).delete()
            Page.objects.filter(document=document.pk).delete()


def retry(document: Document) -> None:
    """A document that failed, was cancelled or was set aside waits again, with all its attempts."""
    with transaction.atomic():
        again = Document.objects.filter(pk=document.pk, status__in=_ENDED).update(
            status=Document.Status.QUEUED,
            attempts=0,
            reason="",
            lease_token="",
            lease_until=None,
            changed=timezone.now(),
        )
        if again:
            transaction.on_commit(lambda: ring(document.pk), robust=True)


def delete(document: Document) -> None:
    """The document, its pages and passages are gone at once; its file and its place in the index follow."""
    path, collection = Path(settings.MEDIA_ROOT) / str(document.file), document.collection_id
    with transaction.atomic():
        Document.objects.filter(pk=document.pk).update(lease_token="")  # from here on no worker adds pages to it
        Document.objects.filter(pk=document.pk).delete()
        transaction.on_commit(lambda: path.unlink(missing_ok=True))
        transaction.on_commit(lambda: ask_for_merge(collection), robust=True)


def _refuse_size(size: int) -> None:
    if size > settings.MAX_UPLOAD_BYTES:
        raise UploadRefused(_too_big())
    if not size:
        raise UploadRefused("This file is empty. Check that it was saved, and upload it again.")
    Path(settings.MEDIA_ROOT).mkdir(parents=True, exist_ok=True)
    disk = shutil.disk_usage(settings.MEDIA_ROOT)
    keep = max(KEEP_FREE_BYTES, min(KEEP_FREE_SHARE * disk.total, KEEP_FREE_AT_MOST))
    if disk.free - size < keep:
        raise UploadRefused(
            "The disk of this server is nearly full, so nothing can be uploaded now. Please tell an administrator."
        )


def _too_big() -> str:
    limit = settings.MAX_UPLOAD_BYTES // 1024**2
    return f"This file is larger than {limit} MB, the most that is accepted. Split it into smaller files."


def _store(file: UploadedFile[bytes], path: Path) -> tuple[str, int]:
    """The content is on disk under a name that tells nothing; returns its SHA-256 and size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        for part in file.chunks():
            size += len(part)
            if size > settings.MAX_UPLOAD_BYTES:
                raise UploadRefused(_too_big())
            digest.update(part)
            out.write(part)
        out.flush()
        os.fsync(out.fileno())
    if not size:
        raise UploadRefused("This file is empty. Check that it was saved, and upload it again.")
    return digest.hexdigest(), size


def _refuse_duplicate(collection: Collection, sha256: str) -> None:
    """Only one document of this content is in the collection; one that did not become ready makes room."""
    Collection.objects.select_for_update().get(pk=collection.pk)  # two uploads of one file at once: one after the other
    for same in collection.documents.filter(sha256=sha256):
        if same.status not in _ENDED:
            raise UploadRefused(f"Already in {collection.name} as {same.name}.")
        delete(same)
