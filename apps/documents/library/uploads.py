"""Upload, cancel and retry documents. Each function is one transaction.

Each change raises PermissionDenied unless the user may edit the document or collection. `store_file` and
`requeue_document` check nothing: they serve the worker, syncs and other verbs. Nothing is parsed here: the worker is
notified after commit and ingests the document. Deletion and moving stand in `deletion.py` and `moving.py`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.documents.jobs.notifications import notify_ingest
from apps.documents.library.deletion import discard_waiting_version, remove_document, remove_files
from apps.documents.library.upload_handler import DiskFullPlaceholder
from apps.documents.models import Chunk, Collection, Document, Page
from apps.lib import disk_space
from apps.lib.db.permissions import require_row
from apps.lib.ids import new_id
from apps.reading.parsing.detection import refuse_by_extension
from apps.reading.parsing.protocol import ParseError
from apps.safety.detectors import malware
from apps.safety.models.feature_restrictions import Feature, restriction_message
from apps.users.models import User

if TYPE_CHECKING:
    from apps.users.models import AnyUser

NAME_CHARACTERS = 255
PATH_CHARACTERS = 500
KEEP_FREE_BYTES = 1024**3  # free space that uploads leave on the disk at least,
KEEP_FREE_SHARE = 0.05  # or this share of the disk if that is more,
KEEP_FREE_AT_MOST = 20 * 1024**3  # but no more than this because of the share
ENDED_STATUSES = [Document.Status.FAILED, Document.Status.CANCELLED, Document.Status.QUARANTINED]


class UploadRefused(Exception):
    """Error: the file was not stored. The message says why and what to do. `duplicate_of`: the document with
    this content, if there is one."""

    def __init__(self, reason: str, duplicate_of: Document | None = None) -> None:
        super().__init__(reason)
        self.duplicate_of = duplicate_of


class DiskFull(UploadRefused):
    """Error: the file was not stored because the server's disk has no room. No part of it is kept."""

    def __init__(self) -> None:
        super().__init__(
            gettext("The disk of this server is nearly full, so nothing can be uploaded now. Tell an administrator.")
        )


def store_upload(
    user: User,
    collection: Collection,
    file: UploadedFile[bytes],
    path: str = "",
    *,
    check: Callable[[], object] = lambda: None,
) -> Document:
    """Store a file as `store_file` does. Raises PermissionDenied unless the user may edit the collection."""
    require_row(Collection.all_objects.editable_by(user), collection.pk)
    return store_file(user, collection, file, path, check=check)


def store_file(
    user: User,
    collection: Collection,
    file: UploadedFile[bytes],
    path: str = "",
    *,
    check: Callable[[], object] = lambda: None,
) -> Document:
    """Store the file, create its waiting document and return it; the worker is notified after commit.

    Checks no right to the collection. `path` is the folder of the file, "" for none. A file with the name and path
    of a ready document becomes its next version, and a version that still waits is deleted. The file takes the place
    of documents with its name and path that failed or were cancelled. Raises UploadRefused if the user or the file is
    refused, DiskFull if the disk has no room. `check` is called while the collection is locked, and its error refuses
    the file.
    """
    name, path = clean_file_name(file.name or ""), clean_folder_path(path)
    _refuse_unread(user, file, name)
    stored = f"documents/{new_id().hex}"
    stored_path = Path(settings.MEDIA_ROOT) / stored
    sha256 = _hash_file(file)
    _refuse_known(collection, sha256)
    if words := malware.scan_file(file, user.pk):
        raise UploadRefused(words)
    try:
        size = _write_file(file, stored_path)
        with transaction.atomic():
            refuse_duplicate(collection, sha256)  # locks the collection
            check()
            document = Document.objects.create(
                collection=collection, uploaded_by=user, name=name, path=path, file=stored, sha256=sha256, size=size,
                replaces=_remove_unready(collection, name, path),
            )  # fmt: skip
            transaction.on_commit(lambda: notify_ingest(document.pk), robust=True)  # its failure must not fail uploads
    except BaseException as error:
        stored_path.unlink(missing_ok=True)
        if disk_space.is_disk_full_error(error):  # raised by the file system or by the database
            raise DiskFull from error
        raise
    return document


def _refuse_unread(user: User, file: UploadedFile[bytes], name: str) -> None:
    """Raise UploadRefused or DiskFull if that is known before the file is read."""
    if words := restriction_message(user, Feature.UPLOADS):
        raise UploadRefused(words)
    try:
        refuse_by_extension(name)
    except ParseError as error:
        raise UploadRefused(str(error)) from error
    if isinstance(file, DiskFullPlaceholder):
        raise DiskFull
    _refuse_size(file.size or 0)


def clean_file_name(name: str) -> str:
    """Return the last part of a path as a display name of at most 255 characters, the suffix kept.

    Characters that control, hide or reorder text become spaces. "Unnamed file" if nothing is left.
    """
    base = re.split(r"[/\\]", name)[-1]
    printable = "".join(
        " " if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Co"} else char for char in base
    )
    words = " ".join(printable.split()) if printable.strip(". ") else ""
    if len(words) > NAME_CHARACTERS:
        stem, dot, suffix = words.rpartition(".")
        words = (
            f"{stem[: NAME_CHARACTERS - len(suffix) - 2]}…{dot}{suffix}"
            if dot and len(suffix) <= 20
            else words[:NAME_CHARACTERS]
        )
    return words or "Unnamed file"


