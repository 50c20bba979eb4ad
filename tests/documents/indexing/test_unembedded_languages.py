"""What the embedder cannot read is said where files are listed."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.documents.indexing import embedders
from apps.documents.models import Collection, Document
from apps.users.models import User
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)

SAYS = "German documents are found only by exact words, not by meaning, because the embedding model does not know this"


@pytest.fixture
def german(alice: User, monkeypatch: pytest.MonkeyPatch) -> Collection:
    monkeypatch.setattr(embedders, "find_unread_languages", lambda engine: frozenset({"de"}))
    collection = make_collection(alice)
    make_document(collection, "Satzung", ["Der Hafen ist bei Sturm geschlossen."])
    Document.objects.filter(collection=collection).update(language="de")
    return collection


def test_the_files_say_so(alice_client: Client, german: Collection) -> None:
    assert SAYS in alice_client.get(f"/collections/{german.pk}/").content.decode()


def test_languages_that_are_read_are_not_named(alice_client: Client, german: Collection) -> None:
    Document.objects.filter(collection=german).update(language="es")
    assert "found only by exact words" not in alice_client.get(f"/collections/{german.pk}/").content.decode()
