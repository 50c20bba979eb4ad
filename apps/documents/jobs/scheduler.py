"""Which document is worked on next: that of the person who has the least under way and was served longest ago.

So one person's thousand files never stand before another's one. The row is the queue; what is remembered here is only
whose turn it was in this process, and which documents are pictures of text: while this process recognises one, the
others wait in the queue and not at a desk.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from itertools import accumulate, chain, count, zip_longest
from operator import or_
from uuid import UUID

from django.db.models import Min, Q
from django.utils import timezone

from apps.documents.models import Document
from apps.documents.parsing.formats import FORMATS, find_by_name
from apps.users.models import User

MAX_BATCH_DOCUMENTS = 16  # small documents that are worked on together, at most ...
MAX_BATCH_BYTES = 256 * 1024  # ... and of their files, so that the first of them is not ready much later for the others
SMALL_FILE_BYTES = 64 * 1024
MAX_THREADS_PER_USER = (
    2  # of one process that work for one person at once, so that another person's file finds a free one
)
MAX_CRASHES = 3  # of a worker over one document, then it is set aside
# Nothing is read for a person who was suspended; what waited goes on when they are reinstated.
ACTIVE_UPLOADER = Q(uploaded_by=None) | Q(uploaded_by__in=User.objects.filter(is_active=True))

ocr_lock = threading.Lock()  # text is recognised in one document at a time: two would only take turns
_deferred_scans: set[UUID] = set()  # that came to be recognised while another one was
_PICTURES = reduce(or_, (Q(name__iendswith=suffix) for suffix in FORMATS["image"].suffixes))
_turns = count(1)
_last_turns: dict[int | None, int] = {}  # person -> the number of their last turn in this process
_running: Counter[int | None] = Counter()  # person -> desks of this process that work for them
_choosing = threading.Lock()


def list_next_documents(most: int) -> list[UUID]:
    """Documents that could be worked on now: everybody's first in turn, then everybody's second, the oldest first. None
    of a person for whom MOST_DESKS desks work already."""
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    rows = Document.objects.filter(free, ACTIVE_UPLOADER, status__in=Document.ACTIVE, attempts__lt=MAX_CRASHES)
    if ocr_lock.locked():
        rows = rows.exclude(_PICTURES | Q(pk__in=list(_deferred_scans)))
    since = dict(rows.order_by().values_list("uploaded_by").annotate(Min("created")))
    people = [person for person in since if _running[person] < MAX_THREADS_PER_USER]
    if len(people) > 1:
        held = Document.objects.filter(status=Document.Status.WORKING, lease_until__gte=now, uploaded_by__in=people)
        busy = Counter(held.order_by().values_list("uploaded_by", flat=True))
        people.sort(key=lambda person: (busy[person], _last_turns.get(person, 0), since[person]))
    theirs = (
        rows.filter(uploaded_by=person).order_by("created").values_list("pk", flat=True)[:most]
        for person in people[:most]
    )
    return [pk for pk in chain.from_iterable(zip_longest(*theirs)) if pk is not None][:most]


@contextmanager
def next_batch() -> Iterator[list[UUID]]:
    """Yield the documents to work on next, all of one person; empty where nothing waits. Never blocks for long. Until
    the end of the block a desk of this process counts as working for that person."""
    with _choosing:
        ids = choose_batch()
        person = Document.objects.filter(pk__in=ids).values_list("uploaded_by", flat=True).first()
        _running[person] += bool(ids)
    try:
        yield ids
    finally:
        with _choosing:
            _running[person] -= bool(ids)


def choose_batch() -> list[UUID]:
    """The document whose turn it is and, where it is small, the small ones of the same person that wait behind it:
    nothing is waited for, and nobody waits for what others added.

    Pictures take seconds each, pages of the web as long as their server likes, and what was begun before may be what
    ended the worker: these go by themselves.
    """
    ids = list_next_documents(MAX_BATCH_DOCUMENTS)
    if len(ids) < 2:
        return ids
    rows = Document.objects.filter(pk__in=ids, attempts=0, size__lte=SMALL_FILE_BYTES).exclude(file="")
    found = [row for row in rows.only("size", "name", "uploaded_by") if not _picture(row.name)]
    first = next((row.uploaded_by_id for row in found if row.pk == ids[0]), -1)
    sizes = {row.pk: row.size for row in found if row.uploaded_by_id == first}
    if ids[0] not in sizes:
        return ids[:1]
    small = [pk for pk in ids if pk in sizes]
    sums = accumulate(sizes[pk] for pk in small)
    return [pk for pk, taken in zip(small, sums, strict=True) if taken <= MAX_BATCH_BYTES]


def _picture(name: str) -> bool:
    named = find_by_name(name)
    return named is not None and named.kind == "image"


def defer_ocr(document: Document) -> None:
    """It waits until this process recognises no other."""
    _deferred_scans.add(document.pk)


def record_turn(document: Document) -> None:
    """It is this person's turn."""
    _deferred_scans.discard(document.pk)
    _last_turns[document.uploaded_by_id] = next(_turns)
