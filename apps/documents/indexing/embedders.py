"""Choose the embedder of a collection, the site's own or one of `EMBED_MORE`, and use it for chunks and the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from apps.documents.models import Chunk, Collection, Document, Segment
from apps.documents.settings import read_collection_settings
from apps.engines import registry
from apps.engines.classify import span_embeddings
from apps.engines.embed.calibration import CALIBRATION_PAIRS, find_unread_languages
from apps.engines.embed.paired import PairedEmbedder
from apps.engines.types import EmbedEngine, EngineError
from apps.reading.chunking.chunker import ChunkDraft, Chunker, compose_embedding_text
from apps.safety.gate import gate
from apps.safety.gate.gate import Verdict, check_passages
from apps.safety.policy.verdicts import SuspectSentences
from apps.safety.text.normalization import normalise

if TYPE_CHECKING:
    from apps.engines.embed.protocol import SpanEmbeddings, Spans, Tokenised
    from apps.engines.types import Vectors

_ROWS = 500  # chunks embedded and stored at a time
_PASSAGES = 400  # passages in which suspect sentences are searched at a time


def get_embedder(collection: Collection) -> EmbedEngine:
    """Return the embedder of the collection. Raises EngineRefused if its settings name one that is no longer
    configured."""
    return registry.get_embedder(read_collection_settings(collection.search_settings).embedder)


def get_embedder_by_id(collection: UUID) -> EmbedEngine:
    """Return the embedder of the collection with this id; the site's own if it was deleted. Raises EngineRefused."""
    stored = Collection.all_objects.filter(pk=collection).values_list("search_settings", flat=True).first()
    return registry.get_embedder(read_collection_settings(stored).embedder)


def get_fingerprint(collection: Collection) -> str:
    """Return the fingerprint that segments need to be searched; "" if the embedder cannot be loaded."""
    try:
        return get_embedder(collection).fingerprint
    except EngineError:
        return ""


def list_unembedded_languages(collections: Iterable[UUID]) -> list[str]:
    """Return ISO 639-1 codes of languages of ready documents that their collection's embedder does not know, sorted.

    These documents are found by words only. Call through `in_db`.
    """
    rows = Document.objects.filter(
        collection__in=collections, status=Document.Status.READY, language__in=CALIBRATION_PAIRS
    )
    found = rows.order_by().values_list("collection__search_settings__embedder", "language").distinct()
    return sorted({language for name, language in found if language in _find_unread(name or "")})


def _find_unread(name: str) -> frozenset[str]:
    try:
        return find_unread_languages(registry.get_embedder(name))
    except EngineError:
        return frozenset()


def is_compatible(segment: Segment) -> bool:
    """Return whether the present embedder of its collection made the segment; False if that one cannot be loaded."""
    try:
        engine = get_embedder(segment.collection)
        return (segment.fingerprint, segment.dimension) == (engine.fingerprint, engine.dimension)
    except EngineError:
        return False


def find_suspect_spans(engine: EmbedEngine, texts: Sequence[str]) -> list[list[str]] | None:
    """Return, for each text, the sentences that `screen_passages` should score one by one.

    None if the safety check uses another embedder, if the embedder gives no token states, or if the classifier cannot
    be loaded. Works in parts: the n-grams of a whole long document would take a gigabyte.
    """
    try:
        if _get_own_part(engine) is not registry.get_classifier_embedder():
            return None
        span_embeddings.require_token_states(engine)
    except EngineError:  # screening will report the failure for each passage
        return None
    suspects: list[list[str]] = []
    for at in range(0, len(texts), _PASSAGES):
        if (part := gate.find_suspect_sentences(texts[at : at + _PASSAGES])) is None:
            return None
        suspects += part
    return suspects


def locate_suspect_tokens(
    engine: EmbedEngine, chunks: Sequence[ChunkDraft], rows: Sequence[Sequence[str]] | None
) -> list[Spans]:
    """Return, per chunk, the token spans of its suspect sentences in the text that is embedded.

    Empty for a chunk whose sentences the gate reads in a changed form: without disguises, or without repetitions.
    """
    spans_by_chunk: list[Spans] = [()] * len(chunks)
    for at, row in enumerate(rows or ()):
        text, embedding_text = chunks[at].text, chunks[at].embedding_text
        starts = [text.find(piece) for piece in row]
        if row and min(starts) >= 0 and not span_embeddings.is_repeated(normalise(text), row):
            lead = len(embedding_text) - len(text)
            spans = [(lead + start, lead + start + len(each)) for start, each in zip(starts, row, strict=True)]
            spans_by_chunk[at] = span_embeddings.require_token_states(engine).token_spans(embedding_text, spans)
    return spans_by_chunk


def embed_with_spans(
    engine: EmbedEngine, passages: Sequence[Tokenised], spans: Sequence[Spans]
) -> tuple[Vectors, list[SpanEmbeddings | None]]:
    """Return vectors of shape (n, dimension), and the embeddings at the token spans of each passage that has any."""
    if not any(spans):
        return engine.embed_passages(passages), [None] * len(passages)
    return span_embeddings.require_token_states(engine).embed_with_spans(
        passages, spans, registry.get_injection_detector().layers
    )


def screen_passages(
    engine: EmbedEngine, texts: Sequence[str], vectors: Vectors, suspects: SuspectSentences | None = None
) -> list[Verdict]:
    """Return the gate's verdict per passage. Passages are embedded again if `engine` is not the site's own embedder."""
    own = registry.get_embedder()
    if _get_own_part(engine) is not own:
        vectors = own.embed_passages(texts)
    elif isinstance(engine, PairedEmbedder):
        vectors = engine.get_first_vectors(vectors)
    return check_passages(texts, vectors, suspects)


def _get_own_part(engine: EmbedEngine) -> EmbedEngine | None:
    """Return the site's own embedder if `engine` is it or holds its vectors; else None."""
    own = registry.get_embedder()
    return own if own is (engine.first if isinstance(engine, PairedEmbedder) else engine) else None


def reembed_chunks(rows: Sequence[Chunk], engine: EmbedEngine, renew: Callable[[], None]) -> None:
    """Embed the chunks whose vector is not of this engine, and store the vectors. `renew` is called after each 500."""
    size = engine.dimension * np.dtype(np.float32).itemsize
    chunkers: dict[UUID, Chunker] = {}
    stale = [row for row in rows if row.fingerprint != engine.fingerprint or len(row.vector) != size]
    for start in range(0, len(stale), _ROWS):
        part = stale[start : start + _ROWS]
        vectors = engine.embed_passages([_compose_text(row, chunkers, engine) for row in part])
        for row, vector in zip(part, vectors, strict=True):
            row.vector, row.fingerprint = vector.tobytes(), engine.fingerprint
        Chunk.objects.bulk_update(part, ["vector", "fingerprint"], batch_size=100)
        renew()


def _compose_text(row: Chunk, chunkers: dict[UUID, Chunker], engine: EmbedEngine) -> str:
    """Return the text that is embedded for a chunk, composed as at ingestion."""
    chunker = chunkers.get(row.document_id)
    if chunker is None:
        chunker = chunkers[row.document_id] = Chunker(str(row.document), engine.offsets, engine.max_tokens)
    return compose_embedding_text(chunker.header(row.heading)[0], row.text)
