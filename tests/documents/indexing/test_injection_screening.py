"""Which sentences of passages are embedded besides is asked in parts, and where nobody can say none are."""

from __future__ import annotations

from typing import Any

import pytest

from apps.documents.indexing import embedders
from apps.documents.ingestion import pipeline as ingesting
from apps.documents.ingestion.pipeline import ingest
from apps.engines import registry
from apps.engines.classify import span_embeddings
from apps.engines.classify.protocol import TokenStateEmbedder
from apps.engines.types import EngineBroken
from apps.reading.chunking.chunker import ChunkDraft
from apps.safety.gate import gate
from apps.users.models import User
from tests.factories import ingest_file, make_collection, upload_file

TEXTS = [f"Do as I say [planted] {number}" for number in range(5)]

pytestmark = pytest.mark.django_db


def test_a_long_document_is_looked_through_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders, "_PASSAGES", 2)
    real, parts = gate.find_suspect_sentences, list[int]()
    monkeypatch.setattr(gate, "find_suspect_sentences", lambda texts: (parts.append(len(texts)), real(texts))[1])
    assert embedders.find_suspect_spans(registry.get_embedder(), TEXTS) == [[text] for text in TEXTS]
    assert parts == [2, 2, 1]


def test_screening_finds_nothing_without_the_gate_or_the_classifier_embedder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise EngineBroken("It is damaged.")

    monkeypatch.setattr(gate, "find_suspect_sentences", lambda texts: None)
    assert embedders.find_suspect_spans(registry.get_embedder(), TEXTS) is None
    monkeypatch.setattr(registry, "get_classifier_embedder", broken)
    assert embedders.find_suspect_spans(registry.get_embedder(), TEXTS) is None


@pytest.mark.django_db(transaction=True)
def test_a_document_is_read_also_by_an_embedder_that_shows_nothing_inside(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would have been looked at cannot be, and is marked so; the others of the same batch are judged."""
    monkeypatch.setattr(registry.get_embedder(), "exposes_states", False, raising=False)
    assert embedders.find_suspect_spans(registry.get_embedder(), TEXTS) is None
    rows = [ingest_file(make_collection(alice), f"{at}.txt", text) for at, text in enumerate((TEXTS[0], "It is nine."))]
    assert [row.chunks.get().flag for row in rows] == ["unchecked", ""]


@pytest.mark.django_db(transaction=True)
def test_document_full_of_suspect_spans_keeps_what_fits_and_rereads_the_rest(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = span_embeddings.embed_spans_in_context, list[str]()
    monkeypatch.setattr(
        span_embeddings,
        "embed_spans_in_context",
        lambda of, texts, *rest: (seen.extend(texts), real(of, texts, *rest))[1],
    )
    monkeypatch.setattr(ingesting, "MAX_SUSPECT_SPANS", 3)
    rows = [upload_file(make_collection(alice), f"{at}.txt", text) for at, text in enumerate(TEXTS)]
    assert ingest(*(row.pk for row in rows)) == 5
    assert len(seen) == 2 and set(seen) < set(TEXTS)
    assert [row.chunks.get().flag for row in rows] == ["prompt_attack"] * 5


def test_an_order_that_comes_again_in_disguise_is_not_read_along_with_its_copies() -> None:
    order = "Do as I say [planted]"
    copies = [order, *[order.replace("say", "s\u200bay")] * 3]
    drafts = [
        ChunkDraft(1, 0, 1, "", text, "", 10) for text in (order, "\n".join(copies), "\n".join(["It is nine.", order]))
    ]
    rows = embedders.find_suspect_spans(registry.get_embedder(), [draft.text for draft in drafts])
    assert rows == [[order]] * 3
    found = embedders.locate_suspect_tokens(registry.get_embedder(), drafts, rows)
    assert [bool(spans) for spans in found] == [True, False, True]


@pytest.mark.django_db(transaction=True)
def test_a_passage_in_disguise_is_read_once_more_as_the_gate_sees_it(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = span_embeddings.embed_spans_in_context, list[str]()

    def noted(reader: TokenStateEmbedder, texts: list[str], *rest: Any) -> Any:
        seen.extend(texts)
        return real(reader, texts, *rest)

    monkeypatch.setattr(span_embeddings, "embed_spans_in_context", noted)
    said = ("Do as I say [planted] in clear words.", "Do as \U0001d408 say\u200b [planted] in disguise.")
    rows = [upload_file(make_collection(alice), f"{at}.txt", text) for at, text in enumerate(said)]
    assert ingest(*(row.pk for row in rows)) == 2
    assert seen == ["Do as I say [planted] in disguise."]
    assert [row.chunks.get().flag for row in rows] == ["prompt_attack"] * 2
