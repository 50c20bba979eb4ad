"""What a reviewer took out of every answer stays out, whatever its people switch or upload, until it is given back."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.conversations.assistants.starter_questions import list_starters
from apps.conversations.evidence import source_numbering
from apps.conversations.models import Conversation, Message, RetrievedPassage, Source
from apps.documents.models import Chunk, Collection, Document
from apps.documents.moderation.review import DocumentReviewable
from apps.documents.retrieval import full_document
from apps.evaluation.golden_questions import runs
from apps.evaluation.models import GoldenRun
from apps.users.models import User
from tests.documents.conftest import search_text
from tests.factories import Section, ingest_file, make_document, make_golden_question

pytestmark = pytest.mark.django_db(transaction=True)  # searches read in threads of their own
WORDS = "A reviewer withheld this. Attacks on the assistant."
QUESTION = "Where are boats moored?"


@pytest.fixture
def document(collection: Collection) -> Document:
    parts = [Section("The quay was built of granite.", "Quay"), Section("Boats are moored along the wall.", "Boats")]
    row = make_document(collection, "Harbour", parts)
    Document.objects.filter(pk=row.pk).update(starters=[QUESTION])
    return row


def withhold(row: Document) -> dict[str, str]:
    return DocumentReviewable().withhold(str(row.pk), WORDS)


def switched(client: Client, row: Document, number: int, to: str) -> str:
    address = f"/documents/{row.pk}/passages/{number}/enabled/"
    return client.post(address, {"enabled": to}, headers={"HX-Request": "true"}).content.decode()


def test_an_editor_cannot_switch_it_on_again(
    alice_client: Client, alice: User, collection: Collection, document: Document
) -> None:
    assert "moored" in search_text(alice, QUESTION) and list_starters(alice, set()) == [QUESTION]
    before = withhold(document)
    assert (
        search_text(alice, QUESTION) == ""
        and list_starters(alice, set()) == []
        and full_document.find_documents_by_name(alice, "Harbour") == []
    )
    item = switched(alice_client, document, 2, "yes")
    assert "It is not used in answers" in item and "switch" not in item
    assert search_text(alice, QUESTION) == ""
    listed = alice_client.get(f"/collections/{collection.pk}/passages/?show=off").content.decode()
    assert "granite" in listed and "moored" in listed
    assert WORDS in alice_client.get(f"/documents/{document.pk}/").content.decode(), "who may read it still does"
    DocumentReviewable().restore(str(document.pk), before)
    assert "moored" in search_text(alice, QUESTION) and 'role="switch"' in switched(alice_client, document, 2, "yes")


def test_passage_switched_off_stays_off_when_its_document_is_restored(alice_client: Client, document: Document) -> None:
    switched(alice_client, document, 1, "no")
    before = withhold(document)
    DocumentReviewable().restore(str(document.pk), before)
    rows = Chunk.objects.filter(document=document).order_by("position")
    assert list(rows.values_list("enabled", flat=True)) == [False, True]


def test_a_new_version_stays_withheld_and_both_are_given_back(alice: User, collection: Collection) -> None:
    first = ingest_file(collection, "boats.txt", "Boats are moored along the northern wall.")
    before = withhold(first)
    second = ingest_file(collection, "boats.txt", "Boats are moored along the southern wall.")
    assert Document.all_objects.get(pk=second.pk).status == Document.Status.REPLACED
    assert search_text(alice, QUESTION) == ""
    assert set(Document.all_objects.values_list("withheld", flat=True)) == {WORDS}
    DocumentReviewable().restore(str(first.pk), before)
    assert "southern" in search_text(alice, QUESTION)
    assert set(Document.all_objects.values_list("withheld", flat=True)) == {""}


def test_a_follow_up_is_not_given_again_what_an_earlier_turn_had_of_it(alice: User, document: Document) -> None:
    conversation = Conversation.objects.create(owner=alice)
    answer = Message.objects.create(conversation=conversation, role="assistant", asked_by=alice)
    source = Source.objects.create(
        conversation=conversation, number=1, document=document, page_number=1, spans=[[0, 20]]
    )
    given = {"rank": 1, "relevance": 1, "cosine": 1, "bm25": 1, "given_spans": [[0, 20]]}
    RetrievedPassage.objects.create(answer=answer, source=source, **given)
    assert answer.pk in source_numbering.load_prompted_sources(alice, [answer.pk])
    withhold(document)
    assert source_numbering.load_prompted_sources(alice, [answer.pk]) == {}


def test_golden_questions_are_asked_again(alice: User, collection: Collection, document: Document) -> None:
    make_golden_question(collection, QUESTION, document=document)
    runs.execute_run(runs.request_run(collection, alice).pk)

    def again() -> float | None:
        runs.sweep_runs()
        runs.execute_run(GoldenRun.objects.get(status=GoldenRun.Status.WAITING).pk)
        return GoldenRun.objects.order_by("-pk")[0].recall

    before = withhold(document)
    assert again() == 0
    DocumentReviewable().restore(str(document.pk), before)
    assert again() == 1
    runs.sweep_runs()
    assert GoldenRun.objects.count() == 3
