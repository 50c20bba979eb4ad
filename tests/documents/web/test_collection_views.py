"""Collections: made, renamed, deleted, and seen only by those who may."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from apps.documents.models import Collection, Document, Membership, Role
from apps.reading.parsing.formats import ACCEPTED_DESCRIPTION
from apps.users.models import User
from tests.factories import make_client, make_collection, make_document, upload_file

MARKUP = "<img src=x onerror=alert(1)>{{7*7}}"


def test_collections_page_explains_itself_without_collections(alice: User) -> None:
    page = make_client(alice).get("/collections/").content.decode()
    assert "No collections yet" in page
    assert ACCEPTED_DESCRIPTION in page


def test_a_collection_is_made_and_opened(alice: User) -> None:
    response = make_client(alice).post("/collections/", {"name": "HR", "description": "Rules"}, follow=True)
    made = Collection.objects.get()
    assert (made.owner, made.name, made.everyone) == (alice, "HR", False)
    assert response.redirect_chain == [(f"/collections/{made.pk}/", 302)]


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "nul\0byte"])
def test_a_bad_name_is_told_and_makes_nothing(alice: User, name: str) -> None:
    response = make_client(alice).post("/collections/", {"name": name})
    assert response.status_code == 400
    assert "errorlist" in response.content.decode()
    assert not Collection.objects.exists()


def test_collection_form_ignores_fields_that_it_does_not_have(alice: User, bob: User) -> None:
    make_client(alice).post("/collections/", {"name": "HR", "owner": bob.pk, "everyone": "true", "id": "1"})
    made = Collection.objects.get()
    assert (made.owner, made.everyone) == (alice, False)


def test_the_list_shows_what_a_person_may_read(alice: User, bob: User, charlie: User) -> None:
    shared, public, own = (
        make_collection(alice, "Shared"),
        make_collection(alice, "Public"),
        make_collection(bob, "Own"),
    )
    Membership.objects.create(collection=shared, user=bob)
    Collection.objects.filter(pk=public.pk).update(everyone=True)
    page = make_client(bob).get("/collections/").content.decode()
    assert all(name in page for name in ("Shared", "Public", "Own"))
    strangers = make_client(charlie).get("/collections/").content.decode()
    assert "Public" in strangers
    assert str(shared.pk) not in strangers and str(own.pk) not in strangers


def test_names_are_shown_as_text(alice: User) -> None:
    collection = make_collection(alice, MARKUP)
    Collection.objects.update(description=MARKUP)
    for address in ("/collections/", f"/collections/{collection.pk}/", f"/collections/{collection.pk}/people/"):
        page = make_client(alice).get(address).content.decode()
        assert "<img src=x" not in page
        assert "{{7*7}}" in page


def test_the_list_asks_the_same_few_questions_for_one_collection_and_for_many(
    alice: User, django_assert_max_num_queries
) -> None:
    for number in range(12):
        make_document(make_collection(alice, f"Shelf {number}"), "Paper", ["Words."])
    client = make_client(alice)
    with django_assert_max_num_queries(9):  # of them the unread notices, the folders, the groups of shares
        page = client.get("/collections/").content.decode()
    assert page.count("1 document") == 12


def test_the_owner_renames(alice: User) -> None:
    collection = make_collection(alice)
    make_client(alice).post(f"/collections/{collection.pk}/settings/", {"name": "New", "description": ""})
    collection.refresh_from_db()
    assert collection.name == "New"


def test_a_rename_that_fails_keeps_the_name_on_the_page(alice: User) -> None:
    collection = make_collection(alice, "Old name")
    response = make_client(alice).post(f"/collections/{collection.pk}/settings/", {"name": ""})
    assert response.status_code == 400
    assert "<h1>Old name</h1>" in response.content.decode()


def test_deleting_asks_first(alice: User) -> None:
    collection = make_collection(alice)
    page = make_client(alice).get(f"/collections/{collection.pk}/delete/").content.decode()
    assert "cannot be undone" in page
    assert Collection.objects.exists()


def test_a_deleted_collection_takes_documents_and_files_with_it(
    alice: User, django_capture_on_commit_callbacks
) -> None:
    collection = make_collection(alice)
    row = upload_file(collection, "a.txt", "Some words.")
    path = Path(settings.MEDIA_ROOT) / str(row.file)
    assert path.exists()
    with django_capture_on_commit_callbacks(execute=True):
        response = make_client(alice).post(f"/collections/{collection.pk}/delete/", follow=True)
    assert "” deleted." in response.content.decode()
    assert not Document.objects.exists() and not Collection.objects.exists()
    assert not path.exists()


def test_an_editor_is_no_owner(alice: User, bob: User) -> None:
    collection = make_collection(alice)
    Membership.objects.create(collection=collection, user=bob, role=Role.EDITOR)
    client = make_client(bob)
    for tail in ("people/", "settings/", "delete/"):
        assert client.get(f"/collections/{collection.pk}/{tail}").status_code == 404
    page = client.get(f"/collections/{collection.pk}/").content.decode()
    assert "data-upload" in page
    assert "/settings/" not in page.replace('href="/settings/"', "")


def test_a_second_owner_may_do_what_the_first_may(alice: User, bob: User) -> None:
    collection = make_collection(alice)
    Membership.objects.create(collection=collection, user=bob, role=Role.OWNER)
    assert make_client(bob).get(f"/collections/{collection.pk}/people/").status_code == 200
