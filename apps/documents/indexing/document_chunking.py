"""Chunk the pages of a document, at ingestion and for index builds, which take them from their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.documents.models import Document, Page
from apps.engines.types import EmbedEngine
from apps.reading.chunking.chunker import ChunkDraft, Chunker, drop_spans
from apps.reading.chunking.running_heads import find_running_heads
from apps.reading.parsing.protocol import BlockSpan, ParsedPage


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


def make_parsed_page(row: Page) -> ParsedPage:
    """Return the stored page as a parser gives it; a page stored without block spans becomes one paragraph."""
    whole = [("paragraph", 0, 0, len(row.text))] if row.text.strip() else []
    block_spans = row.block_spans if row.block_spans is not None else whole
    return ParsedPage(
        row.number, row.text, tuple(BlockSpan(*piece) for piece in block_spans), row.width, row.height,
        boxes=tuple(tuple(word) for word in row.boxes or ()), recognised=bool(row.ocr_key),
    )  # fmt: skip
