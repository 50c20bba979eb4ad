"""From uploaded files to passages: claim · sniff · parse · chunk · embed · screen · index · ready / failed(reason).

What is known of the same content is taken over between sniff and parse (`reusing.py`).

The rows are the queue and a `Job` holds each. Every step can be done again: pages and chunks are written anew, the
segment becomes visible in the transaction that makes the document ready, and that transaction checks that the lease is
still ours. No transaction is open while a file is parsed or a model computes.

Small documents go through the steps together, for what a step costs beside the work itself: their chunks are one batch
of the embedder, their rows one transaction, their index one segment. Each keeps its own lease, progress and end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from apps.documents import embedders, segments
from apps.documents.chunking import Draft
from apps.documents.cutting import pages_cut
from apps.documents.group import Group, Work, tick
from apps.documents.job import Job
from apps.documents.models import Document
from apps.documents.parsers.base import Unreadable
from apps.documents.parsing import NOTHING, parsed, path_of
from apps.documents.publishing import publish
from apps.documents.reusing import cutting, reuse
from apps.documents.sniff import sniff
from apps.documents.tuning import tuning
from apps.documents.web_pages import fetch_page
from apps.safety.check import Suspects

if TYPE_CHECKING:
    from apps.engines.base import EmbedEngine, Vectors
    from apps.engines.embed.base import Inside, Spans, Tokenised

Stage = Document.Stage
BATCH_S = 3  # that a batch of embeddings should take, so that the bar moves and a worker ends soon when told to
SMALLEST, LARGEST = 128, 512  # chunks of a batch
SCREENED = 400  # chunks between two ticks
PIECES = 20_000  # of what the gate will read that are kept so long, 30 MB; the rest it reads once more
FEW = 64  # chunks of a document that waits for others; one of more goes by itself


def ingest(*documents: UUID) -> int:
    """Each document is ready, or its row says why not; calling it again, or twice at once, changes nothing. Returns how
    many it made ready."""
    with closing(Group([Work(job) for job in Job.claim_all(documents)])) as claimed:
        claimed.each(lambda work: fetch_page(work.job))
        claimed.each(_sniff)
        claimed.each(reuse)
        for read in parsed(claimed):
            read.each(_chunk)
            for group in _together(read):
                group.all(_embed)
                group.all(_screen)
                group.all(publish)
        for collection in {work.document.collection_id for work in claimed.done}:
            segments.merge(collection, thorough=False)
        return len(claimed.done)


def _sniff(work: Work) -> None:
    work.job.tick(Stage.SNIFF)
    path = path_of(work.document)
    if not path.is_file():
        raise Unreadable("The stored file is missing. Please upload it again.")
    work.document.kind = sniff(path, work.document.name)


def _chunk(work: Work) -> None:
    job, document, pages = work.job, work.document, work.pages
    document.cut_by = cutting(document)
    if work.embedded:
        return
    job.tick(Stage.CHUNK, 0, len(pages))
    embed, target = embedders.of(document.collection), tuning(document.collection.tuning).chunk_tokens
    for page, drafts in pages_cut(document, pages, embed, target):
        work.chunks += drafts
        job.tick(Stage.CHUNK, page.number, len(pages))
    if not work.chunks and any(page.text.strip() for page in pages):
        raise Unreadable(NOTHING)


def _together(read: Group) -> Iterator[Group]:
    """For each embedder the small ones together, then each large one by itself."""
    of_one: dict[str, list[Work]] = {}
    for work in read:
        of_one.setdefault(tuning(work.document.collection.tuning).embedder, []).append(work)
    for works in of_one.values():
        yield Group([work for work in works if len(work.chunks) <= FEW])
        for work in works:
            if len(work.chunks) > FEW:
                yield Group([work])


def _embed(works: Sequence[Work]) -> None:
    """One vector a chunk, in their order; and what the embedder makes inside them of the pieces that the gate will want
    to read, for which their passages would be read once more. Chunks that say the same are read once: a file may repeat
    one line for ever."""
    embed = embedders.of(works[0].document.collection)
    tick(works, Stage.EMBED, 0)
    works = [work for work in works if not work.embedded]
    chunks: list[Draft] = [chunk for work in works for chunk in work.chunks]
    rows = embedders.suspected(embed, [chunk.text for chunk in chunks])
    spans = embedders.tokens_at(embed, chunks, rows)
    once = {chunk.embedded: at for at, chunk in enumerate(chunks)}
    read = [chunks[at].read or embed.tokenised(text) for text, at in once.items()]
    vectors, inside = _vectors(
        embed, read, [spans[at] for at in once.values()], lambda share: tick(works, Stage.EMBED, share)
    )
    place = {text: at for at, text in enumerate(once)}
    own = [place[chunk.embedded] for chunk in chunks]
    vectors, inside = vectors[own], [inside[at] for at in own]
    at = 0
    for work in works:
        end = at + len(work.chunks)
        work.vectors, work.suspects = vectors[at:end], None if rows is None else Suspects(rows[at:end], inside[at:end])
        at = end


def _vectors(
    engine: EmbedEngine, read: Sequence[Tokenised], spans: Sequence[Spans], tell: Callable[[float], None]
) -> tuple[Vectors, list[Inside | None]]:
    """A row each, and what stands at the spans of tokens of those that have any. Batches are of one length, so that
    little is computed on padding."""
    vectors = np.zeros((len(read), engine.dimension), dtype=np.float32)
    inside: list[Inside | None] = [None] * len(read)
    order = sorted(range(len(read)), key=lambda index: -read[index].count)
    done, size, pieces = 0, SMALLEST, 0
    while done < len(order):
        batch = order[done : done + size]
        began = time.monotonic()
        passages, wanted = [read[index] for index in batch], [spans[index] for index in batch]
        vectors[batch], found = embedders.embed_inside(engine, passages, wanted)
        for index, own in zip(batch, found, strict=True):
            if own is not None and pieces + len(own.near) <= PIECES:
                inside[index], pieces = own, pieces + len(own.near)
        took = max(time.monotonic() - began, 1e-3)
        done += len(batch)
        tell(done / len(read))
        size = int(min(LARGEST, max(SMALLEST, min(2 * size, BATCH_S * len(batch) / took))))
    return vectors, inside


def _screen(works: Sequence[Work]) -> None:
    """Store for each chunk what the gate says; what the gate marks is kept and hides nothing."""
    for work in works:
        work.verdicts = []
    embed = embedders.of(works[0].document.collection)
    chunks = [(work, at) for work in works for at in range(len(work.chunks))]
    for start in range(0, len(chunks), SCREENED):
        part = chunks[start : start + SCREENED]
        vectors = np.stack([work.vectors[at] for work, at in part])
        texts = [work.chunks[at].text for work, at in part]
        verdicts = embedders.screened(embed, texts, vectors, _suspects(part))
        for (work, _), verdict in zip(part, verdicts, strict=True):
            work.verdicts.append(verdict)
        tick(works, Stage.SCREEN, min(1, (start + SCREENED) / len(chunks)))


def _suspects(part: Sequence[tuple[Work, int]]) -> Suspects | None:
    """Of these chunks, where they are known of all of them."""
    known = [(work.suspects, at) for work, at in part if work.suspects is not None]
    if len(known) < len(part):
        return None
    return Suspects([of.rows[at] for of, at in known], [of.inside[at] for of, at in known])
