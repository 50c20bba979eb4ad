"""Each verb that changes a collection or a document refuses a user who may not, whoever calls it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings as Settings
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.documents.library import deletion, folder_sync, moving, passage_edits, sharing, uploads, versions, web_pages
from apps.documents.models import (
    Chunk,
    Collection,
    Document,
    FolderSync,
    GroupShare,
    Membership,
    PendingMembership,
    Role,
)
from apps.users.models import User
from tests.factories import make_collection, make_document, make_user

pytestmark = pytest.mark.django_db
PAGE = "https://example.org/hive"


class Rows:
    """What one administrator has: two collections, a ready document, a failed one, and a web page."""

    def __init__(self) -> None:
        self.owner, self.group = make_user("ada", "administrator"), Group.objects.create(name="Keepers")
        self.collection = make_collection(self.owner)
        self.target = make_collection(self.owner, "Other")
        self.document = make_document(self.collection, "Bees", ["A hive has one queen."])
        self.chunk = Chunk.objects.get(document=self.document)
        self.failed = self._waiting("failed", Document.Status.FAILED)
        self.queued = self._waiting("queued", Document.Status.QUEUED)
        self.page = make_document(self.collection, "Hive", ["A page about hives."])
        Document.objects.filter(pk=self.page.pk).update(url=PAGE)
        self.page.refresh_from_db()
        sharing.share_with_group(self.owner, self.collection, self.group, Role.READER)

    def _waiting(self, name: str, status: Document.Status) -> Document:
        return Document.objects.create(
            collection=self.collection, uploaded_by=self.owner, name=name, file=f"documents/{name}", sha256=name,
            size=1, status=status,
        )  # fmt: skip


def upload() -> SimpleUploadedFile:
    return SimpleUploadedFile("new.txt", b"Some words.")


EDITS: dict[str, Callable[[User, Rows], object]] = {
    "store_upload": lambda user, rows: uploads.store_upload(user, rows.collection, upload()),
    "refetch_web_page": lambda user, rows: versions.refetch_web_page(user, rows.page),
    "queue_web_page": lambda user, rows: web_pages.queue_web_page(user, rows.collection, f"{PAGE}/2"),
    "cancel_ingestion": lambda user, rows: uploads.cancel_ingestion(user, rows.queued),
    "retry_ingestion": lambda user, rows: uploads.retry_ingestion(user, rows.failed),
    "delete_document": lambda user, rows: deletion.delete_document(user, rows.document),
    "set_title": lambda user, rows: passage_edits.set_title(user, rows.document, "Wasps"),
    "set_enabled": lambda user, rows: passage_edits.set_enabled(user, rows.chunk, enabled=False),
    "set_keywords": lambda user, rows: passage_edits.set_keywords(user, rows.chunk, "honey"),
}
OWNERS_ONLY: dict[str, Callable[[User, Rows], object]] = {
    "move_document": lambda user, rows: moving.move_document(user, rows.document, rows.target),  # not their target
    "share_with_address": lambda user, rows: sharing.share_with_address(
        user, rows.collection, "c@example.org", Role.READER
    ),
    "revoke_address": lambda user, rows: sharing.revoke_address(user, rows.collection, "bob@example.org"),
    "share_with_group": lambda user, rows: sharing.share_with_group(user, rows.collection, rows.group, Role.EDITOR),
    "revoke_group": lambda user, rows: sharing.revoke_group(user, rows.collection, rows.group.pk),
    "set_public_access": lambda user, rows: sharing.set_public_access(user, rows.collection, enabled=True),
    "delete_collection": lambda user, rows: sharing.delete_collection(user, rows.collection),
}


def state(rows: Rows) -> tuple[object, ...]:
    """Return everything that the verbs change."""
    documents = Document.all_objects.order_by("pk").values_list("pk", "collection", "title", "status", "attempts")
    chunks = Chunk.all_objects.order_by("pk").values_list("pk", "enabled", "keywords")
    collections = Collection.all_objects.order_by("pk").values_list("pk", "everyone")
    shares = GroupShare.objects.values_list("role"), Membership.objects.values_list("user", "role")
    pending = PendingMembership.objects.values_list("email")
    return tuple(list(found) for found in (documents, chunks, collections, *shares, pending))


@pytest.mark.parametrize("verb", {**EDITS, **OWNERS_ONLY})
def test_a_stranger_and_a_reader_are_refused_and_the_owner_is_not(verb: str, settings: Settings) -> None:
    settings.WEB_PAGES = True
    rows, stranger, reader = Rows(), make_user("eve"), make_user("bob")
    Membership.objects.create(collection=rows.collection, user=reader, role=Role.READER)
    before = state(rows)
    for user in (stranger, reader):
        with pytest.raises(PermissionDenied):
            {**EDITS, **OWNERS_ONLY}[verb](user, rows)
    assert state(rows) == before
    {**EDITS, **OWNERS_ONLY}[verb](rows.owner, rows)
    assert state(rows) != before


@pytest.mark.parametrize("verb", OWNERS_ONLY)
def test_an_editor_neither_shares_nor_deletes_nor_moves_out(verb: str) -> None:
    rows, editor = Rows(), make_user("bob")
    Membership.objects.create(collection=rows.collection, user=editor, role=Role.EDITOR)
    before = state(rows)
    with pytest.raises(PermissionDenied):
        OWNERS_ONLY[verb](editor, rows)
    assert state(rows) == before


def test_folder_sync_is_requested_only_by_an_administrator_who_may_edit() -> None:
    rows, editor, other = Rows(), make_user("bob"), make_user("carl", "administrator")
    Membership.objects.create(collection=rows.collection, user=editor, role=Role.EDITOR)
    for user in (editor, other):
        with pytest.raises(PermissionDenied):
            folder_sync.request_sync(user, rows.collection, ".", "")
    assert not FolderSync.objects.exists()
