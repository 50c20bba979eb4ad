"""Follow-up questions, searched with words of the one before them where they need those."""

from __future__ import annotations

import pytest

from apps.documents.models import Collection
from apps.documents.retrieval.search import search
from apps.users.models import User
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def collection(alice: User) -> Collection:
    collection = make_collection(alice)
    make_document(collection, "Whales", ["The blue whale is the largest animal. It eats krill."])
    make_document(collection, "Foxes", ["Foxes live in burrows. The red fox hunts mice at dusk."])
    return collection


async def test_a_follow_up_is_completed_from_the_question_before(alice: User, collection: Collection) -> None:
    found = await search(alice, "And what does it eat?", history=["How big is a blue whale?"])

    assert found.passages[0].title == "Whales"
    assert "blue whale" in found.query


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("What is the capital of Mongolia?", "What is the capital of Mongolia?"),
        ("And who painted it?", "And who painted it? sistine chapel"),
    ],
)
async def test_vain_search_is_reported_in_the_words_of_the_question(
    alice: User, collection: Collection, question: str, shown: str
) -> None:
    """A short question is tried with words of the one before it too; unless it needs them, they are not its own."""
    found = await search(alice, question, history=["The Sistine chapel?"])
    assert (found.passages, found.query) == ((), shown)
