"""Create documents without a worker: rows and index as ingestion leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from apps.documents.chunking.chunker import compose_embedding_text
from apps.documents.chunking.text_normalization import normalize_text
from apps.documents.indexing import index_maintenance
from apps.documents.models import Chunk, Collection, Document, Page
from apps.engines import registry
from apps.users.models import User


@dataclass(frozen=True)
class Section:
    """Chunk of a page."""

    text: str
    heading: str = ""
    page: int = 1


def collection(owner: User, name: str = "Library") -> Collection:
    """Create an empty collection."""
    return Collection.objects.create(owner=owner, name=name)


def document(place: Collection, title: str, sections: Sequence[Section | str]) -> Document:
    """Create a ready document with one chunk per section; sections of a page are separated by blank lines."""
    parts = [section if isinstance(section, Section) else Section(section) for section in sections]
    row = Document.objects.create(
        collection=place, name=f"{title}.md", title=title, file=f"documents/{uuid4()}", sha256=uuid4().hex * 2, size=1,
        kind="markdown", status=Document.Status.READY, pages_count=max(part.page for part in parts),
    )  # fmt: skip
    pages: dict[int, str] = {}
    chunks = []
    for position, part in enumerate(parts):
        before = pages.get(part.page, "")
        start = len(before) + (2 if before else 0)
        pages[part.page] = f"{before}\n\n{part.text}" if before else part.text
        chunks.append(
            Chunk(
                document=row,
                position=position,
                page_number=part.page,
                char_start=start,
                char_end=start + len(part.text),
                heading=part.heading,
                text=normalize_text(part.text),
                tokens=1,
            )
        )
    Page.objects.bulk_create(Page(document=row, number=number, text=text) for number, text in pages.items())
    publish(row, chunks)
    return row


def publish(row: Document, chunks: list[Chunk]) -> None:
    """Store the chunks with vectors, in a segment of their own."""
    embed = registry.get_embedder()
    vectors = embed.embed_passages([compose_embedding_text(str(row), chunk.text) for chunk in chunks])
    for chunk, vector in zip(chunks, vectors, strict=True):
        chunk.vector, chunk.fingerprint = vector.tobytes(), embed.fingerprint
    stored = Chunk.objects.bulk_create(chunks)
    entries = [chunk.entry for chunk in stored]
    segment = index_maintenance.create_segment(
        registry.get_index().write(row.collection_id.hex, entries, vectors, embed.fingerprint)
    )
    Chunk.objects.filter(document=row).update(segment=segment)
