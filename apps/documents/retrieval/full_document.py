"""Read a whole document as passages, chunk by chunk in reading order, within a token budget.

`find_documents_by_name` finds the document that a user or a model named, `read_full_document` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q

from apps.documents.models import Chunk, Document, Page
from apps.documents.retrieval.filters import NO_FILTERS, SearchFilters
from apps.documents.retrieval.sentence_selection import CountTokens
from apps.grounding.passage import Passage
from apps.lib.text.text_normalization import normalize_text

if TYPE_CHECKING:
    from apps.users.models import AnyUser

_MAX_MATCHES = 6  # documents returned if a name matches several
_MARGIN_TOKENS = 24  # tokens that number and title of a passage take in the prompt


@dataclass(frozen=True, slots=True)
class FullDocument:
    """Passages of a document that fit the budget. `remaining` passages follow them, the first of these on
    page `next_page`; both 0: none."""

    title: str
    passages: tuple[Passage, ...]
    remaining: int = 0
    next_page: int = 0


def find_documents_by_name(
    user: AnyUser, name: str, collections: Sequence[UUID] = (), filters: SearchFilters | None = None
) -> list[Document]:
    """Return at most 6 ready documents that have this title or file name; if none has, those whose title or name
    contains it.

    Only documents that the user may read and that pass `filters`; withheld ones never. `collections` limits them;
    empty: all. Upper and lower case are equal.
    """
    ready = Document.objects.visible_to(user).filter(status=Document.Status.READY, withheld="")
    ready = ready.filter(collection__in=collections) if collections else ready.listed()
    rows = (filters or NO_FILTERS).passed(ready)
    rows = rows.order_by("title", "name", "pk")
    return list(rows.filter(Q(title__iexact=name) | Q(name__iexact=name))[:_MAX_MATCHES]) or list(
        rows.filter(Q(title__icontains=name) | Q(name__icontains=name))[:_MAX_MATCHES]
    )


def read_full_document(document: Document, budget: int, count: CountTokens, page: int = 1) -> FullDocument:
    """Return the enabled chunks of the document from page `page` on, as passages of at most `budget` tokens together.

    `count` returns the model's tokens per text. Checks no permission: the caller does. Call through `in_db`.
    """
    chunks = Chunk.objects.filter(document=document, enabled=True, page_number__gte=page).defer("vector")
    rows = list(chunks.order_by("position"))
    texts = dict(Page.objects.filter(document=document, number__gte=page).values_list("number", "text"))
    passages: list[Passage] = []
    for index, row in enumerate(rows):
        text = texts.get(row.page_number, "")[row.char_start : row.char_end]
        budget -= count([text])[0] + _MARGIN_TOKENS
        if budget < 0:
            return FullDocument(str(document), tuple(passages), len(rows) - index, row.page_number)
        passages.append(_make_passage(document, row, text))
    return FullDocument(str(document), tuple(passages))


def _make_passage(document: Document, row: Chunk, text: str) -> Passage:
    return Passage(
        chunk_id=row.pk, document_id=document.pk, collection_id=document.collection_id, title=str(document),
        kind=document.kind, page_number=row.page_number, heading=row.heading, spans=((row.char_start, row.char_end),),
        text=normalize_text(text), full_start=row.char_start, full_end=row.char_end, full_text=text, relevance=1.0,
        cosine=0.0, bm25=0.0,
    )  # fmt: skip
