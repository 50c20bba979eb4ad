"""A file whose content is there already: refused with a link in its own collection, linked to where it is elsewhere."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.documents.library.deletion import remove_document
from apps.documents.models import Collection, Document, Membership
from apps.users.models import User
from tests.factories import get_page, make_client, make_collection, upload_file
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db

LEAVE = b"Leave is thirty days a year."


def upload(collection: Collection, name: str, content: bytes = LEAVE) -> Document:
    row = upload_file(collection, name, content)
    Document.objects.filter(pk=row.pk).update(status="ready", kind="text")
    return row


def get_file_list(user: User, collection: Collection) -> str:
    return get_page(user, f"/collections/{collection.pk}/tray/")


def test_duplicate_in_the_same_collection_offers_the_existing_file(alice: User) -> None:
    collection = make_collection(alice, "Policies")
    there = upload(collection, "leave.txt")
    file = SimpleUploadedFile("copy.txt", LEAVE)
    make_client(alice).post(f"/collections/{collection.pk}/upload/", {"files": file})
    assert collection.documents.count() == 1
    page = strip_layout(get_file_list(alice, collection))
    assert "Already in Policies as leave.txt." in page
    assert f'<a href="/documents/{there.pk}/">Open<' in page
    remove_document(there)
    assert "Already in Policies" in get_file_list(alice, collection) and ">Open<" not in get_file_list(
        alice, collection
    )


def test_duplicate_in_another_collection_links_to_it(alice: User, bob: User) -> None:
    there = upload(make_collection(alice, "Policies"), "leave.txt")
    collection = make_collection(alice, "Drafts")
    Membership.objects.create(collection=collection, user=bob)
    upload(collection, "copy.txt")
    upload(collection, "other.txt", b"Something else.")
    page = get_file_list(alice, collection)
    assert page.count("Same content as a file in") == 1
    assert f'Same content as a file in <a href="/documents/{there.pk}/">Policies' in page
    assert "Policies" not in get_file_list(bob, collection)  # who may not read it does not learn of it


def test_duplicate_of_a_failed_document_is_not_offered(alice: User) -> None:
    there = upload(make_collection(alice, "Policies"), "leave.txt")
    Document.objects.filter(pk=there.pk).update(status="failed")
    collection = make_collection(alice, "Drafts")
    upload(collection, "copy.txt")
    assert "Same content as a file in" not in get_file_list(alice, collection)


def test_withheld_document_is_not_offered_in_place_of_a_copy(alice: User) -> None:
    there = upload(make_collection(alice, "Policies"), "leave.txt")
    collection = make_collection(alice, "Drafts")
    copy = upload(collection, "copy.txt")
    Document.objects.filter(pk=there.pk).update(withheld="A reviewer withheld this.")
    assert "Same content as a file in" not in get_file_list(alice, collection)
    client = make_client(alice)
    assert "The same content stays in" not in client.get(f"/documents/{copy.pk}/delete/?instead").content.decode()


def test_a_link_can_take_the_place_of_a_copy(alice: User, bob: User) -> None:
    there = upload(make_collection(alice, "Policies"), "leave.txt")
    collection = make_collection(alice, "Drafts")
    Membership.objects.create(collection=collection, user=bob, role="editor")
    copy = upload(collection, "copy.txt")
    address = f"/documents/{copy.pk}/delete/?instead"
    assert f'href="{address}"' in get_file_list(alice, collection) and address not in get_file_list(bob, collection)
    client = make_client(alice)
    assert "The same content stays in Policies" in client.get(address).content.decode()
    assert client.post(address).status_code == 302
    page = strip_layout(get_file_list(alice, collection))
    assert not collection.documents.exists() and Document.objects.get() == there
    assert "Already in Policies as leave.txt." in page and f'<a href="/documents/{there.pk}/">Open<' in page


@pytest.mark.parametrize("lost", ["gone", "unshared"])
def test_a_copy_is_kept_where_the_other_went_after_it_was_promised(alice: User, bob: User, lost: str) -> None:
    elsewhere = make_collection(alice, "Policies")
    there = upload(elsewhere, "leave.txt")
    shared = Membership.objects.create(collection=elsewhere, user=bob)
    collection = make_collection(bob, "Drafts")
    copy = upload(collection, "copy.txt")
    address = f"/documents/{copy.pk}/delete/?instead"
    client = make_client(bob)
    promise = f'<input type="hidden" name="promised" value="{there.pk}">'
    assert promise in client.get(address).content.decode()
    if lost == "gone":
        remove_document(there)
    else:
        shared.delete()
    page = client.post(address, {"promised": str(there.pk)}, follow=True).content.decode()
    assert "“copy.txt” was not deleted" in page and collection.documents.get() == copy
    assert promise not in client.get(address).content.decode(), "asked again, it is an ordinary deletion"


def test_duplicate_is_only_deleted_by_a_user_who_may_not_read_the_original(alice: User, bob: User) -> None:
    upload(make_collection(alice, "Policies"), "leave.txt")
    collection = make_collection(alice, "Drafts")
    Membership.objects.create(collection=collection, user=bob, role="editor")
    copy = upload(collection, "copy.txt")
    client = make_client(bob)
    assert "Policies" not in client.get(f"/documents/{copy.pk}/delete/?instead").content.decode()
    client.post(f"/documents/{copy.pk}/delete/?instead")
    assert not collection.documents.exists() and "Policies" not in get_file_list(bob, collection)
