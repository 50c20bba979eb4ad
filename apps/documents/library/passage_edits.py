"""What a person does with single passages: find them, switch them off, add words to them; and what they are called.

Callers fetched the rows through `visible_to(user)` or `editable_by(user)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.documents.jobs.notifications import notify_merge
from apps.documents.models import Chunk, Collection, Document, Segment

if TYPE_CHECKING:
    from apps.documents.models import ChunkQuerySet

PAGE_ROWS = 20
KEYWORD_CHARACTERS = 400
_MOST_WORDS = 8  # of a filter; each is looked for in every passage
PASSAGE_FILTERS = ("off", "keywords", "flagged")


@dataclass(frozen=True, slots=True)
class PassageList:
    """One page of the passages that were asked for. `counts` has one number for each entry of SHOWN, and "all"."""

    rows: list[Chunk]
    counts: dict[str, int]
    show: str
    text: str
    document: Document | None
    number: int
    more: bool

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE_ROWS + 1

    @property
    def last(self) -> int:
        return (self.number - 1) * PAGE_ROWS + len(self.rows)


def list_passages(collection: Collection, *, show: str, text: str, document: UUID | None, number: int) -> PassageList:
    """Passages in reading order; an unknown filter shows all, a page beyond the end none."""
    show = show if show in PASSAGE_FILTERS else ""
    only = Document.objects.filter(collection=collection, pk=document).first() if document else None
    everything, narrowed = _readable(collection, only), _narrowed(collection)
    rows = everything.filter(narrowed[show]) if show else everything
    text = " ".join(text.replace("\0", "").split())[:200]
    if text:
        rows = rows.filter(reduce(and_, (_holds(word) for word in text.split()[:_MOST_WORDS])))
    start = (number - 1) * PAGE_ROWS
    ordered = rows.order_by("document__created", "document", "position").defer("vector")
    found = list(ordered.select_related("document", "segment")[start : start + PAGE_ROWS + 1])
    counts = {
        "all": everything.count(),
        **{name: everything.filter(narrowed[name]).count() for name in PASSAGE_FILTERS},
    }
    return PassageList(found[:PAGE_ROWS], counts, show, text, only, number, len(found) > PAGE_ROWS)


def _readable(collection: Collection, document: Document | None) -> ChunkQuerySet:
    of = Q(document=document) if document else Q(document__collection=collection)
    return Chunk.objects.filter(of, document__status=Document.Status.READY)


def _narrowed(collection: Collection) -> dict[str, Q]:
    """What each of SHOWN shows. Documents that a reviewer withheld are few, mostly none: then the count stays cheap."""
    withheld = list(collection.documents.exclude(withheld="").values_list("pk", flat=True))
    off = Q(enabled=False) | Q(document__in=withheld) if withheld else Q(enabled=False)
    return {"off": off, "keywords": ~Q(keywords=""), "flagged": ~Q(flag="")}


def _holds(word: str) -> Q:
    return Q(text__icontains=word) | Q(heading__icontains=word) | Q(keywords__icontains=word)


def set_enabled(chunk: Chunk, *, on: bool) -> None:
    """The passage is used by the next question, or is not; of a withheld document none is, whatever is switched."""
    Chunk.objects.filter(pk=chunk.pk).update(enabled=on)
    chunk.enabled = on


def set_keywords(chunk: Chunk, words: str) -> None:
    """The passage is found by these words as by a heading of its own, as soon as its segment is rewritten."""
    keywords = ", ".join(dict.fromkeys(filter(None, (" ".join(word.split()) for word in words.split(",")))))
    keywords = keywords[:KEYWORD_CHARACTERS]
    with transaction.atomic():
        row = Chunk.objects.select_for_update().get(pk=chunk.pk)  # a rewrite goes before, or sees this
        if row.keywords == keywords:
            return
        Chunk.objects.filter(pk=row.pk).update(keywords=keywords)
        if row.segment_id is not None:
            Segment.objects.filter(pk=row.segment_id).update(annotated=timezone.now())
        collection = chunk.document.collection_id
        transaction.on_commit(lambda: notify_merge(collection), robust=True)
    chunk.keywords = keywords
    chunk.refresh_from_db(fields=["segment"])


def set_title(document: Document, title: str) -> None:
    """The document is shown and cited under this title at once (empty: under the name of its file), and found by its
    words as soon as its segments are rewritten."""
    with transaction.atomic():
        if not Document.objects.exclude(title=title).filter(pk=document.pk).update(title=title):
            return
        mark_titles_stale(document.pk)
        transaction.on_commit(lambda: notify_merge(document.collection_id), robust=True)


def mark_titles_stale(*documents: UUID) -> None:
    """The segments of these know other titles than the rows. In the transaction that changes either."""
    held = Chunk.every.filter(document__in=documents, segment__isnull=False).values("segment")
    Segment.objects.filter(pk__in=held).update(annotated=timezone.now())
