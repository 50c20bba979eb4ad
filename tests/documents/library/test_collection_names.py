"""Collections of one name can be told apart wherever one chooses between them, and one owner gets no second one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from apps.conversations.assistants.forms import AssistantForm
from apps.conversations.history import transcript
from apps.documents.models import Collection, Membership
from apps.users.models import User
from tests.factories import make_client, make_collection, make_document
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def collections(alice: User, bob: User) -> list[Collection]:
    """Three called Manuals that Alice may read: one of hers, two of Bob's from before names were checked."""
    mine = Collection.objects.create(owner=alice, name="Manuals")
    theirs = [Collection.objects.create(owner=bob, name=name) for name in ("Manuals", "manuals")]
    for collection in theirs:
        Membership.objects.create(collection=collection, user=alice)
    return [mine, *theirs, Collection.objects.create(owner=alice, name="Letters")]


def test_the_composer_names_the_owner_where_names_are_the_same(alice: User, collections: list[Collection]) -> None:
    names = {item.id: item.name for item in transcript.list_collection_options(alice, set())}
    assert [names[collection.pk] for collection in collections] == [
        "Manuals (Alice)",
        "Manuals (Bob)",
        "manuals (Bob) 2",
        "Letters",
    ]


def test_the_composer_lists_collections_by_name_with_their_documents(alice: User) -> None:
    for name, documents in (("Zoo", 1), ("archive", 2), ("Board", 0)):
        collection = make_collection(alice, name)
        for number in range(documents):
            make_document(collection, f"Paper {number}", ["Text."])
    page = " ".join(strip_layout(make_client(alice).get("/").content.decode()).split())
    labels = re.findall(r'data-name="(\w+)".*?<span class="muted" ?>([^<]*)</span>', page)
    assert labels == [("archive", "2 documents"), ("Board", "0 documents"), ("Zoo", "1 document")]


def test_the_form_of_an_assistant_names_the_owner_too(alice: User, collections: list[Collection]) -> None:
    field: Any = AssistantForm(alice).fields["collections"]
    labels = {str(value): label for value, label in field.choices}
    assert [labels[str(collection.pk)] for collection in collections] == [
        "Manuals (Alice)", "Manuals (Bob)", "manuals (Bob) 2", "Letters",
    ]  # fmt: skip


def test_an_owner_gets_no_second_collection_of_one_name(alice: User, bob: User) -> None:
    client = make_client(alice)
    Collection.objects.create(owner=bob, name="Manuals")
    assert client.post(reverse("documents:collections"), {"name": "Manuals"}).status_code == 302, "Bob's is another's"
    answer = client.post(reverse("documents:collections"), {"name": " manuals "})
    assert answer.status_code == 400 and "already" in answer.content.decode()
    other = Collection.objects.create(owner=alice, name="Other")
    answer = client.post(reverse("documents:settings", args=[other.pk]), {"name": "Manuals"})
    assert answer.status_code == 400 and "already" in answer.content.decode()
    assert client.post(reverse("documents:settings", args=[other.pk]), {"name": "OTHER"}).status_code == 302
