"""A part of a document that a reviewer takes out is nowhere to be read or found, and comes back whole."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone
from PIL import Image

from apps.conversations.models import Conversation, Message, RetrievedPassage, Source
from apps.conversations.moderation import retraction
from apps.documents.indexing import chunk_reindexing, index_maintenance
from apps.documents.library.deletion import remove_document
from apps.documents.models import Chunk, Collection, Document, IndexBuild, Page, Segment
from apps.documents.moderation import document_redaction
from apps.documents.reader import page_view
from apps.documents.reader.word_boxes import FILL_COLOUR
from apps.documents.retrieval.search import read_spans
from apps.engines import registry
from apps.engines.types import EmbedEngine, EngineRefused
from apps.safety.models import AppliedEffect
from apps.users.models import User
from tests.documents.conftest import search_text
from tests.factories import (
    SECRET,
    SECRET_TEXT,
    Section,
    ingest_file,
    make_collection,
    make_document,
    make_secret_document,
    redact_document,
    revert_decision,
)

pytestmark = pytest.mark.django_db(transaction=True)  # searches read in threads of their own


@pytest.fixture
def document(collection: Collection) -> Document:
    return make_secret_document(collection)


def read_stored_text(row: Document) -> dict[str, Any]:
    """All that is kept of what the document says."""
    rows = Chunk.all_objects.filter(document=row).order_by("position")
    return {
        "pages": list(Page.objects.filter(document=row).order_by("number").values_list("text", flat=True)),
        "chunks": list(rows.values("text", "heading", "keywords", "char_start", "char_end", "enabled")),
        "names": [row.title, row.embedded_title, row.name],
    }


def test_redacted_passage_leaves_search_at_once_and_returns_without_the_secret(
    alice: User, morgan: User, document: Document
) -> None:
    assert SECRET in search_text(alice, "Who is Quixotrine?")
    redact_document(morgan, document)
    assert "Quixotrine" not in search_text(alice, "Who is Quixotrine?")
    assert Chunk.objects.filter(document=document, segment=None).count() == 1, "the other passage is found as before"
    assert "granite" in search_text(alice, "What was the quay built of?")
    assert chunk_reindexing.reindex_chunks(document.collection_id) == 1
    passage = search_text(alice, "Where are boats moored?")
    assert "Boats are moored along the wall by █" in passage and "Quixotrine" not in passage
    chunk = Chunk.objects.get(document=document, heading="Boats")
    embed = registry.get_embedder()
    assert bytes(chunk.vector) != embed.embed_passages([f"Harbour › Boats\n{SECRET_TEXT}"])[0].tobytes()
    assert not Segment.objects.live().filter(stale_since__isnull=False).exists(), "no segment knows the old words"


def test_quotes_of_answers_and_viewers_lose_it_and_citations_point_where_they_did(
    alice_client: Client, alice: User, morgan: User, document: Document
) -> None:
    page = Page.objects.get(document=document, number=1)
    start = page.text.index(SECRET_TEXT)
    spans = [(document.pk, 1, [[start, start + len(SECRET_TEXT)]])]
    assert read_spans(alice, spans) == [SECRET_TEXT]
    redact_document(morgan, document)
    (said,) = read_spans(alice, spans)
    assert (
        said is not None and said.startswith("Boats are moored along the wall by █") and len(said) == len(SECRET_TEXT)
    )
    for address in (f"/documents/{document.pk}/", f"/documents/{document.pk}/passage/?page=1",
                    f"/collections/{document.collection_id}/passages/"):  # fmt: skip
        shown = alice_client.get(address).content.decode()
        assert "Boats are moored" in shown and "Quixotrine" not in shown


def test_the_file_is_not_given_out_meanwhile(
    alice_client: Client, alice: User, morgan: User, collection: Collection
) -> None:
    row = ingest_file(collection, "harbour.txt", SECRET_TEXT)
    assert alice_client.get(f"/documents/{row.pk}/file/").status_code == 200
    decision = redact_document(morgan, row)
    assert alice_client.get(f"/documents/{row.pk}/file/").status_code == 403
    revert_decision(decision, morgan)
    assert alice_client.get(f"/documents/{row.pk}/file/").status_code == 200


def test_an_answer_that_repeats_it_loses_it_too(alice: User, morgan: User, document: Document) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Boats")
    told = {"conversation": conversation, "asked_by": alice, "status": "complete"}
    question = Message.objects.create(role="user", text="Who moors boats?", **told)
    answer = Message.objects.create(role="assistant", parent=question, text=f"That is {SECRET}.", **told)
    source = Source.objects.create(
        conversation=conversation, number=1, document=document, page_number=1, spans=[[0, 4]]
    )
    RetrievedPassage.objects.create(answer=answer, source=source, rank=1, relevance=1, cosine=1, bm25=1)
    other = Message.objects.create(role="assistant", parent=question, text=f"Ask {SECRET}.", **told)
    decision = redact_document(morgan, document)
    answer.refresh_from_db()
    other.refresh_from_db()
    assert "Quixotrine" not in answer.text and len(answer.text) == len(f"That is {SECRET}.")
    assert SECRET in other.text, "it was not given the document"
    revert_decision(decision, morgan)
    answer.refresh_from_db()
    assert answer.text == f"That is {SECRET}."


def test_pages_and_logs_forget_an_answer_that_only_quotes_it(
    alice: User, morgan: User, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[UUID]()
    monkeypatch.setattr(retraction, "announce_change", lambda rows, reason: told.extend(row.pk for row in rows))
    conversation, now = Conversation.objects.create(owner=alice, title="Boats"), timezone.now()
    source = Source.objects.create(
        conversation=conversation, number=1, document=document, page_number=1, spans=[[0, 4]]
    )
    about = {"conversation": conversation, "asked_by": alice, "status": "complete"}
    question = Message.objects.create(role="user", text="Who moors boats?", **about)
    quoting, old, _ = [
        Message.objects.create(role="assistant", parent=question, text="See above.", ended=now - ago, **about)
        for ago in (timedelta(minutes=5), timedelta(days=9), timedelta(minutes=5))
    ]
    for answer in (quoting, old):
        RetrievedPassage.objects.create(answer=answer, source=source, rank=1, relevance=1, cosine=1, bm25=1)
    redact_document(morgan, document)
    assert told == [quoting.pk]


@pytest.mark.parametrize("said", [SECRET.upper(), SECRET.replace(" ", "\n")])
def test_an_answer_that_spells_it_otherwise_or_has_it_of_a_tool_loses_it_too(
    alice: User, morgan: User, document: Document, said: str
) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Boats")
    told = {"conversation": conversation, "asked_by": alice, "status": "complete"}
    question = Message.objects.create(role="user", text="Who moors boats?", **told)
    source = Source.objects.create(
        conversation=conversation, number=1, document=document, page_number=1, spans=[[0, 4]]
    )
    before = [(f"That is {said}.", []), ("See above.", [{"title": "Search", "text": f"1: {said}"}])]
    answers = [Message.objects.create(role="assistant", parent=question, text=text, tools=tools, **told)
               for text, tools in before]  # fmt: skip
    for answer in answers:
        RetrievedPassage.objects.create(answer=answer, source=source, rank=1, relevance=1, cosine=1, bm25=1)
    decision = redact_document(morgan, document)
    rows = Message.objects.filter(role="assistant").order_by("created")
    assert "mooring" not in str(list(rows.values("text", "tools"))).lower()
    revert_decision(decision, morgan)
    assert list(rows.values_list("text", "tools")) == before


def test_redaction_that_is_reverted_leaves_everything_as_it_was(alice: User, morgan: User, document: Document) -> None:
    Document.objects.filter(pk=document.pk).update(title=f"Harbour of {SECRET}", embedded_title="Harbour")
    Chunk.objects.filter(document=document, heading="Boats").update(heading=f"Boats › {SECRET}", keywords=SECRET)
    document.refresh_from_db()
    before = read_stored_text(document)
    decision = redact_document(morgan, document)
    document.refresh_from_db()
    assert "Quixotrine" not in str(read_stored_text(document))
    assert chunk_reindexing.reindex_chunks(document.collection_id) == 2, "a title is embedded with each passage"
    revert_decision(decision, morgan)
    document.refresh_from_db()
    assert read_stored_text(document) == before
    assert chunk_reindexing.sweep() == 2 and SECRET in search_text(alice, "Who is Quixotrine?")


def test_reverting_one_of_two_redactions_restores_only_its_own_text(morgan: User, document: Document) -> None:
    first = redact_document(morgan, document)
    second = redact_document(morgan, document, "along the wall")
    revert_decision(first, morgan)
    text = Page.objects.get(document=document, number=1).text
    assert SECRET in text and "along the wall" not in text
    revert_decision(second, morgan)
    assert SECRET_TEXT in Page.objects.get(document=document, number=1).text


def test_a_line_break_in_it_makes_no_difference_and_what_is_not_there_is_refused(
    morgan: User, document: Document, collection: Collection
) -> None:
    Page.objects.filter(document=document, number=1).update(text=SECRET_TEXT.replace("of Mooring", "of\nMooring"))
    with transaction.atomic():
        assert document_redaction.redact(str(document.pk), ["nothing of this"]) == {}
    redact_document(morgan, document, SECRET.upper())
    text = Page.objects.get(document=document, number=1).text
    assert "Quixotrine" not in text and "Mooring" not in text and "\n" in text


def test_a_version_that_is_read_later_has_the_same_gap_and_serves_no_other(
    alice: User, morgan: User, collection: Collection
) -> None:
    decision = redact_document(morgan, ingest_file(collection, "harbour.txt", SECRET_TEXT))
    ingest_file(collection, "harbour.txt", f"Now. {SECRET_TEXT}")
    pages = Page.objects.filter(document__collection=collection)
    assert pages.count() == 2 and not pages.filter(text__contains="Quixotrine").exists()
    chunk_reindexing.sweep()
    assert "Now. Boats" in search_text(alice, "Where are boats moored?") and "Quixotrine" not in search_text(
        alice, "Quixotrine"
    )
    assert set(Document.all_objects.values_list("parser_version", flat=True)) == {""}
    revert_decision(decision, morgan)
    assert pages.filter(text__contains=SECRET).count() == 2


def test_builds_that_knew_it_are_given_up_and_nothing_is_kept_of_a_deleted_document(
    morgan: User, document: Document
) -> None:
    build = IndexBuild.objects.create(collection=document.collection, search_settings={}, status="kept")
    chunk = Chunk.objects.get(document=document, heading="Boats")
    chunk.pk, chunk.build, chunk.segment = None, build.pk, None
    chunk.save(force_insert=True)
    decision = redact_document(morgan, document)
    assert not IndexBuild.objects.exists() and not Chunk.all_objects.filter(build__gt=0).exists()
    remove_document(document)
    assert AppliedEffect.objects.get(decision=decision, name="redact").restore_data == {}


def test_the_image_of_its_page_is_covered_there(
    document: Document, morgan: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Page.objects.get(document=document, number=1).text
    start = text.index("Quixotrine")
    words = [[0, 3, 0.1, 0.1, 0.1, 0.1], [start, start + len("Quixotrine"), 0.5, 0.5, 0.2, 0.1]]
    Document.objects.filter(pk=document.pk).update(kind="pdf")
    Page.objects.filter(document=document).update(boxes=words)
    document.refresh_from_db()
    white = Path(settings.DATA_DIR) / "white.png"
    Image.new("RGB", (100, 100), "white").save(white)
    monkeypatch.setattr(page_view, "_load_image", lambda document, number, width: white.read_bytes())
    assert page_view.get_page_png(document, 1, 800) == white.read_bytes()
    redact_document(morgan, document, "Quixotrine")
    changed = Path(settings.DATA_DIR) / "changed.png"
    changed.write_bytes(page_view.get_page_png(document, 1, 800))
    with Image.open(changed) as seen:
        assert seen.getpixel((60, 55)) == FILL_COLOUR and seen.getpixel((15, 15)) == (255, 255, 255)
    Page.objects.filter(document=document).update(boxes=words[:1])
    with pytest.raises(page_view.PageImageError, match="redacted a part"):
        page_view.get_page_png(document, 1, 800)


def test_a_document_that_is_deleted_while_its_index_is_written_ends_nothing(
    morgan: User, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    redact_document(morgan, document)
    merge = index_maintenance.merge
    monkeypatch.setattr(
        index_maintenance, "merge", lambda collection_id: (merge(collection_id), remove_document(document))
    )
    assert chunk_reindexing.sweep() == 0


def test_a_collection_without_its_embedder_keeps_no_other_from_being_found_again(
    alice: User, morgan: User, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    for row in (document, make_document(make_collection(alice, "Other"), "Quay", [Section(SECRET_TEXT, "Boats")])):
        redact_document(morgan, row)
    asked: list[object] = []

    def embedder(pk: object) -> EmbedEngine:
        asked.append(pk)
        if len(asked) == 1:
            raise EngineRefused("There is no embedding model here any more.")
        return registry.get_embedder()

    monkeypatch.setattr(chunk_reindexing.embedders, "get_embedder_by_id", embedder)
    assert chunk_reindexing.sweep() == 1 and len(set(asked)) == 2


def test_chunk_reindexing_waits_while_another_process_rewrites_the_index(morgan: User, document: Document) -> None:
    redact_document(morgan, document)
    with index_maintenance.IndexLease(document.collection_id):
        assert chunk_reindexing.reindex_chunks(document.collection_id) == 0
    assert chunk_reindexing.reindex_chunks(document.collection_id) == 1
