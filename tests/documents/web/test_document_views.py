"""Pages that rename and move one document."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.documents.library.uploads import UploadRefused
from apps.documents.models import Collection, Document
from apps.documents.web import document_views
from apps.users.models import User
from tests.factories import make_client, make_collection


@pytest.fixture
def document(collection: Collection) -> Document:
    return Document.objects.create(
        collection=collection, name="leave.txt", sha256="1" * 64, size=1, status=Document.Status.READY, kind="text"
    )


def test_the_present_title_is_edited_and_confirmed(alice_client: Client, document: Document) -> None:
    path = f"/documents/{document.pk}/rename/"
    assert 'value="leave.txt"' in alice_client.get(path).content.decode()
    assert "Renamed to “Leave”." in alice_client.post(path, {"title": "Leave"}, follow=True).content.decode()
    assert 'value="Leave"' in alice_client.get(path).content.decode()


def test_the_name_of_the_file_saved_unchanged_is_no_title(alice_client: Client, document: Document) -> None:
    alice_client.post(f"/documents/{document.pk}/rename/", {"title": "leave.txt"})
    document.refresh_from_db()
    assert document.title == ""


def test_a_document_moves_to_another_collection(alice_client: Client, alice: User, document: Document) -> None:
    other, path = make_collection(alice, "Staff"), f"/documents/{document.pk}/move/"
    assert path in alice_client.get(f"/documents/{document.pk}/").content.decode()
    page = alice_client.get(path).content.decode()
    assert f'<option value="{other.pk}" selected>Staff</option>' in page and str(document.collection_id) not in page
    moved = alice_client.post(path, {"collection": other.pk})
    document.refresh_from_db()
    assert document.collection == other and moved["Location"] == f"/documents/{document.pk}/"
    assert "Moved to “Staff”." in alice_client.get(f"/collections/{other.pk}/").content.decode()


def test_a_move_that_is_refused_says_why_and_makes_no_collection(
    alice_client: Client, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UploadRefused("Already there.")

    monkeypatch.setattr(document_views, "move_document", refuse)
    answer = alice_client.post(f"/documents/{document.pk}/move/", {"collection": "new", "name": "Staff"})
    assert answer.status_code == 400 and "Already there." in answer.content.decode()
    assert not Collection.objects.filter(name="Staff").exists()


@pytest.mark.parametrize("fields", [{"status": "failed"}, {"sync_folder": "letters"}])
def test_failed_or_synced_document_cannot_be_moved(
    alice_client: Client, document: Document, fields: dict[str, str]
) -> None:
    Document.objects.filter(pk=document.pk).update(**fields)
    assert alice_client.get(f"/documents/{document.pk}/move/").status_code == 404
    page = alice_client.get(f"/documents/{document.pk}/").content.decode()
    assert f"/documents/{document.pk}/move/" not in page


def test_a_foreign_collection_is_no_target(alice_client: Client, bob: User, document: Document) -> None:
    foreign = make_collection(bob, "Foreign")
    assert alice_client.post(f"/documents/{document.pk}/move/", {"collection": foreign.pk}).status_code == 400
    document.refresh_from_db()
    assert document.collection != foreign and make_client(bob).get(f"/documents/{document.pk}/").status_code == 404
