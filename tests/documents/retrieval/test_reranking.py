"""A re-ranker by name has the last word on the order of the best; where it fails, search goes on without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pytest_django import Settings

from apps.documents.models import Collection
from apps.documents.retrieval import reranking
from apps.documents.retrieval.search import search
from apps.engines import registry
from apps.engines.types import EngineBroken
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = {
    "First": "The ferry to the island leaves at nine in the morning.",
    "Second": "The ferry to the island is late when the wind is strong.",
    "Third": "A ferry is a boat, and the island has a harbour.",
}
QUESTION = "When does the ferry to the island leave?"


class Prefers:
    """Scores a passage by whether it holds the word."""

    active = True
    asked: Sequence[str] = ()

    def __init__(self, word: str = "", broken: bool = False) -> None:
        self._word, self._broken = word, broken

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        if self._broken:
            raise EngineBroken("The model cannot be loaded.")
        Prefers.asked = texts
        return [float(self._word in text) for text in texts]


@pytest.fixture
def collection(alice: User, settings: Settings, request: pytest.FixtureRequest) -> Iterator[Collection]:
    options: dict[str, Any] = request.param
    if options:
        settings.ENGINES = {**settings.ENGINES, "rank": {"BACKEND": f"{__name__}.Prefers", "OPTIONS": options}}
    registry.reset()
    collection = make_collection(alice)
    for title, text in TEXTS.items():
        make_document(collection, title, [text])
    yield collection
    registry.reset()


@pytest.mark.parametrize("collection", [{"word": "late"}], indirect=True)
async def test_the_reranker_decides_which_passage_comes_first(alice: User, collection: Collection) -> None:
    found = await search(alice, QUESTION)

    assert found.passages[0].title == "Second"
    assert any(text.startswith("Second\n") for text in Prefers.asked)  # it reads titles too


@pytest.mark.parametrize("collection", [{"word": "late"}], indirect=True)
async def test_a_collection_may_do_without_it(alice: User, collection: Collection) -> None:
    await Collection.objects.filter(pk=collection.pk).aupdate(search_settings={"rerank": False})
    assert (await search(alice, QUESTION)).passages[0].title == "First"
    other = await in_db(make_collection, alice, "Other")
    await in_db(make_document, other, "Ferry", ["The ferry to the island is late in winter."])
    both = await search(alice, QUESTION, collections=[collection.pk, other.pk])
    assert "late" in both.passages[0].text  # one that wants it is enough


@pytest.mark.parametrize("collection", [{}], indirect=True)
async def test_search_keeps_the_order_of_fusion_without_a_reranker(alice: User, collection: Collection) -> None:
    assert (await search(alice, QUESTION)).passages[0].title == "First"


@pytest.mark.parametrize("collection", [{"broken": True}], indirect=True)
async def test_search_goes_on_when_the_reranker_fails(
    alice: User, collection: Collection, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await search(alice, QUESTION)).passages[0].title == "First"
    assert "re-ranker failed" in caplog.text


@pytest.mark.parametrize("collection", [{"word": "late"}], indirect=True)
async def test_reranker_reads_nothing_that_the_user_may_not(charlie: User, collection: Collection) -> None:
    Prefers.asked = ("untouched",)

    assert (await search(charlie, QUESTION, collections=[collection.pk])).passages == ()
    assert not any("ferry" in text for text in Prefers.asked)


@pytest.mark.parametrize("collection", [{"word": "late"}], indirect=True)
async def test_reranker_reads_only_the_best_candidates(
    alice: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reranking, "MAX_CANDIDATES", 1)

    await search(alice, QUESTION)

    assert len(Prefers.asked) == 1
