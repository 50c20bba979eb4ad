"""Factory of passages."""

from __future__ import annotations

from uuid import uuid4

from apps.documents.retrieval.passages import Passage


def passage(
    text: str, *, title: str = "Handbook", heading: str = "", start: int = 0, relevance: float = 0.8
) -> Passage:
    """Return a passage of a text document with this text as its only span."""
    end = start + len(text)
    return Passage(
        chunk_id=1, document_id=uuid4(), collection_id=uuid4(), title=title, kind="text", page_number=1,
        heading=heading, spans=((start, end),), text=text, full_start=start, full_end=end, full_text=text,
        relevance=relevance, cosine=0.6, bm25=3.0,
    )  # fmt: skip
