"""A reader tells the owner that a page of a document is out of date, wrong or was not read correctly."""

from __future__ import annotations

import pytest

from apps.documents.models import Collection, Document, Membership
from apps.users import notices
from apps.users.models import User, UserNotice
from tests.factories import Section, get_page, make_client, make_collection, make_document

pytestmark = pytest.mark.django_db


@pytest.fixture
def collection(alice: User, bob: User) -> Collection:
    collection = make_collection(alice, "Handbook")
    Membership.objects.create(collection=collection, user=bob)
    return collection


@pytest.fixture
def document(collection: Collection) -> Document:
    return make_document(
        collection,
        "Rules",
        [Section("Members may borrow six books."), Section("They may keep them four weeks.", page=2)],
    )


def tell(user: User, document: Document, **values: object) -> int:
    return (
        make_client(user)
        .post(f"/documents/{document.pk}/fault/", {"fault": "outdated", "page": 2} | values)
        .status_code
    )


def test_owner_is_told_who_found_fault_with_which_page(alice: User, bob: User, document: Document) -> None:
    assert "Tell the owner" in get_page(bob, f"/documents/{document.pk}/passage/?page=2")
    assert tell(bob, document) == 200
    (notice,) = notices.list_notices(alice)["documents"]
    assert notice.title == f"{bob} says that page 2 of “Rules” is out of date."
    assert notice.url == f"/documents/{document.pk}/?page=2" and notice.seen is None

    get_page(alice, notice.url)
    notice.refresh_from_db()
    assert notice.seen is not None, "opened, so it is seen, and stays listed"


def test_second_fault_takes_the_place_of_an_unseen_one(alice: User, bob: User, document: Document) -> None:
    tell(bob, document)
    tell(bob, document, fault="wrong", page=1)
    (notice,) = notices.list_notices(alice)["documents"]
    assert notice.title.endswith("page 1 of “Rules” is wrong.")


def test_owner_is_not_offered_to_tell_themselves(alice: User, document: Document) -> None:
    assert "Tell the owner" not in get_page(alice, f"/documents/{document.pk}/passage/?page=1")


@pytest.mark.parametrize("values", [{"fault": "boring"}, {"page": 0}, {"page": 3}, {"page": ""}])
def test_unknown_fault_or_page_is_refused(bob: User, document: Document, values: dict[str, object]) -> None:
    assert tell(bob, document, **values) == 400 and not UserNotice.objects.exists()


def test_document_that_may_not_be_read_is_not_found(charlie: User, document: Document) -> None:
    assert tell(charlie, document) == 404 and not UserNotice.objects.exists()


def test_name_of_an_erased_reader_is_removed(alice: User, bob: User, document: Document) -> None:
    tell(bob, document)
    notices.forget_sender(bob)
    (notice,) = notices.list_notices(alice)["documents"]
    assert notice.title.startswith("Somebody says that page 2")
