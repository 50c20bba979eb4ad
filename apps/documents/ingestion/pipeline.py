"""Ingest documents: claim, fetch, detect format, parse, chunk, embed, screen, index; then ready, or failed with a
reason.

Results of the same content are reused after the format is known (`content_reuse.py`). The rows are the queue, and an
`IngestJob` holds each. Every step can be repeated: pages and chunks are rewritten, and the segment becomes visible in
the transaction that makes the document ready. That transaction checks the lease. No transaction is open while a file is
parsed or a model computes.

Small documents go through the steps together, to share fixed costs: one batch of the embedder, one transaction, one
segment. Each keeps its own lease, progress and end. `ingest` is the entry point.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from django.conf import settings

from apps.documents.indexing import embedders
from apps.documents.indexing.document_chunking import chunk_pages
from apps.documents.ingestion.batch import IngestBatch, IngestItem, report_batch_progress
from apps.documents.ingestion.content_reuse import get_chunking_version, reuse_content
from apps.documents.ingestion.file_parsing import EMPTY_FILE, get_file_path, parse_batch
from apps.documents.ingestion.publishing import publish
from apps.documents.jobs.ingest_job import IngestJob
from apps.documents.library.web_pages import fetch_web_page
from apps.documents.models import Document
from apps.documents.settings import read_collection_settings
from apps.reading.chunking.chunker import ChunkDraft
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox.runner import detect_format
from apps.safety.policy.verdicts import SuspectSentences

if TYPE_CHECKING:
    from apps.engines.embed.protocol import SpanEmbeddings, Spans, Tokenised
    from apps.engines.types import EmbedEngine, Vectors

Stage = Document.Stage
BATCH_S = 3  # seconds that a batch of embeddings should take, so that progress shows and a worker stops soon
SMALLEST, LARGEST = 128, 512  # chunks in a batch
CHUNKS_PER_SCREENING = 400  # chunks between two updates of the progress
MAX_SUSPECT_SPANS = 20_000  # span embeddings kept for the gate, 30 MB; the gate embeds the rest again
FEW_CHUNKS = 64  # chunks up to which a document shares its batch with others


def ingest(*documents: UUID) -> int:
    """Ingest those of the documents that can be claimed. Return how many became ready.

    Each is ready afterwards, queued again, or failed with a reason in its row. Repeated or concurrent calls change
    nothing. Must not run inside a transaction; takes seconds to hours.
    """
    with closing(IngestBatch([IngestItem(job) for job in IngestJob.claim_all(documents)])) as claimed:
        claimed.run_each(lambda item: fetch_web_page(item.job))
        claimed.run_each(_detect_format)
        claimed.run_each(reuse_content)
        for read in parse_batch(claimed):
            read.run_each(_chunk)
            for batch in _split_by_embedder(read):
                batch.run_all(_embed)
                batch.run_all(_screen)
                batch.run_all(publish)
        return claimed.count_ready()


def _detect_format(item: IngestItem) -> None:
    item.job.report_progress(Stage.SNIFF)
    path = get_file_path(item.document)
    if not path.is_file():
        raise ParseError("The stored file is missing. Upload it again.")
    item.document.kind = detect_format(path, item.document.name, memory_bytes=settings.PARSE_MEMORY_BYTES)


def _chunk(item: IngestItem) -> None:
    job, document, pages = item.job, item.document, item.pages
    document.chunking_version = get_chunking_version(document)
    if item.reuses_chunks:
        return
    job.report_progress(Stage.CHUNK, 0, len(pages))
    embed, target = (
        embedders.get_embedder(document.collection),
        read_collection_settings(document.collection.search_settings).chunk_tokens,
    )
    for page, drafts in chunk_pages(document, pages, embed, target):
        item.chunks += drafts
        job.report_progress(Stage.CHUNK, page.number, len(pages))
    if not item.chunks and any(page.text.strip() for page in pages):
        raise ParseError(EMPTY_FILE)


def _split_by_embedder(read: IngestBatch) -> Iterator[IngestBatch]:
    """Yield, per embedder, a batch of the small documents, then one of each large document."""
    of_one: dict[str, list[IngestItem]] = {}
    for item in read:
        of_one.setdefault(read_collection_settings(item.document.collection.search_settings).embedder, []).append(item)
    for items in of_one.values():
        yield IngestBatch([item for item in items if len(item.chunks) <= FEW_CHUNKS])
        for item in items:
            if len(item.chunks) > FEW_CHUNKS:
                yield IngestBatch([item])


def _embed(items: Sequence[IngestItem]) -> None:
    """Set the vectors of each item, one per chunk in order, and the embeddings of sentences that the gate will screen.

    Both come from one pass of the model. Equal chunks are embedded once: a file may repeat one line very often.
    """
    embed = embedders.get_embedder(items[0].document.collection)
    report_batch_progress(items, Stage.EMBED, 0)
    items = [item for item in items if not item.reuses_chunks]
    chunks: list[ChunkDraft] = [chunk for item in items for chunk in item.chunks]
    rows = embedders.find_suspect_spans(embed, [chunk.text for chunk in chunks])
    spans = embedders.locate_suspect_tokens(embed, chunks, rows)
    indexes = {chunk.embedding_text: at for at, chunk in enumerate(chunks)}
    read = [chunks[at].tokenised or embed.tokenised(text) for text, at in indexes.items()]
    vectors, inside = _vectors(
        embed,
        read,
        [spans[at] for at in indexes.values()],
        lambda share: report_batch_progress(items, Stage.EMBED, share),
    )
    place = {text: at for at, text in enumerate(indexes)}
    own = [place[chunk.embedding_text] for chunk in chunks]
    vectors, inside = vectors[own], [inside[at] for at in own]
    at = 0
    for item in items:
        end = at + len(item.chunks)
        item.vectors, item.suspects = (
            vectors[at:end],
            None if rows is None else SuspectSentences(rows[at:end], inside[at:end]),
        )
        at = end


def _vectors(
    engine: EmbedEngine, read: Sequence[Tokenised], spans: Sequence[Spans], report: Callable[[float], None]
) -> tuple[Vectors, list[SpanEmbeddings | None]]:
    """Return vectors of shape (len(read), dimension), and the embeddings of the token `spans` of each passage that has
    any.

    Passages of similar length share a batch, so that little is computed on padding. `report` is called with the share
    done.
    """
    vectors = np.zeros((len(read), engine.dimension), dtype=np.float32)
    inside: list[SpanEmbeddings | None] = [None] * len(read)
    order = sorted(range(len(read)), key=lambda index: -read[index].count)
    done, size, pieces = 0, SMALLEST, 0
    while done < len(order):
        batch = order[done : done + size]
        started = time.monotonic()
        passages, wanted = [read[index] for index in batch], [spans[index] for index in batch]
        vectors[batch], found = embedders.embed_with_spans(engine, passages, wanted)
        for index, suspects in zip(batch, found, strict=True):
            if suspects is not None and pieces + len(suspects.passage_cosines) <= MAX_SUSPECT_SPANS:
                inside[index], pieces = suspects, pieces + len(suspects.passage_cosines)
        seconds = max(time.monotonic() - started, 1e-3)
        done += len(batch)
        report(done / len(read))
        size = int(min(LARGEST, max(SMALLEST, min(2 * size, BATCH_S * len(batch) / seconds))))
    return vectors, inside


def _screen(items: Sequence[IngestItem]) -> None:
    """Store the gate's verdict of each chunk. A flagged chunk stays searchable."""
    for item in items:
        item.verdicts = []
    embed = embedders.get_embedder(items[0].document.collection)
    chunks = [(item, at) for item in items for at in range(len(item.chunks))]
    for start in range(0, len(chunks), CHUNKS_PER_SCREENING):
        part = chunks[start : start + CHUNKS_PER_SCREENING]
        vectors = np.stack([item.vectors[at] for item, at in part])
        texts = [item.chunks[at].text for item, at in part]
        verdicts = embedders.screen_passages(embed, texts, vectors, _suspects(part))
        for (item, _), verdict in zip(part, verdicts, strict=True):
            item.verdicts.append(verdict)
        report_batch_progress(items, Stage.SCREEN, min(1, (start + CHUNKS_PER_SCREENING) / len(chunks)))


def _suspects(part: Sequence[tuple[IngestItem, int]]) -> SuspectSentences | None:
    """Return the suspect sentences of these chunks; None unless they are known for all of them."""
    reused = [(item.suspects, at) for item, at in part if item.suspects is not None]
    if len(reused) < len(part):
        return None
    return SuspectSentences([of.sentences[at] for of, at in reused], [of.embeddings[at] for of, at in reused])
