"""Files attached to a chat: documents of a collection that no list shows and that only questions of the chat search.

Entry points: `attach_file`, `get_files`, `get_draft`, `move_to_collection`. Upload, indexing, search and deletion are
those of documents. A chat that was not begun yet has a draft: a collection without a conversation.
`delete_forgotten_drafts` is a periodic job.
"""

from __future__ import annotations

from collections.abc import Collection as Several
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from apps.conversations.errors import RequestRefused
from apps.conversations.models import Conversation
from apps.conversations.models.attachment import DRAFT_LIFETIME
from apps.documents.jobs import scheduler
from apps.documents.library.moving import move_document
from apps.documents.library.sharing import remove_collection
from apps.documents.library.uploads import UploadRefused, store_upload
from apps.documents.models import Collection, Document
from apps.documents.models.collection import CollectionQuerySet
from apps.documents.web.file_list import FileRow
from apps.lib.db.permissions import require_row
from apps.users.models import User

MAX_FILES = 20  # of one chat
_GONE = gettext_noop("This chat is no longer available. Start a new one, and attach the file there.")
MAX_DRAFTS = 20  # chats of one user that have files and no question yet
_SWEPT = 20  # drafts that one run of the periodic job deletes


def visible_files(user: User) -> CollectionQuerySet:
    """Return the files of the user's chats: drafts, and those of conversations that are not deleted."""
    not_deleted = Q(conversation=None) | Q(conversation__deleted=None)
    return Collection.all_objects.visible_to(user).filter(not_deleted, of_chat=True)


def get_files(user: User, pk: UUID | None) -> Collection | None:
    """Return the files of a chat of the user; None if there are none with this id."""
    return visible_files(user).filter(pk=pk).first() if pk else None


def get_draft(user: User, pk: UUID | None) -> Collection | None:
    """Return the files that a new chat begins with; None for None. Raise RequestRefused if they are of another chat."""
    if pk is None:
        return None
    found = visible_files(user).filter(pk=pk, conversation=None).first()
    if found is None:
        raise RequestRefused(gettext("The attached files are no longer available here. Attach them again."))
    return found


def attach_file(
    user: User, file: UploadedFile[Any], conversation: UUID | None = None, files: UUID | None = None
) -> Collection:
    """Store the file for a chat of the user, and return the files of the chat; a worker reads it after commit.

    The chat is `conversation`, else the one of the draft `files`, else a new one. Raise UploadRefused as uploads to
    collections do, and if the chat is gone or has MAX_FILES files.
    """
    target, new = _open_files(user, conversation, files)
    try:
        _refuse_excess(target)  # before the file is written
        store_upload(user, target, file, check=lambda: _refuse_excess(target))
    except (Collection.DoesNotExist, IntegrityError) as error:  # the draft was deleted meanwhile, as the oldest of many
        raise UploadRefused(gettext(_GONE)) from error
    except BaseException:
        if new:  # and no other upload has used it meanwhile
            Collection.all_objects.filter(pk=target.pk, documents=None).delete()
        raise
    return target


def _refuse_excess(files: Collection) -> None:
    """Raise UploadRefused if the chat has MAX_FILES files."""
    if Document.objects.filter(collection=files).count() >= MAX_FILES:
        words = gettext("A chat can have %(most)s files. Remove one, or add the files to a collection.")
        raise UploadRefused(words % {"most": MAX_FILES})


def is_asked_about(files: Collection) -> bool:
    """Return whether the files are of a conversation, and no draft."""
    return Conversation.objects.filter(files=files).exists()


def build_chip_context(files: Collection | None) -> dict[str, Any]:
    """Return the template context of the list in the composer.

    Its keys are `files`, `file_rows`, and `reading`: whether one is not ready yet. Files that failed come first: the
    composer shows three rows of them, and the reason must be seen.
    """
    found = Document.objects.filter(collection=files).order_by("created") if files else ()
    rows = sorted(map(FileRow, found), key=lambda row: not (row.ended_early or row.document.withheld))
    return {"files": files, "file_rows": rows, "reading": any(row.active for row in rows)}