def clean_folder_path(path: str) -> str:
    """Return the folders of a path, as 'a/b', each cleaned as a name; "." and ".." are dropped.

    Longer than 500 characters, it loses its outermost folders.
    """
    folders: list[str] = []
    room = PATH_CHARACTERS
    for folder in reversed(re.split(r"[/\\]", path)):  # the innermost folders tell users most
        if folder.strip(". \0"):
            name = clean_file_name(folder)
            room -= len(name) + 1
            if room < 0:
                break
            folders.append(name)
    return "/".join(reversed(folders))


def cancel_ingestion(user: AnyUser, document: Document) -> None:
    """Cancel a document that is not ready yet. A worker that has it loses its lease and stops within a moment.

    Chunks and pages are deleted, except recognised pages, which took seconds each. No change in other states. Raises
    PermissionDenied.
    """
    require_row(Document.all_objects.editable_by(user), document.pk)
    with transaction.atomic():
        stopped = Document.objects.filter(pk=document.pk, status__in=Document.ACTIVE).update(
            status=Document.Status.CANCELLED,
            lease_token="",
            lease_until=None,
            stage="",
            done=0,
            total=0,
            reason="",
            changed=timezone.now(),
        )
        if stopped:
            Chunk.all_objects.filter(document=document.pk).delete()
            Page.objects.filter(document=document.pk, ocr_key="").delete()


def retry_ingestion(user: AnyUser, document: Document) -> None:
    """Queue a failed, cancelled or quarantined document again as `requeue_document` does. Raises PermissionDenied."""
    require_row(Document.all_objects.editable_by(user), document.pk)
    requeue_document(document)


def requeue_document(document: Document) -> None:
    """Queue a document that failed, was cancelled or was set aside, with its attempts reset. No change in other states.

    A web page is fetched again, because the error may have been mended at its source. The worker is notified after
    commit.
    """
    if document.url and document.file:
        dropped, anew = [Path(settings.MEDIA_ROOT) / str(document.file)], {"file": "", "sha256": "", "size": 0}
    else:
        dropped, anew = [], {}
    with transaction.atomic():
        again = Document.objects.filter(pk=document.pk, status__in=ENDED_STATUSES).update(
            status=Document.Status.QUEUED,
            attempts=0,
            reason="",
            pages_without_text=None,
            lease_token="",
            lease_until=None,
            changed=timezone.now(),
            **anew,
        )
        if again:
            transaction.on_commit(lambda: remove_files(dropped))
            transaction.on_commit(lambda: notify_ingest(document.pk), robust=True)


def _refuse_size(size: int) -> None:
    if size > settings.MAX_UPLOAD_BYTES:
        raise UploadRefused(_format_too_large())
    if not size:
        raise UploadRefused(gettext("This file is empty. Check that it was saved, and upload it again."))
    Path(settings.MEDIA_ROOT).mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(settings.MEDIA_ROOT)
    keep = max(KEEP_FREE_BYTES, min(KEEP_FREE_SHARE * usage.total, KEEP_FREE_AT_MOST))
    if usage.free - size < keep:
        raise DiskFull


def _remove_unready(collection: Collection, name: str, path: str) -> Document | None:
    """Delete the documents of this name and folder that failed or were cancelled, and a version that still waits.

    Return the ready document of which a file with this name and folder is a new version; None if there is none.
    """
    same = collection.documents.filter(name=name, path=path, url="", replaces__isnull=True)
    for ended in same.filter(status__in=ENDED_STATUSES):
        remove_document(ended)
    document = same.filter(status=Document.Status.READY).first()
    if document is not None:
        discard_waiting_version(document)
    return document


def _format_too_large() -> str:
    limit = settings.MAX_UPLOAD_BYTES // 1024**2
    return gettext("This file is larger than the limit of %(limit)s MB. Split it into smaller files.") % {
        "limit": limit
    }


def _hash_file(file: UploadedFile[bytes]) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _write_file(file: UploadedFile[bytes], path: Path) -> int:
    """Write the file durably, readable by the server alone, and return its size in bytes. Raises UploadRefused."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
        for part in file.chunks():
            size += len(part)
            if size > settings.MAX_UPLOAD_BYTES:
                raise UploadRefused(_format_too_large())
            output.write(part)
        output.flush()
        os.fsync(output.fileno())
    if not size:
        raise UploadRefused(gettext("This file is empty. Check that it was saved, and upload it again."))
    return size


def format_duplicate(same: Document) -> str:
    """Return a translated sentence that names the document which has this content already."""
    return gettext("Already in %(name)s as %(name2)s.") % {"name": same.collection, "name2": same.name}


def _refuse_known(collection: Collection, sha256: str) -> None:
    """Raise UploadRefused if the collection holds this content, before anything is written."""
    same = collection.documents.filter(sha256=sha256).exclude(status__in=ENDED_STATUSES).first()
    if same is not None:
        raise UploadRefused(format_duplicate(same), same)


def refuse_duplicate(collection: Collection, sha256: str) -> None:
    """Raise UploadRefused if the collection holds this content, in the transaction that creates the document.

    A document of this content that did not become ready is deleted instead.
    """
    Collection.all_objects.select_for_update().get(pk=collection.pk)  # serialises two simultaneous uploads of one file
    for same in collection.documents.filter(sha256=sha256):
        if same.status not in ENDED_STATUSES:
            raise UploadRefused(format_duplicate(same), same)
        remove_document(same)
