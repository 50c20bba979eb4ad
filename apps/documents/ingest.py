"""From an uploaded file to passages: claim · sniff · parse · chunk · screen · embed · index · ready / failed(reason).

The row is the queue and `Job` holds it. Every step can be done again: pages and chunks are written anew, the segment
becomes visible in the transaction that makes the document ready, and that transaction checks that the lease is still
ours. No transaction is open while a file is parsed or a model computes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import transaction

from apps.documents import sandbox, segments
from apps.documents.chunking import Chunker, Draft, without
from apps.documents.furniture import furniture
from apps.documents.job import TICK_S, Fault, IngestError, Job, Lost
from apps.documents.models import Chunk, Document, Page
from apps.documents.parsers.base import MAX_CHARACTERS, ParsedPage, Piece, Unreadable
from apps.documents.sniff import sniff
from apps.engines import registry
from apps.engines.base import EngineError, IndexEntry, SegmentInfo
from apps.safety.gate import check_passage

if TYPE_CHECKING:
    from apps.engines.base import Vectors

log = logging.getLogger(__name__)

Stage = Document.Stage
T = TypeVar("T")
ROWS = 400  # of one short transaction
BATCH_S = 3  # that a batch of embeddings should take, so that the bar moves and a worker ends soon when told to
SMALLEST, LARGEST = 128, 512  # chunks of a batch
_encoding = threading.Lock()  # the encoder takes all cores: while one document is embedded, another is parsed

NO_TEXT = {
    "pdf": "No text was found in this PDF; its pages are perhaps pictures, as in a scan. "
    "Make it searchable with a text recognition program (OCR) and upload that.",
}
NOTHING = "No text was found in this file. Check that it is the right one."


def ingest(document_id: UUID) -> None:
    """The document is ready, or its row says why not; calling it again, or twice at once, changes nothing."""
    job = Job.claim(document_id)
    if job is None:
        return
    with job:
        try:
            kind = _sniff(job)
            pages = _parse(job, kind)
            chunks = _chunk(job, pages)
            flags = _screen(job, chunks)
            vectors = _embed(job, chunks)
            rows = _store(job, pages, chunks, flags, vectors)
            segment = _index(job, rows, vectors)
            _publish(job, len(pages), segment)
        except Unreadable as error:
            raise IngestError(str(error), Fault.USER_FIXABLE) from error
        except sandbox.ReaderBroke as error:
            raise IngestError(str(error), Fault.BUG) from error
        except EngineError as error:
            raise IngestError(str(error), Fault.RETRYABLE if error.retry else Fault.BUG) from error
    segments.merge(job.document.collection_id)


def _sniff(job: Job) -> str:
    job.tick(Stage.SNIFF)
    path = _path(job.document)
    if not path.is_file():
        raise Unreadable("The stored file is missing. Please upload it again.")
    kind = sniff(path, job.document.name)
    job.renew(kind=kind)
    job.document.kind = kind
    return kind


def _parse(job: Job, kind: str) -> list[ParsedPage]:
    """All pages, read in a child process; the document has the title that it gives itself, unless a person gave one."""
    job.tick(Stage.PARSE)
    options = {"kind": kind, "pages": settings.MAX_PAGES, "characters": MAX_CHARACTERS}
    answers = sandbox.stream(
        "parse", _path(job.document), options, seconds=settings.PARSE_SECONDS, memory_bytes=settings.PARSE_MEMORY_BYTES
    )
    pages: list[ParsedPage] = []
    title, total = "", 0
    try:
        for answer in answers:
            if answer and "page" in answer:
                pieces = tuple(Piece(*piece) for piece in answer["pieces"])
                pages.append(ParsedPage(answer["page"], answer["text"], pieces, *answer["size"]))
            elif answer:
                title, total = answer.get("title", title), answer.get("total", total)
            job.tick(Stage.PARSE, len(pages), total)
    finally:
        answers.close()
    if not any(page.text.strip() for page in pages):
        raise Unreadable(NO_TEXT.get(kind, NOTHING))
    job.document.title = job.document.title or title
    return pages


def _chunk(job: Job, pages: list[ParsedPage]) -> list[Draft]:
    job.tick(Stage.CHUNK, 0, len(pages))
    embed = registry.embed()
    chunker = Chunker(str(job.document), embed.offsets, embed.max_tokens)
    drafts: list[Draft] = []
    dropped = furniture(pages) if job.document.has_pages else {}
    for page in pages:
        drafts += chunker.cut(without(page, dropped.get(page.number, set())))
        job.tick(Stage.CHUNK, page.number, len(pages))
    if not drafts:
        raise Unreadable(NOTHING)
    return drafts


def _screen(job: Job, chunks: list[Draft]) -> list[str]:
    """For each chunk the rule of the gate that it matches, or nothing; a match is kept and hides nothing."""
    flags: list[str] = []
    for chunk in chunks:
        verdict = check_passage(chunk.text)
        flags.append("" if verdict.allowed else verdict.rule)
        job.tick(Stage.SCREEN, len(flags), len(chunks))
    return flags


def _embed(job: Job, chunks: list[Draft]) -> Vectors:
    """One vector a chunk, in their order. Batches are of one length, so that little is computed on padding."""
    embed = registry.embed()
    job.tick(Stage.EMBED, 0, len(chunks))
    vectors = np.zeros((len(chunks), embed.dimension), dtype=np.float32)
    order = sorted(range(len(chunks)), key=lambda index: -chunks[index].tokens)
    done, size = 0, SMALLEST
    while done < len(order):
        batch = order[done : done + size]
        while not _encoding.acquire(timeout=TICK_S):
            job.tick(Stage.EMBED, done, len(chunks))
        try:
            began = time.monotonic()
            vectors[batch] = embed.embed_passages([chunks[index].embedded for index in batch])
            took = max(time.monotonic() - began, 1e-3)
        finally:
            _encoding.release()
        done += len(batch)
        job.tick(Stage.EMBED, done, len(chunks))
        size = int(min(LARGEST, max(SMALLEST, min(2 * size, BATCH_S * len(batch) / took))))
    return vectors


def _store(job: Job, pages: list[ParsedPage], chunks: list[Draft], flags: list[str], vectors: Vectors) -> list[Chunk]:
    """Pages and chunks are in the database, still invisible; each batch is written only while the lease is ours."""
    job.tick(Stage.INDEX)
    fingerprint = registry.embed().fingerprint
    document = job.document
    with transaction.atomic():
        job.renew()
        Chunk.objects.filter(document=document).delete()
        Page.objects.filter(document=document).delete()
    for part in _parts(pages):
        with transaction.atomic():
            job.renew()
            Page.objects.bulk_create(
                Page(document=document, number=p.number, text=p.text, width=p.width, height=p.height) for p in part
            )
    rows: list[Chunk] = []
    for numbered in _parts(list(enumerate(chunks))):
        with transaction.atomic():
            job.renew()
            rows += Chunk.objects.bulk_create(
                Chunk(
                    document=document, position=at, page_number=draft.page_number,
                    char_start=draft.start, char_end=draft.end, heading=draft.heading,
                    text=draft.text, tokens=draft.tokens, flag=flags[at],
                    vector=vectors[at].tobytes(), fingerprint=fingerprint,
                )
                for at, draft in numbered
            )  # fmt: skip
        job.tick(Stage.INDEX, len(rows), len(chunks))
    return rows


def _index(job: Job, rows: list[Chunk], vectors: Vectors) -> SegmentInfo:
    title = job.document.title or job.document.name
    entries = [IndexEntry(row.pk, row.text, title, row.heading) for row in rows]
    job.tick(Stage.INDEX, len(rows), len(rows))
    return registry.index().write(job.document.collection_id.hex, entries, vectors, rows[0].fingerprint)


def _publish(job: Job, pages: int, segment: SegmentInfo) -> None:
    """Everything of the document is visible from one moment to the next, or, where the lease was lost, nothing."""
    document = job.document
    try:
        with transaction.atomic():
            job.end(Document.Status.READY, pages_count=pages, reason="", attempts=0)
            Document.objects.filter(pk=document.pk, title="").update(title=document.title)  # a person's own stays
            row = segments.record(segment)
            Chunk.objects.filter(document=document).update(segment=row)
    except Lost:
        registry.index().drop([segment])
        raise


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(items), ROWS):
        yield items[at : at + ROWS]


def _path(document: Document) -> Path:
    return Path(settings.MEDIA_ROOT) / str(document.file)
