"""Actions of a user on the selected files of a collection: download, move, delete and restore."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from apps.documents.library import trash
from apps.documents.library.moving import move_document
from apps.documents.library.uploads import UploadRefused
from apps.documents.models import Document
from apps.documents.moderation import document_redaction
from apps.documents.web.collection_context import CollectionContext, get_collection_context
from apps.documents.web.forms import MoveForm
from apps.documents.web.reader_views import find_stored_file, open_file, send_file
from apps.users.permissions import get_signed_in_user

MAX_ARCHIVE_BYTES = 500_000_000  # of the files in one download: the archive is written to the disk first
_MAX_FILES = 1000  # of one request; a page of the list has 50


@login_required
@require_POST
def change_files(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Apply the action `do` to the selected files (`id`); those that the user may not change are left out."""
    here = get_collection_context(request, pk, "files")
    pks: list[UUID] = []
    for value in request.POST.getlist("id")[:_MAX_FILES]:
        with suppress(ValueError):
            pks.append(UUID(value))
    action = _ACTIONS.get(request.POST.get("do", ""))
    if action and not (here.can_edit or action is _download):
        raise Http404
    return (action(request, here, pks) if action else None) or redirect("documents:collection", pk)


def make_undo_url(collection: UUID, at: datetime) -> str:
    """Return the URL to which a message posts to undo the deletion at that time."""
    return f"{reverse('documents:change_files', args=[collection])}?{urlencode({'at': at.isoformat()})}"


def _delete(request: HttpRequest, here: CollectionContext, pks: Sequence[UUID]) -> None:
    own = here.collection.documents.filter(pk__in=pks).values_list("pk", flat=True)
    at, count = trash.trash_documents(get_signed_in_user(request), list(own))
    if count:
        words = ngettext("%(n)s file deleted.", "%(n)s files deleted.", count) % {"n": count}
        messages.success(request, words, extra_tags=make_undo_url(here.collection.pk, at))


def _restore(request: HttpRequest, here: CollectionContext, pks: Sequence[UUID]) -> None:
    """Restore the selected files, or with `at` in the URL those deleted at that time."""
    at = parse_datetime(request.GET.get("at", "")) if "at" in request.GET else None
    if at is not None and at.tzinfo is None:
        at = None
    count, reasons = trash.restore_documents(get_signed_in_user(request), here.collection, pks, at)
    if count:
        messages.success(request, ngettext("%(n)s file restored.", "%(n)s files restored.", count) % {"n": count})
    for reason in reasons:
        messages.error(request, reason)
    if not (count or reasons):
        messages.error(request, gettext("It is too late to undo this."))


def _move(request: HttpRequest, here: CollectionContext, pks: Sequence[UUID]) -> None:
    user = get_signed_in_user(request)
    form = MoveForm(user, here.collection.pk, here.collection.name, request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return
    chosen = here.collection.documents.filter(pk__in=pks)
    movable = Document.objects.editable_by(user).movable().filter(pk__in=chosen)
    moved, reasons = 0, []
    if movable:
        target = form.get_target()
        for document in movable:
            try:
                with transaction.atomic():
                    move_document(user, document, target)
                moved += 1
            except UploadRefused as refusal:
                reasons.append(f"{document}: {refusal}")
        if moved:
            words = ngettext("%(n)s file moved to “%(name)s”.", "%(n)s files moved to “%(name)s”.", moved)
            messages.success(request, words % {"n": moved, "name": target})
    if left := chosen.count() - len(reasons):
        words = ngettext(
            "%(n)s file stays here: only files that are ready and not synced can be moved.",
            "%(n)s files stay here: only files that are ready and not synced can be moved.",
            left,
        )
        messages.warning(request, words % {"n": left})
    for reason in reasons:
        messages.error(request, reason)


def _download(request: HttpRequest, here: CollectionContext, pks: Sequence[UUID]) -> HttpResponseBase | None:
    """Send the selected files as one ZIP archive; files with redacted parts are left out and named."""
    rows = list(here.collection.documents.filter(pk__in=pks))
    redacted = [row for row in rows if document_redaction.is_redacted(row)]
    found = [(row, path) for row in rows if row not in redacted and (path := find_stored_file(row))]
    if len(rows) == 1 and found:
        return redirect("documents:file", rows[0].pk)
    if not found:
        messages.error(request, gettext("None of these files can be downloaded."))
        return None
    if sum(row.size for row, _ in found) > MAX_ARCHIVE_BYTES:
        words = gettext("Together these files have more than %(n)s MB. Select fewer.")
        messages.error(request, words % {"n": MAX_ARCHIVE_BYTES // 10**6})
        return None
    if redacted:  # shown on the next page, as a download has none
        words = gettext("Not downloaded, because a reviewer redacted a part: %(names)s.")
        messages.warning(request, words % {"names": ", ".join(map(str, redacted))})
    archive = _write_archive(found)
    opened = open_file(archive)
    archive.unlink()  # the open file stays until it is sent
    return send_file(request, opened, f"{here.collection.name}.zip")


def _write_archive(found: Sequence[tuple[Document, Path]]) -> Path:
    """Write the files into a temporary ZIP archive and return its path. Equal names get a number."""
    handle, name = tempfile.mkstemp(suffix=".zip", dir=settings.FILE_UPLOAD_TEMP_DIR)
    used: Counter[str] = Counter()
    with os.fdopen(handle, "wb") as opened, zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as archive:
        for row, path in found:
            inside = f"{row.path}/{row.name}" if row.path else row.name
            used[inside.casefold()] += 1
            number, whole = used[inside.casefold()], PurePosixPath(inside)
            archive.write(path, inside if number == 1 else f"{whole.with_suffix('')} ({number}){whole.suffix}")
    return Path(name)


_ACTIONS: dict[str, Callable[[HttpRequest, CollectionContext, Sequence[UUID]], HttpResponseBase | None]] = {
    "delete": _delete,
    "restore": _restore,
    "move": _move,
    "download": _download,
}
