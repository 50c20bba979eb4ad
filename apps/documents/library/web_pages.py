"""Web pages as documents: `queue_web_page` stores the address in a waiting row, `fetch_web_page` fetches it in the
worker.

The fetched content is stored and treated like an uploaded file: format detected by content, parsed in the sandbox,
screened by the gate. Address and day are kept, so that the page can be fetched again.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.documents.jobs.ingest_job import FaultKind, IngestError, IngestJob, LeaseLost
from apps.documents.jobs.notifications import notify_ingest
from apps.documents.library.deletion import remove_document
from apps.documents.library.uploads import ENDED_STATUSES, NAME_CHARACTERS, UploadRefused, clean_file_name
from apps.documents.library.web_fetcher import FetchedPage, fetch_url
from apps.documents.models import Collection, Document
from apps.lib.db.permissions import require_row
from apps.lib.ids import new_id
from apps.lib.text import message_templates
from apps.reading.parsing.formats import FORMATS, find_by_name
from apps.reading.sandbox.runner import detect_format
from apps.safety.detectors import malware
from apps.safety.gate.web_addresses import FetchRefused, WebAddress, parse_address
from apps.safety.models.feature_restrictions import Feature, restriction_message
from apps.users.models import User

# Pages of one collection that may wait to be fetched: more would keep the worker from other users' files.
MAX_WAITING_PAGES = 50
_CHARSETS = re.compile(
    r"utf-?8|utf-16(?:le|be)?|us-ascii|iso-8859-\d{1,2}|windows-\d{3,4}|shift_jis|euc-(?:jp|kr)|gb2312|gbk|gb18030|big5"
    r"|koi8-[ru]|macintosh"
)


def queue_web_page(user: User, collection: Collection, text: str) -> Document:
    """Create a waiting document for the web page at the address `text`; the worker is notified after commit.

    Raises UploadRefused if web pages are off, the user may not upload, the address is not allowed, the collection has
    it, or MAX_WAITING_PAGES wait already; PermissionDenied unless the user may edit the collection.
    """
    require_row(Collection.all_objects.editable_by(user), collection.pk)
    if not settings.WEB_PAGES:
        raise UploadRefused(gettext("Web pages cannot be added here. Save the page and upload the file."))
    if words := restriction_message(user, Feature.UPLOADS):
        raise UploadRefused(words)
    try:
        address = parse_address(text)
    except FetchRefused as error:
        raise UploadRefused(str(error)) from error
    with transaction.atomic():
        Collection.all_objects.select_for_update().get(pk=collection.pk)
        _refuse_known(collection, address)
        document = Document.objects.create(
            collection=collection,
            uploaded_by=user,
            url=address.text,
            size=0,
            name=address.without_query.partition("//")[2].rstrip("/")[:NAME_CHARACTERS],
        )
        transaction.on_commit(lambda: notify_ingest(document.pk), robust=True)
    return document


def fetch_web_page(job: IngestJob) -> None:
    """Fetch the page of a document that has an address but no file, and store it as its file; else do nothing.

    Raises IngestError if the page cannot be fetched, is malware, or is in the collection. Raises LeaseLost if the lease
    was lost, or if the page is unchanged, in which case the waiting version is deleted. Must not run inside a
    transaction.
    """
    document = job.document
    if document.file or not document.url:
        return
    job.report_progress(Document.Stage.FETCH)
    try:
        page = fetch_url(document.url)
    except FetchRefused as error:
        raise IngestError(str(error), FaultKind.USER_FIXABLE) from error
    content = _to_utf8(page)
    if words := malware.scan_file(io.BytesIO(content), document.uploaded_by_id):
        raise IngestError(words, FaultKind.USER_FIXABLE)
    sha256 = hashlib.sha256(content).hexdigest()
    if document.replaces_id is not None and _finish_unchanged(document, sha256):
        raise LeaseLost
    _refuse_same(document, sha256)
    stored = f"documents/{new_id().hex}"
    path = Path(settings.MEDIA_ROOT) / stored
    try:
        _write_file(path, content)
        changes = {"sha256": sha256, "size": len(content), "name": _choose_name(page, path), "fetched": timezone.now()}
        job.renew(file=stored, **changes)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    document.refresh_from_db(fields=["file", *changes])


def _refuse_known(collection: Collection, address: WebAddress) -> None:
    waiting = collection.documents.active().filter(file="").count()
    if waiting >= MAX_WAITING_PAGES:
        raise UploadRefused(
            gettext("%(waiting)s pages are already waiting. Add more when some of them are ready.")
            % {"waiting": waiting}
        )
    for same in collection.documents.filter(url=address.text):
        if same.status not in ENDED_STATUSES:
            raise UploadRefused(
                gettext("Already in %(name)s as %(same)s. Open it there to fetch it again.")
                % {"name": collection.name, "same": same}
            )
        remove_document(same)


def _finish_unchanged(waiting: Document, sha256: str) -> bool:
    """Return whether the fetched content is that of the current version. If so, update its day and delete the waiting
    row."""
    updated = Document.objects.filter(versions=waiting, sha256=sha256).update(fetched=timezone.now())
    if updated:
        remove_document(waiting)
    return bool(updated)


def _refuse_same(document: Document, sha256: str) -> None:
    same = document.collection.documents.filter(sha256=sha256, status=Document.Status.READY).exclude(pk=document.pk)
    if (found := same.first()) is not None:
        words = message_templates.PAGE_SAME % {"other": found, "collection": document.collection.name}
        raise IngestError(words, FaultKind.USER_FIXABLE)


def _to_utf8(page: FetchedPage) -> bytes:
    """Return the content; text whose charset the server sent is converted to UTF-8 with a byte order mark.

    The server's charset takes precedence over the one that the page declares.
    """
    marked = page.content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    texts = page.media_type.startswith("text/") or page.media_type.endswith(("xml", "json"))
    if marked or not texts or not _CHARSETS.fullmatch(page.charset):
        return page.content
    try:
        return codecs.BOM_UTF8 + page.content.decode(page.charset, errors="replace").encode("utf-8", "replace")
    except LookupError:
        return page.content


def _choose_name(page: FetchedPage, path: Path) -> str:
    """Return the last part of the URL with a suffix of the detected format; the host if the URL has no path."""
    address = urlsplit(page.address.text)
    last = clean_file_name(unquote(PurePosixPath(address.path).name)) if address.path.strip("/") else page.address.host
    kind, named = detect_format(path, "", memory_bytes=settings.PARSE_MEMORY_BYTES), find_by_name(last)
    if named is not None and (named.kind == kind or (kind == "text" and not named.binary)):
        return last
    return clean_file_name(f"{last}{FORMATS[kind].suffixes[0]}")


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
