"""One question in, passages out: what is found, for whom, and what is said when nothing is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from apps.documents.models import Collection, Document
from apps.documents.retrieval import candidates
from apps.documents.retrieval.hit_explanation import NO_ROOM, explain_hit
from apps.documents.retrieval.search import rank_all_documents, read_spans, search
from apps.engines import registry
from apps.engines.types import EngineRefused, IndexQuery, IndexResult, SegmentInfo
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import Section, make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)

WHALES = "The blue whale is the largest animal. It eats krill. A blue whale calf drinks 200 litres of milk a day."
FOXES = "Foxes live in burrows. The red fox hunts mice at dusk."
TIDES = "Tides follow the moon. Spring tides come at full moon and new moon."


@pytest.fixture
def collection(alice: User) -> Collection:
    collection = make_collection(alice)
    make_document(collection, "Whales", [WHALES])
    make_document(collection, "Foxes", [FOXES])
    make_document(collection, "Tides", [TIDES])
    return collection


async def test_the_passage_that_answers_comes_first(alice: User, collection: Collection) -> None:
    found = await search(alice, "How much milk does a blue whale calf drink?")

    best = found.passages[0]
    assert best.title == "Whales"
    assert "200 litres of milk" in best.text
    assert best.full_text == WHALES
    assert found.searched == ("Library",)
    assert set(found.ms) == {"embed", "index", "read", "cut"}


async def test_spans_point_at_the_sentences_in_the_page(alice: User, collection: Collection) -> None:
    best = (await search(alice, "What does the red fox hunt?")).passages[0]

    assert [FOXES[start:end].strip() for start, end in best.spans][-1] == "The red fox hunts mice at dusk."
    assert await in_db(read_spans, alice, [(best.document_id, 1, [list(span) for span in best.spans])]) == [best.text]


async def test_an_unrelated_question_finds_nothing(alice: User, collection: Collection) -> None:
    found = await search(alice, "Who won the football championship?")

    assert found.passages == ()
    assert (found.searched, found.documents, found.waiting) == (("Library",), 3, 0)


async def test_search_finds_nothing_in_collections_of_others(charlie: User, collection: Collection) -> None:
    found = await search(charlie, "blue whale", collections=[collection.pk])

    assert (found.passages, found.searched, found.documents) == ((), (), 0)


async def test_a_reader_finds_what_was_shared(bob: User, collection: Collection) -> None:
    await in_db(collection.members.add, bob)

    assert (await search(bob, "blue whale")).passages[0].title == "Whales"


async def test_a_deleted_document_is_gone_with_the_next_question(alice: User, collection: Collection) -> None:
    await in_db(Document.objects.filter(title="Whales").delete)

    assert all(passage.title != "Whales" for passage in (await search(alice, "blue whale calf milk")).passages)


async def test_collection_unshared_during_a_search_is_not_shown(
    bob: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await in_db(collection.members.add, bob)
    index = registry.get_index()
    original = index.search
    loop = asyncio.get_running_loop()

    def slow(*args: Any) -> Any:
        result = original(*args)
        asyncio.run_coroutine_threadsafe(in_db(collection.members.remove, bob), loop).result()
        return result

    monkeypatch.setattr(index, "search", slow)

    assert (await search(bob, "blue whale")).passages == ()


async def test_a_deletion_makes_room_for_what_ranked_behind(alice: User) -> None:
    collection = await in_db(make_collection, alice)
    for number in range(40):
        await in_db(make_document, collection, f"Copy {number}", [f"The otter number {number} swims in the river."])
    await in_db(
        make_document,
        collection,
        "Last",
        ["Otters are found at the river mouth, said the ranger of the northern shore."],
    )
    await in_db(Document.objects.filter(title__startswith="Copy").delete)

    assert [passage.title for passage in (await search(alice, "otter river")).passages] == ["Last"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[IndexQuery]:
    """What the index is asked, in order."""
    queries: list[IndexQuery] = []
    original = registry.get_index().search

    def search(segments: Sequence[SegmentInfo], query: IndexQuery) -> IndexResult:
        queries.append(query)
        return original(segments, query)

    monkeypatch.setattr(registry.get_index(), "search", search)
    return queries


def otters(collection: Collection, count: int) -> Document:
    """One document with so many passages, each a better answer to "otter river" than the ranger's."""
    return make_document(
        collection, "Otters", [f"The otter number {number} swims in the river." for number in range(count)]
    )


