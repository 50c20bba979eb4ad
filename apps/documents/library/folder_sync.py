"""Keep a collection the same as a folder of the server below SYNC_DIR, which the operator sets.

    preview_sync    compute the changes; nothing is written
    request_sync    have a worker apply the changes that the user has seen
    run_sync        apply them in the worker, under a lease

Each file is one transaction, and a repeated sync does only what is left, so that a killed worker loses and duplicates
nothing. Symbolic links are never followed, and nothing outside SYNC_DIR is opened. A listing that did not finish
changes nothing, because an unmounted share looks like an empty folder. For the same reason, many removals wait until
the user has confirmed their number (`needs_confirmation`).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.documents.jobs.notifications import notify_merge
from apps.documents.library.deletion import remove_document
from apps.documents.library.folder_diff import FolderDiff, FolderFile, KnownDocument, RenamedFile, compare_folder
from apps.documents.library.uploads import ENDED_STATUSES, UploadRefused, clean_file_name, clean_folder_path, store_file
from apps.documents.models import Chunk, Collection, Document, FolderSync, Segment
from apps.lib.celery.notify import notify_worker
from apps.lib.db import leases
from apps.lib.db.permissions import require_row
from apps.lib.text import message_templates
from apps.reading.parsing.detection import refuse_by_extension
from apps.reading.parsing.protocol import ParseError
from apps.users.models import User

TASK = "documents.sync_folder"
MOST_FILES = 20_000  # in one folder and its subfolders
LEASE_S = 120  # seconds; renewed after every document
MAX_CRASHES = 3  # workers that may die over one sync before it is given up
FEW_REMOVALS = 10  # removals without confirmation; in large collections, a fifth of the documents
SYNC_DIR_UNSET = "No server folder is set up for this. An administrator can set SYNC_DIR where Openbook is started."
FOLDER_MISSING = "This folder does not exist in SYNC_DIR."
SYNC_DIR_OVERLAPS = "SYNC_DIR and DATA_DIR must not contain each other: Openbook would read its own files."


class SyncRefused(Exception):
    """Error: the folder cannot be synced. The message is for an administrator."""


class RemovalsUnconfirmed(SyncRefused):
    """Error: the sync would remove more documents than FEW_REMOVALS allows, and no user has confirmed their number."""


def list_folders() -> list[str]:
    """Return the folders that may be chosen: "." for all of SYNC_DIR, then its visible subfolders, sorted. Raises
    SyncRefused."""
    root = _resolve_root()
    try:
        with os.scandir(root) as entries:
            inside = [one.name for one in entries if one.is_dir(follow_symlinks=False) and not one.name.startswith(".")]
    except OSError as error:
        raise _make_listing_error(error) from error
    return [".", *sorted(inside)]


def preview_sync(collection: Collection, folder: str) -> FolderDiff:
    """Return the changes that a sync of the folder would make. Raises SyncRefused.

    Files are read in whole if size and time do not tell whether they changed.
    """
    root, chosen = _resolve_root(), _resolve_folder(folder)
    rows = list(collection.documents.filter(sync_folder=folder))
    waiting = {row.replaces_id: row for row in rows if row.status in Document.ACTIVE}  # document -> next version
    documents = [_make_known_document(row, waiting.get(row.pk, row)) for row in rows if row.replaces_id is None]
    return compare_folder(
        _iter_files(root, chosen), documents, lambda file: _hash_file(root / file.relative_path), _explain_refusal
    )


def needs_confirmation(collection: Collection, diff: FolderDiff) -> bool:
    """Return whether the user has to confirm the number of removals.

    True for more than FEW_REMOVALS that are also more than a fifth of the collection's documents. True for any removal
    if the folder holds no file.
    """
    removed = len(diff.removed)
    documents = collection.documents.filter(replaces=None).count()
    return removed > max(FEW_REMOVALS, documents / 5) or bool(removed and not diff.file_count)


def check_removals(collection: Collection, diff: FolderDiff, confirmed: int) -> None:
    """Raise RemovalsUnconfirmed if the diff needs a confirmation and removes more than `confirmed` documents."""
    if len(diff.removed) > confirmed and needs_confirmation(collection, diff):
        raise RemovalsUnconfirmed(
            gettext(
                "%(removed)s of the collection's %(documents)s documents would be removed, and this number was not "
                "confirmed, so nothing was changed. Check that the folder exists and is complete (a share that is "
                "not mounted looks empty)."
            )
            % {"removed": len(diff.removed), "documents": collection.documents.filter(replaces=None).count()}
        )


def request_sync(user: User, collection: Collection, folder: str, digest: str, confirmed: int = 0) -> FolderSync | None:
    """Store the request and notify a worker after commit. Return None, without a change, if the diff is no longer
    `digest`.

    `confirmed` is the number of removals that the user has confirmed. Raises SyncRefused; PermissionDenied unless the
    user is an administrator who may edit the collection.
    """
    if not user.is_administrator:
        raise PermissionDenied
    require_row(Collection.all_objects.editable_by(user), collection.pk)
    diff = preview_sync(collection, folder)
    if diff.digest != digest:
        return None
    check_removals(collection, diff, confirmed)
    with transaction.atomic():
        row, _ = FolderSync.objects.update_or_create(
            collection=collection,
            defaults={
                "folder": folder, "requested_by": user, "pending": True, "done": 0, "total": diff.count, "problems": [],
                "confirmed": confirmed, "attempts": 0, "lease_token": "", "lease_until": None,
                "changed": timezone.now(),
            },
        )  # fmt: skip
        transaction.on_commit(lambda: notify_worker(TASK, row.pk), robust=True)
    return row


def run_sync(sync_id: int) -> None:
    """Apply a requested sync in a worker and store its problems, at most 100. Do nothing if it is not requested or
    leased."""
    open_rows = FolderSync.objects.filter(pending=True, attempts__lt=MAX_CRASHES)
    token = leases.claim(open_rows, sync_id, LEASE_S)
    row = FolderSync.objects.select_related("collection", "requested_by").filter(pk=sync_id, lease_token=token).first()
    if token is None or row is None:
        return
    problems: list[list[str]] = []
    try:
        for number, problem in enumerate(apply_sync(row.requested_by, row.collection, row.folder, row.confirmed), 1):
            problems += [list(problem)] if problem else []
            if not leases.renew(FolderSync.objects.all(), sync_id, token, LEASE_S, done=number):
                return
    except SyncRefused as error:
        problems = [[row.folder, str(error)]]
    leases.release(
        FolderSync.objects.all(), sync_id, token, pending=False, problems=problems[:100], changed=timezone.now()
    )


def apply_sync(
    user: User | None, collection: Collection, folder: str, confirmed: int = 0
) -> Iterator[tuple[str, str] | None]:
    """Apply the changes of `preview_sync` one document at a time; yield None, or (place, reason) of a file that was
    refused.

    Each document is one transaction. `user` owns the new documents; None: the owner of the collection. `confirmed` is
    the number of removals that the user has confirmed. Raises SyncRefused before anything is changed.
    """
    root, diff = _resolve_root(), preview_sync(collection, folder)
    check_removals(collection, diff, confirmed)
    for moved in diff.renamed:
        _rename_document(collection, folder, moved)
        yield None
    for known in diff.removed:  # before additions: a new file may have the place or content of a removed one
        for document in collection.documents.filter(pk=known.pk, sync_folder=folder):
            remove_document(document)
        yield None
    for file in [*diff.added, *diff.changed]:
        try:
            _store_file(user or collection.owner, collection, folder, root, file)
            yield None
        except (UploadRefused, OSError) as error:
            yield file.path, str(error) if isinstance(error, UploadRefused) else "The file cannot be opened."


def sweep() -> None:
    """Notify workers of at most 4 requested syncs. A periodic job; a sync that is under way ignores the message."""
    for pk in FolderSync.objects.filter(pending=True, attempts__lt=MAX_CRASHES).values_list("pk", flat=True)[:4]:
        notify_worker(TASK, pk)


def _store_file(user: User, collection: Collection, folder: str, root: Path, file: FolderFile) -> None:
    with _open_file(root, file.relative_path) as content, transaction.atomic():
        path, _, name = file.path.rpartition("/")
        row = store_file(user, collection, UploadedFile(content, name, size=file.size), path)
        same = collection.documents.filter(sync_folder=folder, path=row.path, name=row.name)
        for document in [row, *same]:
            Document.objects.filter(pk=document.pk).update(sync_folder=folder, modified_ns=file.modified_ns)


def _make_known_document(row: Document, holds: Document) -> KnownDocument:
    place = f"{row.path}/{row.name}" if row.path else row.name
    return KnownDocument(row.pk, place, holds.size, holds.sha256, row.modified_ns, row.status in ENDED_STATUSES)


@transaction.atomic
def _rename_document(collection: Collection, folder: str, renamed: RenamedFile) -> None:
    """Rename the document and its waiting version after its file."""
    path, _, name = renamed.file.path.rpartition("/")
    itself = collection.documents.filter(pk=renamed.document.pk, sync_folder=folder)
    rows = itself | collection.documents.filter(replaces=renamed.document.pk, sync_folder=folder)
    if rows.update(path=path, name=name, modified_ns=renamed.file.modified_ns, changed=timezone.now()):
        segments = Chunk.objects.filter(document=renamed.document.pk, document__title="").values("segment")
        if Segment.objects.filter(pk__in=segments).update(stale_since=timezone.now()):  # a name is searched if untitled
            transaction.on_commit(lambda: notify_merge(collection.pk), robust=True)


def _resolve_root() -> Path:
    if not settings.SYNC_DIR:
        raise SyncRefused(SYNC_DIR_UNSET)
    root, data = Path(settings.SYNC_DIR).resolve(), Path(settings.DATA_DIR).resolve()
    if not root.is_dir():
        raise SyncRefused(
            gettext("%(sync_dir)s (SYNC_DIR) is not a readable folder.") % {"sync_dir": settings.SYNC_DIR}
        )
    if root.is_relative_to(data) or data.is_relative_to(root):
        raise SyncRefused(SYNC_DIR_OVERLAPS)
    return root


def _resolve_folder(folder: str) -> Path:
    if folder not in list_folders():
        raise SyncRefused(FOLDER_MISSING)
    return _resolve_root() / folder


def _make_listing_error(error: OSError) -> SyncRefused:
    return SyncRefused(
        gettext("The folder could not be read completely, so nothing was changed: %(place)s: %(reason)s.")
        % {"place": error.filename or "?", "reason": error.strerror or str(error)}
    )


def _raise_listing_error(error: OSError) -> None:
    raise _make_listing_error(error) from error


def _iter_files(root: Path, chosen: Path) -> Iterator[FolderFile]:
    """Yield every visible file below `chosen`.

    Raises SyncRefused if a folder or file cannot be read or disappears meanwhile: files missing from half a listing may
    still exist.
    """
    count = 0
    for here, inner, names in os.walk(chosen, followlinks=False, onerror=_raise_listing_error):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in names:
            try:
                facts = (Path(here) / name).lstat()
            except OSError as error:
                raise _make_listing_error(error) from error
            if name.startswith(".") or not stat.S_ISREG(facts.st_mode):
                continue
            count += 1
            if count > MOST_FILES:
                raise SyncRefused(
                    gettext("This folder contains more than %(most_files)s files. Choose one of its subfolders.")
                    % {"most_files": f"{MOST_FILES:,}"}
                )
            inside = (Path(here) / name).relative_to(root)
            path = clean_folder_path("/".join(inside.parts[:-1]))
            place = f"{path}/{clean_file_name(name)}" if path else clean_file_name(name)
            yield FolderFile(place, str(inside), facts.st_size, facts.st_mtime_ns)


def _explain_refusal(file: FolderFile) -> str:
    try:
        refuse_by_extension(file.path.rpartition("/")[2])
    except ParseError as error:
        return str(error)
    if not file.size:
        return "This file is empty."
    if file.size > settings.MAX_UPLOAD_BYTES:
        return message_templates.FILE_LARGE % {"most": settings.MAX_UPLOAD_BYTES // 1024**2}
    return ""


def _open_file(root: Path, inside: str) -> Any:
    """Open the file where it was listed. Raises OSError if it, or a folder above it, was replaced by a link."""
    path = root / inside
    if path.parent.resolve() != path.parent:
        raise OSError("The path contains a symbolic link.")
    opened = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise OSError("This is not a file.")
    return opened


def _hash_file(path: Path) -> str:
    try:
        with _open_file(path.parent, path.name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
