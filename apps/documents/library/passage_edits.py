"""List single passages, switch them on and off, and set keywords and titles that searches find.

Changes raise PermissionDenied unless the user may edit the document. `list_passages` checks nothing: its caller has
fetched the collection through `visible_to(user)`. Changed words reach the index when their segment is rewritten, for
which a worker is notified.
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
from apps.lib.db.permissions import require_row

if TYPE_CHECKING:
    from apps.documents.models import ChunkQuerySet
    from apps.users.models import AnyUser

PAGE_ROWS = 20  # passages on one page of the list
KEYWORD_CHARACTERS = 400  # as Chunk.keywords
_MAX_WORDS = 8  # words of a filter; each is searched for in every passage
PASSAGE_FILTERS = ("off", "keywords", "flagged")


@dataclass(frozen=True, slots=True)
class PassageList:
    """Single page of a filtered list of passages.

    `counts` has the number of passages for "all" and for each of PASSAGE_FILTERS. `number` is the page's, from 1;
    `has_next`: another page follows.
    """

    rows: list[Chunk]
    counts: dict[str, int]
    show: str
    text: str
    document: Document | None
    number: int
    has_next: bool

    @property
    def first(self) -> int:
        """Return the number of the page's first passage, from 1."""
        return (self.number - 1) * PAGE_ROWS + 1

    @property
    def last(self) -> int:
        """Return the number of the page's last passage."""
        return (self.number - 1) * PAGE_ROWS + len(self.rows)


def list_passages(collection: Collection, *, show: str, text: str, document: UUID | None, number: int) -> PassageList:
    """Return a page of a collection's passages in reading order; a page beyond the end is empty.

    `show` is one of PASSAGE_FILTERS, anything else shows all. `text` holds words that must all occur in text, heading
    or keywords; at most 8 are used. `document` limits the list to that document; None, or one of another collection:
    all.
    """
    show = show if show in PASSAGE_FILTERS else ""
    only = Document.objects.filter(collection=collection, pk=document).first() if document else None
    all_chunks, conditions = _select_chunks(collection, only), _make_conditions(collection)
    rows = all_chunks.filter(conditions[show]) if show else all_chunks
    text = " ".join(text.replace("\0", "").split())[:200]
    if text:
        rows = rows.filter(reduce(and_, (_contains_word(word) for word in text.split()[:_MAX_WORDS])))
    start = (number - 1) * PAGE_ROWS
    ordered = rows.order_by("document__created", "document", "position").defer("vector")
    chunks = list(ordered.select_related("document", "segment")[start : start + PAGE_ROWS + 1])
    counts = {
        "all": all_chunks.count(),
        **{name: all_chunks.filter(conditions[name]).count() for name in PASSAGE_FILTERS},
    }
    return PassageList(chunks[:PAGE_ROWS], counts, show, text, only, number, len(chunks) > PAGE_ROWS)


def _select_chunks(collection: Collection, document: Document | None) -> ChunkQuerySet:
    condition = Q(document=document) if document else Q(document__collection=collection)
    return Chunk.objects.filter(condition, document__status=Document.Status.READY, document__deleted=None)


def _make_conditions(collection: Collection) -> dict[str, Q]:
    """Return the condition of each of PASSAGE_FILTERS.

    The ids of withheld documents are listed here, as there are few or none, which keeps counting cheap.
    """
    withheld = list(collection.documents.exclude(withheld="").values_list("pk", flat=True))
    off = Q(enabled=False) | Q(document__in=withheld) if withheld else Q(enabled=False)
    return {"off": off, "keywords": ~Q(keywords=""), "flagged": ~Q(flag="")}


def _contains_word(word: str) -> Q:
    return Q(text__icontains=word) | Q(heading__icontains=word) | Q(keywords__icontains=word)


def set_enabled(user: AnyUser, chunk: Chunk, *, enabled: bool) -> None:
    """Switch the passage on or off for all later searches; it stays unused while its document is withheld.

    Raises PermissionDenied.
    """
    require_row(Document.all_objects.editable_by(user), chunk.document_id)
    Chunk.objects.filter(pk=chunk.pk).update(enabled=enabled)
    Document.objects.filter(pk=chunk.document_id).update(starters=None)  # they may need the passage
    chunk.enabled = enabled


def set_keywords(user: AnyUser, chunk: Chunk, words: str) -> None:
    """Set comma-separated keywords by which the passage is found, as by a heading, once its segment is rewritten.

    Opens its own transaction; notifies a worker after commit. Duplicates are dropped, and the text is cut at
    KEYWORD_CHARACTERS. Raises PermissionDenied.
    """
    require_row(Document.all_objects.editable_by(user), chunk.document_id)
    keywords = ", ".join(dict.fromkeys(filter(None, (" ".join(word.split()) for word in words.split(",")))))
    keywords = keywords[:KEYWORD_CHARACTERS]
    with transaction.atomic():
        row = Chunk.objects.select_for_update().get(pk=chunk.pk)  # a rewrite ends before this, or includes it
        if row.keywords == keywords:
            return
        Chunk.objects.filter(pk=row.pk).update(keywords=keywords)
        if row.segment_id is not None:
            Segment.objects.filter(pk=row.segment_id).update(stale_since=timezone.now())
        collection = chunk.document.collection_id
        transaction.on_commit(lambda: notify_merge(collection), robust=True)
    chunk.keywords = keywords
    chunk.refresh_from_db(fields=["segment"])


def set_title(user: AnyUser, document: Document, title: str) -> None:
    """Set the title under which the document is shown and cited at once; "" shows the name of its file.

    Searches find it by the new words once its segments are rewritten. Opens its own transaction; notifies a worker
    after commit. Raises PermissionDenied.
    """
    require_row(Document.all_objects.editable_by(user), document.pk)
    with transaction.atomic():
        if not Document.objects.exclude(title=title).filter(pk=document.pk).update(title=title):
            return
        mark_titles_stale(document.pk)
        transaction.on_commit(lambda: notify_merge(document.collection_id), robust=True)


def mark_titles_stale(*documents: UUID) -> None:
    """Mark the index segments of these documents for a rewrite: the titles in them differ from those in the database.

    Must run inside the transaction that changes titles or segments.
    """
    segments = Chunk.all_objects.filter(document__in=documents, segment__isnull=False).values("segment")
    Segment.objects.filter(pk__in=segments).update(stale_since=timezone.now())
