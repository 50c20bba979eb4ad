"""Chunk the pages of a document, at ingestion and for index builds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.documents.chunking.chunker import ChunkDraft, Chunker, drop_spans
from apps.documents.chunking.running_heads import find_running_heads
from apps.documents.models import Document
from apps.documents.parsing.protocol import ParsedPage
from apps.engines.types import EmbedEngine


def chunk_pages(
    document: Document, pages: Sequence[ParsedPage], embed: EmbedEngine, target: int
) -> Iterator[tuple[ParsedPage, list[ChunkDraft]]]:
    """Yield each page with its chunks of at most `target` tokens of the embedder, header included.

    Running heads of documents with real pages are left out.
    """
    chunker = Chunker(str(document), embed.offsets, embed.max_tokens, embed.tokenised, target)
    dropped = find_running_heads(pages) if document.has_pages else {}
    for page in pages:
        yield page, list(chunker.cut(drop_spans(page, dropped.get(page.number, set()))))
