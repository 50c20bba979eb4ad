"""What a search can be narrowed by is offered as the documents there have it, and to nobody who may not read them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.documents.models import Collection, Document
from apps.documents.retrieval.facets import FacetValue, list_facets
from apps.documents.retrieval.filters import SearchFilters
from apps.users.models import User
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db


@pytest.fixture
def collection(alice: User) -> Collection:
    collection = make_collection(alice, "Boats")
    rows: dict[str, dict[str, Any]] = {
        "One": {"kind": "docx", "language": "en", "path": "boats/old"},
        "Two": {"kind": "doc", "language": "en", "path": "boats/old"},
        "Three": {"kind": "pdf", "language": "de", "path": "sheds"},
        "Four": {"kind": "image", "language": "fr", "path": "secret", "status": Document.Status.FAILED},
    }
    for title, facts in rows.items():
        make_document(collection, title, ["A ferry."])
        Document.objects.filter(title=title).update(**facts)
    return collection


def test_kinds_languages_and_folders_are_offered_the_most_frequent_first(alice: User, collection: Collection) -> None:
    found = list_facets(alice, [], SearchFilters(languages=("de",)))

    assert found.kinds == (FacetValue("doc docx", "Word document", False), FacetValue("pdf", "PDF", False))
    assert found.languages == (FacetValue("en", "English", False), FacetValue("de", "German", True))
    assert [item.value for item in found.folders] == ["boats", "boats/old", "sheds"]
    assert found.documents == 1


def test_facet_that_all_documents_share_is_offered_only_where_it_was_chosen(
    alice: User, collection: Collection
) -> None:
    Document.objects.update(kind="pdf", language="en", path="")
    found = list_facets(alice, [collection.pk], SearchFilters())
    assert (found.kinds, found.languages, found.folders, found.documents) == ((), (), (), 3)

    chosen = list_facets(alice, [collection.pk], SearchFilters(kinds=("image",), path="gone"))
    assert [(item.value, item.chosen) for item in chosen.kinds] == [("pdf", False), ("image", True)]
    assert chosen.folders == (FacetValue("gone", "gone", True),) and chosen.documents == 0


def test_facets_reveal_nothing_of_an_unreadable_collection(
    charlie: User, collection: Collection, client: Client
) -> None:
    client.force_login(charlie)
    for query in ({}, {"in": str(collection.pk)}, {"in": "nonsense"}):
        page = client.get("/collections/filters/", query).content.decode()
        assert "Word document" not in page and "boats" not in page
        assert "There are no documents to search yet." in page


def test_the_fields_say_what_was_chosen_and_how_much_is_left(collection: Collection, alice_client: Client) -> None:
    page = alice_client.get("/collections/filters/", {"in": str(collection.pk), "kinds": "doc docx", "path": "boats"})
    assert "2 documents are searched." in page.content.decode()
    assert page.content.decode().count(" checked") == 1 and 'value="boats" selected' in page.content.decode()

    page = alice_client.get("/collections/filters/", {"kinds": "pdf", "until": "2001-01-01"})
    assert "No document matches these filters" in page.content.decode()
    assert 'value="2001-01-01"' in page.content.decode()
    assert "3 documents are searched." in alice_client.get("/collections/filters/", {"kinds": "exe"}).content.decode()