def has_searchable_files(files: UUID) -> bool:
    """Return whether a document of these files is ready, or will be."""
    status = Document.Status
    return Document.objects.filter(collection=files, status__in=[status.READY, *Document.ACTIVE]).exists()


def describe_reading(files: UUID) -> str:
    """Return what is being read of these files, such as "Reading lease.pdf: 12 of 40 pages"; "" if all have been read.

    Names the file that is read now, else the next one, and counts the others. For `in_db`.
    """
    unread = list(Document.objects.active().filter(collection=files).order_by("created"))
    if not unread:
        return ""
    ahead = scheduler.count_files_ahead(unread)  # without files that are read now
    document = min(unread, key=lambda one: (one.status != Document.Status.WORKING, ahead.get(one.pk, 0)))
    row, name = FileRow(document, ahead=ahead.get(document.pk, 0)), document.name
    if document.status == Document.Status.QUEUED:
        words = f"{name}: {row.status_text}"
    elif row.progress:
        words = gettext("Reading %(name)s: %(progress)s") % {"name": name, "progress": row.progress}
    else:
        words = gettext("Reading %(name)s") % {"name": name}
    if others := len(unread) - 1:
        more = ngettext("%(n)s more file", "%(n)s more files", others) % {"n": others}
        return f"{words} · {more}"
    return words


def list_readable_collections(user: User) -> tuple[UUID, ...]:
    """Return the ids of all collections that the user may read."""
    return tuple(Collection.objects.visible_to(user).order_by().values_list("pk", flat=True))


def move_to_collection(user: User, document: Document, target: Collection) -> None:
    """Move a file of a chat to a collection, which the chat searches from then on.

    Raise PermissionDenied if one of the two is not the user's to change, and UploadRefused as `move_document` does.
    """
    require_row(visible_files(user), document.collection_id)
    require_row(Collection.objects.editable_by(user), target.pk)
    with transaction.atomic():
        own = Conversation.objects.owned_by(user).filter(files=document.collection_id, chosen_collection_count__gt=0)
        chat = own.exclude(collections=target).first()
        move_document(user, document, target)
        if chat is not None:
            chat.collections.add(target)
            Conversation.objects.filter(pk=chat.pk).update(chosen_collection_count=F("chosen_collection_count") + 1)


def list_attached(conversations: Several[UUID]) -> list[Collection]:
    """Return the files of these conversations."""
    return list(Collection.all_objects.filter(conversation__in=conversations))


def delete_forgotten_drafts() -> int:
    """Delete files that were attached to a new chat whose first question never came, after DRAFT_LIFETIME.

    Return the number of chats.
    """
    over = timezone.now() - DRAFT_LIFETIME
    drafts = Collection.all_objects.filter(of_chat=True, conversation=None, created__lt=over)
    gone = list(drafts.exclude(documents__created__gte=over)[:_SWEPT])
    for row in gone:
        remove_collection(row)
    return len(gone)


def _open_files(user: User, conversation: UUID | None, files: UUID | None) -> tuple[Collection, bool]:
    """Return the files of the chat, and whether they are a draft that was created now. Raise UploadRefused."""
    if conversation is None:
        draft = visible_files(user).filter(pk=files, conversation=None).first() if files else None
        if draft is not None:
            return draft, False
        _limit_drafts(user)
        return Collection.all_objects.create(owner=user, of_chat=True), True
    with transaction.atomic():
        rows = Conversation.objects.visible_to(user).select_for_update(of=("self",))
        if (chat := rows.filter(pk=conversation).first()) is None:
            raise UploadRefused(gettext(_GONE))
        if chat.files is not None:
            return chat.files, False
        made = Collection.all_objects.create(owner=user, of_chat=True)
        Conversation.objects.filter(pk=chat.pk).update(files=made)
    return made, False


def _limit_drafts(user: User) -> None:
    """Delete the oldest drafts, so that the user has fewer than MAX_DRAFTS."""
    drafts = Collection.all_objects.filter(owner=user, of_chat=True, conversation=None).order_by("-created")
    for row in drafts[MAX_DRAFTS - 1 :]:
        remove_collection(row)
