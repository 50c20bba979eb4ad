"""A part of a document that a reviewer takes out is nowhere to be read or found, and comes back whole."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.utils import timezone
from PIL import Image

from apps.conversations.models import Conversation, Message, RetrievedPassage, Source
from apps.conversations.moderation import retraction
from apps.documents.indexing import chunk_reindexing, index_maintenance
from apps.documents.ingestion.pipeline import ingest
from apps.documents.library.uploads import remove_document, store_upload
from apps.documents.models import Chunk, Collection, Document, IndexBuild, Page, Segment
from apps.documents.moderation import redaction
from apps.documents.reader import page_view
from apps.documents.reader.word_boxes import FILL_COLOUR
from apps.documents.retrieval.search import read_spans, search
from apps.engines import registry
from apps.engines.types import EmbedEngine, EngineRefused
from apps.safety.models import AppliedEffect, Decision
from apps.safety.moderation import cases, enforcement
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.moderation.decision_input import DecisionInput, OutcomeScope
from apps.safety.policy.evaluation import PolicyResult
from apps.safety.policy.schema import Action
from apps.users.models import User
from tests.factories import Section, make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)  # searches read in threads of their own
SECRET = "Quixotrine of Mooring Lane 7"
TEXT = f"Boats are moored along the wall by {SECRET}."


@pytest.fixture
def shelf(alice: User) -> Collection:
    return make_collection(alice, "Shelf")


@pytest.fixture
def paper(shelf: Collection) -> Document:
    return make_document(shelf, "Harbour", [Section("The quay was built of granite.", "Quay"), Section(TEXT, "Boats")])


def taken_out(by: User, row: Document, words: str = SECRET) -> Decision:
    """A case about the document was decided so."""
    found = FlaggedContent(
        "document", str(row.pk), "passage", TEXT, row.collection.owner_id, PolicyResult(Action.REVIEW, "secrets")
    )
    case = cases.claim_case(by, cases.flag_content(found).pk)
    assert Decision.Outcome.REDACT in enforcement.possible_outcomes(case)
    extent = OutcomeScope(redact_terms=(words,))
    return cases.decide_case(
        by, case.pk, DecisionInput(case.lease_token, case.version, "redact", "clear", scope=extent)
    )


def put_back(decision: Decision, by: User) -> None:
    with transaction.atomic():
        enforcement.revert_effects(decision, by)


def found(user: User, words: str) -> str:
    return " ".join(passage.full_text for passage in asyncio.run(search(user, words)).passages)


def kept(row: Document) -> dict[str, Any]:
    """All that is kept of what the document says."""
    rows = Chunk.every.filter(document=row).order_by("position")
    return {
        "pages": list(Page.objects.filter(document=row).order_by("number").values_list("text", flat=True)),
        "chunks": list(rows.values("text", "heading", "keywords", "char_start", "char_end", "enabled")),
        "names": [row.title, row.embedded_title, row.name],
    }


def test_it_leaves_search_at_once_and_comes_back_without_it(alice: User, morgan: User, paper: Document) -> None:
    assert SECRET in found(alice, "Who is Quixotrine?")
    taken_out(morgan, paper)
    assert "Quixotrine" not in found(alice, "Who is Quixotrine?")
    assert Chunk.objects.filter(document=paper, segment=None).count() == 1, "the other passage is found as before"
    assert "granite" in found(alice, "What was the quay built of?")
    assert chunk_reindexing.reindex_chunks(paper.collection_id) == 1
    passage = found(alice, "Where are boats moored?")
    assert "Boats are moored along the wall by █" in passage and "Quixotrine" not in passage
    chunk = Chunk.objects.get(document=paper, heading="Boats")
    embed = registry.get_embedder()
    assert bytes(chunk.vector) != embed.embed_passages([f"Harbour › Boats\n{TEXT}"])[0].tobytes()
    assert not Segment.objects.live().filter(stale_since__isnull=False).exists(), "no segment knows the old words"


def test_quotes_of_answers_and_viewers_lose_it_and_citations_point_where_they_did(
    client: Client, alice: User, morgan: User, paper: Document
) -> None:
    page = Page.objects.get(document=paper, number=1)
    start = page.text.index(TEXT)
    place = [(paper.pk, 1, [[start, start + len(TEXT)]])]
    assert read_spans(alice, place) == [TEXT]
    taken_out(morgan, paper)
    (said,) = read_spans(alice, place)
    assert said is not None and said.startswith("Boats are moored along the wall by █") and len(said) == len(TEXT)
    client.force_login(alice)
    for address in (f"/documents/{paper.pk}/", f"/documents/{paper.pk}/passage/?page=1",
                    f"/collections/{paper.collection_id}/passages/"):  # fmt: skip
        shown = client.get(address).content.decode()
        assert "Boats are moored" in shown and "Quixotrine" not in shown


def test_the_file_is_not_given_out_meanwhile(client: Client, alice: User, morgan: User, shelf: Collection) -> None:
    row = store_upload(alice, shelf, SimpleUploadedFile("harbour.txt", TEXT.encode()))
    ingest(row.pk)
    row.refresh_from_db()
    client.force_login(alice)
    assert client.get(f"/documents/{row.pk}/file/").status_code == 200
    decision = taken_out(morgan, row)
    assert client.get(f"/documents/{row.pk}/file/").status_code == 403
    put_back(decision, morgan)
    assert client.get(f"/documents/{row.pk}/file/").status_code == 200


def test_an_answer_that_repeats_it_loses_it_too(alice: User, morgan: User, paper: Document) -> None:
    place = Conversation.objects.create(owner=alice, title="Boats")
    told = {"conversation": place, "asked_by": alice, "status": "complete"}
    question = Message.objects.create(role="user", text="Who moors boats?", **told)
    answer = Message.objects.create(role="assistant", parent=question, text=f"That is {SECRET}.", **told)
    source = Source.objects.create(conversation=place, number=1, document=paper, page_number=1, spans=[[0, 4]])
    RetrievedPassage.objects.create(answer=answer, source=source, rank=1, relevance=1, cosine=1, bm25=1)
    other = Message.objects.create(role="assistant", parent=question, text=f"Ask {SECRET}.", **told)
    decision = taken_out(morgan, paper)
    answer.refresh_from_db()
    other.refresh_from_db()
    assert "Quixotrine" not in answer.text and len(answer.text) == len(f"That is {SECRET}.")
    assert SECRET in other.text, "it was not given the document"
    put_back(decision, morgan)
    answer.refresh_from_db()
    assert answer.text == f"That is {SECRET}."


def test_pages_and_logs_forget_an_answer_that_only_quotes_it(
    alice: User, morgan: User, paper: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[UUID]()
    monkeypatch.setattr(retraction, "announce_change", lambda rows, reason: told.extend(row.pk for row in rows))
    place, now = Conversation.objects.create(owner=alice, title="Boats"), timezone.now()
    source = Source.objects.create(conversation=place, number=1, document=paper, page_number=1, spans=[[0, 4]])
    about = {"conversation": place, "asked_by": alice, "status": "complete"}
    question = Message.objects.create(role="user", text="Who moors boats?", **about)
    quoting, old, _ = [
        Message.objects.create(role="assistant", parent=question, text="See above.", ended=now - ago, **about)
        for ago in (timedelta(minutes=5), timedelta(days=9), timedelta(minutes=5))
    ]
    for answer in (quoting, old):
        RetrievedPassage.objects.create(answer=answer, source=source, rank=1, relevance=1, cosine=1, bm25=1)
    taken_out(morgan, paper)
    assert told == [quoting.pk]


@pytest.mark.parametrize("said", [SECRET.upper(), SECRET.replace(" ", "\n")])
def test_an_answer_that_spells_it_otherwise_or_has_it_of_a_tool_loses_it_too(
    alice: User, morgan: User, paper: Document, said: str
) -> None:
    place = Conversation.objects.create(owner=alice, title="Boats")
    told = {"conversation": place, "asked_by": alice, "status": "complete"}
    question = Message.objects.create(role="user", text="Who moors boats?", **told)
    source = Source.objects.create(conversation=place, number=1, document=paper, page_number=1, spans=[[0, 4]])
    before = [(f"That is {said}.", []), ("See above.", [{"title": "Search", "text": f"1: {said}"}])]
    answers = [Message.objects.create(role="assistant", parent=question, text=text, tools=tools, **told)
               for text, tools in before]  # fmt: skip
    for answer in answers:
        RetrievedPassage.objects.create(answer=answer, source=source, rank=1, relevance=1, cosine=1, bm25=1)
    decision = taken_out(morgan, paper)
    rows = Message.objects.filter(role="assistant").order_by("created")
    assert "mooring" not in str(list(rows.values("text", "tools"))).lower()
    put_back(decision, morgan)
    assert list(rows.values_list("text", "tools")) == before


def test_taken_back_everything_is_as_it_was(alice: User, morgan: User, paper: Document) -> None:
    Document.objects.filter(pk=paper.pk).update(title=f"Harbour of {SECRET}", embedded_title="Harbour")
    Chunk.objects.filter(document=paper, heading="Boats").update(heading=f"Boats › {SECRET}", keywords=SECRET)
    paper.refresh_from_db()
    before = kept(paper)
    decision = taken_out(morgan, paper)
    paper.refresh_from_db()
    assert "Quixotrine" not in str(kept(paper))
    assert chunk_reindexing.reindex_chunks(paper.collection_id) == 2, "a title is embedded with each passage"
    put_back(decision, morgan)
    paper.refresh_from_db()
    assert kept(paper) == before
    assert chunk_reindexing.sweep() == 2 and SECRET in found(alice, "Who is Quixotrine?")


def test_of_two_decisions_each_puts_back_its_own(morgan: User, paper: Document) -> None:
    first = taken_out(morgan, paper)
    second = taken_out(morgan, paper, "along the wall")
    put_back(first, morgan)
    text = Page.objects.get(document=paper, number=1).text
    assert SECRET in text and "along the wall" not in text
    put_back(second, morgan)
    assert TEXT in Page.objects.get(document=paper, number=1).text


def test_a_line_break_in_it_makes_no_difference_and_what_is_not_there_is_refused(
    morgan: User, paper: Document, shelf: Collection
) -> None:
    Page.objects.filter(document=paper, number=1).update(text=TEXT.replace("of Mooring", "of\nMooring"))
    with transaction.atomic():
        assert redaction.redact(str(paper.pk), ["nothing of this"]) == {}
    taken_out(morgan, paper, SECRET.upper())
    text = Page.objects.get(document=paper, number=1).text
    assert "Quixotrine" not in text and "Mooring" not in text and "\n" in text


def test_a_version_that_is_read_later_has_the_same_gap_and_serves_no_other(
    alice: User, morgan: User, shelf: Collection
) -> None:
    row = store_upload(alice, shelf, SimpleUploadedFile("harbour.txt", TEXT.encode()))
    ingest(row.pk)
    decision = taken_out(morgan, Document.objects.get(pk=row.pk))
    again = store_upload(alice, shelf, SimpleUploadedFile("harbour.txt", f"Now. {TEXT}".encode()))
    ingest(again.pk)
    pages = Page.objects.filter(document__collection=shelf)
    assert pages.count() == 2 and not pages.filter(text__contains="Quixotrine").exists()
    chunk_reindexing.sweep()
    assert "Now. Boats" in found(alice, "Where are boats moored?") and "Quixotrine" not in found(alice, "Quixotrine")
    assert set(Document.every.values_list("parser_version", flat=True)) == {""}
    put_back(decision, morgan)
    assert pages.filter(text__contains=SECRET).count() == 2


def test_builds_that_knew_it_are_given_up_and_nothing_is_kept_of_a_deleted_document(
    morgan: User, paper: Document
) -> None:
    build = IndexBuild.objects.create(collection=paper.collection, search_settings={}, status="kept")
    chunk = Chunk.objects.get(document=paper, heading="Boats")
    chunk.pk, chunk.build, chunk.segment = None, build.pk, None
    chunk.save(force_insert=True)
    decision = taken_out(morgan, paper)
    assert not IndexBuild.objects.exists() and not Chunk.every.filter(build__gt=0).exists()
    remove_document(paper)
    assert AppliedEffect.objects.get(decision=decision, name="redact").restore_data == {}


def test_the_image_of_its_page_is_covered_there(paper: Document, morgan: User, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Page.objects.get(document=paper, number=1).text
    start = text.index("Quixotrine")
    words = [[0, 3, 0.1, 0.1, 0.1, 0.1], [start, start + len("Quixotrine"), 0.5, 0.5, 0.2, 0.1]]
    Document.objects.filter(pk=paper.pk).update(kind="pdf")
    Page.objects.filter(document=paper).update(boxes=words)
    paper.refresh_from_db()
    white = Path(settings.DATA_DIR) / "white.png"
    Image.new("RGB", (100, 100), "white").save(white)
    monkeypatch.setattr(page_view, "_drawn", lambda document, number, width: white.read_bytes())
    assert page_view.get_page_png(paper, 1, 800) == white.read_bytes()
    taken_out(morgan, paper, "Quixotrine")
    changed = Path(settings.DATA_DIR) / "changed.png"
    changed.write_bytes(page_view.get_page_png(paper, 1, 800))
    with Image.open(changed) as seen:
        assert seen.getpixel((60, 55)) == FILL_COLOUR and seen.getpixel((15, 15)) == (255, 255, 255)
    Page.objects.filter(document=paper).update(boxes=words[:1])
    with pytest.raises(page_view.PageImageError, match="redacted a part"):
        page_view.get_page_png(paper, 1, 800)


def test_a_document_that_is_deleted_while_its_index_is_written_ends_nothing(
    morgan: User, paper: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_out(morgan, paper)
    merge = index_maintenance.merge
    monkeypatch.setattr(index_maintenance, "merge", lambda place: (merge(place), remove_document(paper)))
    assert chunk_reindexing.sweep() == 0


def test_a_collection_without_its_embedder_keeps_no_other_from_being_found_again(
    alice: User, morgan: User, paper: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    for row in (paper, make_document(make_collection(alice, "Other"), "Quay", [Section(TEXT, "Boats")])):
        taken_out(morgan, row)
    asked: list[object] = []

    def embedder(pk: object) -> EmbedEngine:
        asked.append(pk)
        if len(asked) == 1:
            raise EngineRefused("There is no embedding model here any more.")
        return registry.get_embedder()

    monkeypatch.setattr(chunk_reindexing.embedders, "get_embedder_by_id", embedder)
    assert chunk_reindexing.sweep() == 1 and len(set(asked)) == 2


def test_while_another_rewrites_the_index_it_waits(morgan: User, paper: Document) -> None:
    taken_out(morgan, paper)
    with index_maintenance.IndexLease(paper.collection_id):
        assert chunk_reindexing.reindex_chunks(paper.collection_id) == 0
    assert chunk_reindexing.reindex_chunks(paper.collection_id) == 1
