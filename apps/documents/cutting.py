"""The pages of a document to chunks, when it is read and when it is cut anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.documents.chunking import Chunker, Draft, without
from apps.documents.furniture import furniture
from apps.documents.models import Document
from apps.documents.parsers.base import ParsedPage
from apps.engines.base import EmbedEngine


def pages_cut(
    document: Document, pages: Sequence[ParsedPage], embed: EmbedEngine, target: int
) -> Iterator[tuple[ParsedPage, list[Draft]]]:
    """Each page with its chunks of at most `target` tokens, as the embedder reads them; without the running heads of
    what has pages."""
    chunker = Chunker(str(document), embed.offsets, embed.max_tokens, embed.tokenised, target)
    dropped = furniture(pages) if document.has_pages else {}
    for page in pages:
        yield page, list(chunker.cut(without(page, dropped.get(page.number, set()))))
