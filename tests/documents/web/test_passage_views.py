"""The passages of a collection: found, turned off, given words; what a person may not do, the next question shows."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.documents.indexing import index_maintenance
from apps.documents.models import Chunk, Collection, Membership, Role, Segment
from apps.users.models import User
from tests.documents.conftest import search_text
from tests.factories import Section, make_client, make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)  # searches read in threads of their own


@pytest.fixture
def collection(alice: User) -> Collection:
    collection = make_collection(alice, "Shelf")
    make_document(
        collection,
        "Harbour",
        [
            Section("The quay was built of granite in 1874.", "Building"),
            Section("Boats are moored along the northern wall.", "Boats"),
            Section("The lighthouse burns whale oil until midnight.", "Light"),
        ],
    )
    return collection


def get_chunk(words: str) -> Chunk:
    return Chunk.objects.select_related("document").get(text__contains=words)


def post(client: Client, row: Chunk, verb: str, **data: str) -> str:
    address = f"/documents/{row.document_id}/passages/{row.position + 1}/{verb}/"
    return client.post(address, data, headers={"HX-Request": "true"}).content.decode()


def test_passages_are_listed_in_reading_order_with_their_place(alice_client: Client, collection: Collection) -> None:
    page = alice_client.get(f"/collections/{collection.pk}/passages/").content.decode()
    assert page.index("granite") < page.index("northern wall") < page.index("whale oil")
    row = get_chunk("granite")
    assert f"/documents/{row.document_id}/passage/?page=1&amp;spans=0-{row.char_end}" in page


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("q=granite", {"granite"}),
        ("q=GRANITE+1874", {"granite"}),
        ("q=granite+boats", set()),
        ("q=Building", {"granite"}),
        ("show=off", {"northern wall"}),
        ("show=keywords", {"whale oil"}),
        ("show=nonsense&page=x&document=y", {"granite", "northern wall", "whale oil"}),
        ("page=7", set()),
        ("q=%00", {"granite", "northern wall", "whale oil"}),
    ],
)
def test_the_list_is_filtered(alice_client: Client, collection: Collection, query: str, there: set[str]) -> None:
    Chunk.objects.filter(text__contains="northern").update(enabled=False)
    Chunk.objects.filter(text__contains="whale").update(keywords="lamp")
    page = alice_client.get(f"/collections/{collection.pk}/passages/?{query}").content.decode()
    assert {
        words for words in ("granite", "northern wall", "whale oil") if f"{words}" in page.split("</form>", 2)[-1]
    } >= there
    shown = {words for words in ("granite in", "northern wall.", "whale oil until") if words in page}
    assert len(shown) == len(there)


def test_passage_switched_off_is_in_no_answer_and_not_beside_one(
    alice_client: Client, collection: Collection, alice: User
) -> None:
    Chunk.objects.update(heading="")  # all under one heading, so that neighbours are read with a hit
    assert "northern wall" in search_text(alice, "What was the quay built of?")
    off = get_chunk("northern wall")
    assert 'aria-checked="false"' in post(alice_client, off, "enabled", enabled="no")
    assert "northern wall" not in search_text(alice, "Where are boats moored?")
    assert "northern wall" not in search_text(alice, "What was the quay built of?")
    assert 'aria-checked="true"' in post(alice_client, off, "enabled", enabled="yes")
    assert "northern wall" in search_text(alice, "Where are boats moored?")


def test_a_passage_is_found_by_the_keywords_that_were_added(
    alice_client: Client, collection: Collection, alice: User
) -> None:
    row = get_chunk("whale oil")
    assert "Searchable in a few seconds" in post(
        alice_client, row, "keywords", keywords=" Leuchtturm ,  Fackelschein,Leuchtturm"
    )
    assert Chunk.objects.get(pk=row.pk).keywords == "Leuchtturm, Fackelschein"
    index_maintenance.maintain_indexes()  # as the worker does once it hears the bell
    assert "whale oil" in search_text(alice, "Fackelschein")
    assert not Segment.objects.live().filter(stale_since__isnull=False).exists()
    post(alice_client, row, "keywords", keywords="")
    index_maintenance.maintain_indexes()
    assert "whale oil" not in search_text(alice, "Fackelschein")


def test_words_added_while_the_index_is_rewritten_are_not_lost(
    alice_client: Client, collection: Collection, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(alice_client, get_chunk("granite"), "keywords", keywords="Kaimauer")
    swap = index_maintenance._swap

    def late(*args: object) -> None:
        post(alice_client, get_chunk("whale oil"), "keywords", keywords="Fackelschein")
        swap(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(index_maintenance, "_swap", late)
    index_maintenance.merge(collection.pk)
    monkeypatch.undo()
    assert "granite" in search_text(alice, "Kaimauer")
    index_maintenance.maintain_indexes()
    assert "whale oil" in search_text(alice, "Fackelschein")


def test_passage_keywords_that_are_too_long_change_nothing(alice_client: Client, collection: Collection) -> None:
    row = get_chunk("granite")
    post(alice_client, row, "keywords", keywords="x" * 401)
    post(alice_client, row, "enabled", enabled="perhaps")
    row.refresh_from_db()
    assert (row.keywords, row.enabled) == ("", True)


def test_passage_switch_without_a_script_returns_to_the_page(alice_client: Client, collection: Collection) -> None:
    row = get_chunk("granite")
    answer = alice_client.post(f"/documents/{row.document_id}/passages/1/enabled/", {"enabled": "no"})
    assert answer["Location"].startswith(f"/collections/{collection.pk}/passages/?document={row.document_id}#")


def test_readers_see_passages_and_change_none(collection: Collection, bob: User) -> None:
    Membership.objects.create(collection=collection, user=bob)
    theirs = make_client(bob)
    page = theirs.get(f"/collections/{collection.pk}/passages/").content.decode()
    assert "granite" in page and 'role="switch"' not in page and "keywords/" not in page
    row = get_chunk("granite")
    assert theirs.post(f"/documents/{row.document_id}/passages/1/enabled/", {"enabled": "no"}).status_code == 404
    Membership.objects.update(role=Role.EDITOR)
    assert theirs.post(f"/documents/{row.document_id}/passages/1/enabled/", {"enabled": "no"}).status_code == 302


def test_a_passage_that_is_not_there_is_not_there(alice_client: Client, collection: Collection) -> None:
    row = get_chunk("granite")
    for number in (0, 4, 999_999_999_999):
        assert (
            alice_client.post(f"/documents/{row.document_id}/passages/{number}/enabled/", {"enabled": "no"}).status_code
            == 404
        )


def test_long_lists_have_pages_and_ask_few_questions(
    alice_client: Client, collection: Collection, django_assert_max_num_queries
) -> None:
    make_document(collection, "Log", [f"On day {number} the wind was from the west." for number in range(50)])
    with django_assert_max_num_queries(13):  # one counts the unread notices, one lists the folders
        first = alice_client.get(f"/collections/{collection.pk}/passages/").content.decode()
    assert "1 to 20 of 53" in first and 'rel="next"' in first
    last = alice_client.get(f"/collections/{collection.pk}/passages/?page=3").content.decode()
    assert "41 to 53" in last and 'rel="next"' not in last