RANGER = "Otters are found at the river mouth, said the ranger of the northern shore."


async def test_deleted_passages_do_not_hide_the_one_that_is_left(alice: User, asked: list[IndexQuery]) -> None:
    collection = await in_db(make_collection, alice)
    gone = await in_db(otters, collection, 900)
    await in_db(make_document, collection, "Last", [RANGER])
    await in_db(gone.delete)

    assert [passage.title for passage in (await search(alice, "otter river")).passages] == ["Last"]
    assert len(asked) <= 7  # by fours: 900 are not passed over sixty at a time


async def test_looking_further_counts_as_what_it_is(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = await in_db(make_collection, alice)
    await in_db((await in_db(otters, collection, 150)).delete)
    now, calls = [0.0], Counter[str]()

    def slow(where: object, name: str, seconds: float) -> None:
        original = getattr(where, name)

        def call(*args: Any) -> Any:
            now[0] += seconds
            calls[name] += 1
            return original(*args)

        monkeypatch.setattr(where, name, call)

    monkeypatch.setattr("apps.documents.retrieval.search.time", SimpleNamespace(perf_counter=lambda: now[0]))
    slow(registry.get_index(), "search", 1)
    for name in ("refresh_scope", "find_missing_chunks", "rank_windows"):
        slow(candidates, name, 1)
    found = await search(alice, "otter river")
    assert calls["refresh_scope"] >= 1 and calls["find_missing_chunks"] >= 1
    read_s = calls["refresh_scope"] + calls["find_missing_chunks"] + calls["rank_windows"]
    assert found.ms == {"embed": 0, "index": 1000 * calls["search"], "read": 1000 * read_s, "cut": 0}


async def test_passages_switched_off_do_not_hide_the_one_that_is_left(alice: User) -> None:
    collection = await in_db(make_collection, alice)
    off = await in_db(otters, collection, 150)
    await in_db(make_document, collection, "Last", [RANGER])
    await in_db(off.chunks.update, enabled=False)

    assert [passage.title for passage in (await search(alice, "otter river")).passages] == ["Last"]


async def test_the_index_is_asked_once_where_enough_is_there(alice: User, asked: list[IndexQuery]) -> None:
    collection = await in_db(make_collection, alice)
    row = await in_db(otters, collection, 150)
    await in_db(row.chunks.filter(position__lt=20).update, enabled=False)

    assert (await search(alice, "otter river")).passages
    assert len(asked) == 1 and not asked[0].excluded_chunks


async def test_search_finds_nothing_of_a_deleted_large_document(alice: User) -> None:
    collection = await in_db(make_collection, alice)
    await in_db((await in_db(otters, collection, 150)).delete)

    assert (await search(alice, "otter river")).passages == ()


async def test_search_covers_only_the_named_collections(alice: User, collection: Collection) -> None:
    other = await in_db(make_collection, alice, "Other")
    await in_db(make_document, other, "More whales", ["The blue whale sings low songs."])

    found = await search(alice, "blue whale", collections=[other.pk])

    assert [passage.title for passage in found.passages] == ["More whales"]
    assert found.searched == ("Other",)


async def test_neighbours_under_the_same_heading_are_read_with_a_hit(alice: User) -> None:
    collection = await in_db(make_collection, alice)
    sections = [
        Section("Ovens are pre-heated.", "Bread"),
        Section("Rye dough rests eighteen hours.", "Bread"),
        Section("It is baked hot.", "Bread"),
        Section("Cakes are sweet.", "Cake"),
    ]
    await in_db(make_document, collection, "Baking", sections)

    best = (await search(alice, "How many hours does rye dough rest?")).passages[0]

    assert best.full_text == "Ovens are pre-heated.\n\nRye dough rests eighteen hours.\n\nIt is baked hot."


async def test_the_words_of_its_headings_find_a_passage(alice: User) -> None:
    collection = await in_db(make_collection, alice)
    sections = [
        Section("It takes eighteen hours.", "Bread › Rye dough"),
        Section("It takes two hours.", "Cake › Sponge"),
        Section("It takes a week.", "Cheese › Ripening"),
    ]
    await in_db(make_document, collection, "Baking", sections)

    found = {hit.heading: hit for hit in (await search(alice, "How long does rye dough take?")).hits}

    bread, cake = found["Bread › Rye dough"], found["Cake › Sponge"]
    assert bread.bm25 > 10 * cake.bm25 and {"rye", "dough"} <= bread.terms


async def test_texts_stay_within_the_token_budget(alice: User, collection: Collection) -> None:
    def words(texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    found = await search(alice, "What does the blue whale eat, and the red fox?", token_budget=15, count=words)

    assert 0 < sum(words([passage.text for passage in found.passages])) <= 15


async def test_a_relevant_passage_without_room_in_a_small_budget_is_named_as_such(
    alice: User, collection: Collection
) -> None:
    def words(texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    question = "What does the blue whale eat, and the red fox?"
    all_found = await search(alice, question, token_budget=200, count=words)
    found = await search(alice, question, token_budget=8, count=words)

    kept, dropped = all_found.passages
    assert [passage.chunk_id for passage in found.passages] == [kept.chunk_id] and not all_found.no_room
    assert found.no_room == {dropped.chunk_id}
    hit = next(hit for hit in found.hits if hit.chunk_id == dropped.chunk_id)
    assert explain_hit(hit, found) == (0, NO_ROOM)


async def test_an_index_of_another_embedder_is_refused_with_the_way_out(alice: User, collection: Collection) -> None:
    registry.get_embedder().fingerprint = "another"

    with pytest.raises(EngineRefused, match=r"Library cannot be searched: .*`manage.py reindex`"):
        await search(alice, "blue whale")


async def test_a_collection_of_another_embedder_is_left_out_and_named(alice: User, collection: Collection) -> None:
    other = await in_db(make_collection, alice, "Reread")
    registry.get_embedder().fingerprint = "another"
    await in_db(make_document, other, "More whales", ["The blue whale sings low songs."])

    found = await search(alice, "What does the blue whale sing?")

    assert [passage.title for passage in found.passages] == ["More whales"]
    assert (found.searched, found.unsearched) == (("Reread",), ("Library",))


async def test_a_collection_that_another_embedder_read_in_part_is_searched_and_named(
    alice: User, collection: Collection
) -> None:
    registry.get_embedder().fingerprint = "another"
    await in_db(make_document, collection, "More whales", ["The blue whale sings low songs."])

    found = await search(alice, "What does the blue whale sing?")

    assert [passage.title for passage in found.passages] == ["More whales"]
    assert (found.searched, found.unsearched) == (("Library",), ("Library",))


async def test_an_empty_collection_is_searched_and_not_left_out(alice: User, collection: Collection) -> None:
    await in_db(make_collection, alice, "Empty")

    found = await search(alice, "blue whale")

    assert (found.searched, found.unsearched) == (("Empty", "Library"), ())


async def test_a_ranking_names_every_document_once_and_none_that_may_not_be_read(
    alice: User, charlie: User, collection: Collection
) -> None:
    vector = registry.get_embedder().embed_query("the red fox")

    mine = await rank_all_documents(alice, "the red fox", [collection.pk], vector)
    theirs = await rank_all_documents(charlie, "the red fox", [collection.pk], vector)

    assert set(mine) == {row.pk async for row in collection.documents.all()} and len(mine) == 3
    assert (await Document.objects.aget(pk=mine[0])).name.startswith("Foxes")
    assert theirs == []
