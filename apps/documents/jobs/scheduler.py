"""Choose the documents to ingest next, fairly by user: the one with the least work under way, then served longest ago.

So a thousand files of one user never delay the single file of another. The rows are the queue; this process remembers
only the order of turns and the waiting scans. It recognises the text of one document at a time: other scans stay in the
queue and block no thread.

Entry points: `next_batch`, `list_next_documents`, `count_files_ahead`, `record_turn`, `defer_ocr`, `ocr_lock`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import reduce
from itertools import accumulate, chain, count, zip_longest
from operator import or_
from uuid import UUID

from django.db.models import Case, F, Min, Q, When
from django.utils import timezone

from apps.documents.models import Document
from apps.reading.parsing.formats import FORMATS, find_by_name
from apps.users.models import User

MAX_BATCH_DOCUMENTS = 16  # small documents that are ingested together, at most
MAX_BATCH_BYTES = 256 * 1024  # of their files together, so that the first is not delayed much by the others
MAX_PLACES = 500  # of files in the queue that are counted for the page
SMALL_FILE_BYTES = 64 * 1024  # file size up to which a document may join a batch
# Threads of one process that work for one user at once, so that another user's file finds a free one.
MAX_THREADS_PER_USER = 2
# Minutes that a file above this many MB takes about; later, shorter files of the same user pass it for so long.
MINUTES_BY_MB = {64: 30, 8: 5, 1: 1}
EXPECTED_END = Case(
    *(When(size__gt=mb * 1024**2, then=F("created") + timedelta(minutes=m)) for mb, m in MINUTES_BY_MB.items()),
    default=F("created"),
)
MAX_CRASHES = 3  # of a worker over one document, then it is quarantined
# Documents of a suspended user wait, and are ingested when the user is reinstated.
ACTIVE_UPLOADER = Q(uploaded_by=None) | Q(uploaded_by__in=User.objects.filter(is_active=True))

ocr_lock = threading.Lock()  # text is recognised in one document at a time: two would only share the processor
_deferred_scans: set[UUID] = set()  # documents that found the lock taken
_IMAGES = reduce(or_, (Q(name__iendswith=suffix) for suffix in FORMATS["image"].suffixes))
_turns = count(1)
_last_turns: dict[int | None, int] = {}  # user -> number of the last turn in this process
_running: Counter[int | None] = Counter()  # user -> threads of this process that work for them
_choice_lock = threading.Lock()


def list_next_documents(limit: int) -> list[UUID]:
    """Return at most `limit` documents that can be claimed now: the first of each user in turn, then the second of
    each.

    Within one user, the one that would end first if each had been begun when it was added: short files pass long ones,
    and no long one waits for ever. Users for whom MAX_THREADS_PER_USER threads of this process work already have
    none. Queries the database.
    """
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    rows = Document.objects.filter(free, ACTIVE_UPLOADER, status__in=Document.ACTIVE, attempts__lt=MAX_CRASHES)
    if ocr_lock.locked():
        rows = rows.exclude(_IMAGES | Q(pk__in=list(_deferred_scans)))
    waiting_since = dict(rows.order_by().values_list("uploaded_by").annotate(Min("created")))
    users = [user for user in waiting_since if _running[user] < MAX_THREADS_PER_USER]
    if len(users) > 1:
        leased = Document.objects.filter(status=Document.Status.WORKING, lease_until__gte=now, uploaded_by__in=users)
        busy = Counter(leased.order_by().values_list("uploaded_by", flat=True))
        users.sort(key=lambda user: (busy[user], _last_turns.get(user, 0), waiting_since[user]))
    of_user = (
        rows.filter(uploaded_by=user).order_by(EXPECTED_END, "created").values_list("pk", flat=True)[:limit]
        for user in users[:limit]
    )
    return [pk for pk in chain.from_iterable(zip_longest(*of_user)) if pk is not None][:limit]


def count_files_ahead(documents: Collection[Document]) -> dict[UUID, int]:
    """Return, by queued document, how many files of the same user are read before it or now. Files of other users take
    turns with these and do not count, and places beyond MAX_PLACES are not known. Queries the database once, if any
    document is queued."""
    queued = {row.pk for row in documents if row.status == Document.Status.QUEUED}
    users = {row.uploaded_by_id for row in documents if row.pk in queued}
    if not queued:
        return {}
    rows = Document.objects.filter(Q(uploaded_by__in=users - {None}) | Q(uploaded_by=None), status__in=Document.ACTIVE)
    places = rows.order_by(Case(When(status=Document.Status.WORKING, then=0), default=1), EXPECTED_END, "created")
    ahead: dict[UUID, int] = {}
    seen: Counter[int | None] = Counter()
    for pk, user in places.values_list("pk", "uploaded_by")[:MAX_PLACES]:
        if pk in queued:
            ahead[pk] = seen[user]
        seen[user] += 1
    return ahead


@contextmanager
def next_batch() -> Iterator[list[UUID]]:
    """Yield the documents to ingest next, all of one user; [] if none waits. Never waits for documents.

    Until the end of the block, one thread of this process counts as working for that user. Documents are not claimed
    yet.
    """
    with _choice_lock:
        ids = choose_batch()
        user = Document.objects.filter(pk__in=ids).values_list("uploaded_by", flat=True).first()
        _running[user] += bool(ids)
    try:
        yield ids
    finally:
        with _choice_lock:
            _running[user] -= bool(ids)


def choose_batch() -> list[UUID]:
    """Return the next document and, if it is small, up to 15 small documents of the same user that wait behind it.

    Some documents are never batched: images take seconds each, web pages as long as their server likes, and a document
    attempted before may have crashed the worker.
    """
    ids = list_next_documents(MAX_BATCH_DOCUMENTS)
    if len(ids) < 2:
        return ids
    rows = Document.objects.filter(pk__in=ids, attempts=0, size__lte=SMALL_FILE_BYTES).exclude(file="")
    candidates = [row for row in rows.only("size", "name", "uploaded_by") if not _is_image(row.name)]
    first = next((row.uploaded_by_id for row in candidates if row.pk == ids[0]), -1)
    sizes = {row.pk: row.size for row in candidates if row.uploaded_by_id == first}
    if ids[0] not in sizes:
        return ids[:1]
    small = [pk for pk in ids if pk in sizes]
    sums = accumulate(sizes[pk] for pk in small)
    return [pk for pk, taken in zip(small, sums, strict=True) if taken <= MAX_BATCH_BYTES]


def _is_image(name: str) -> bool:
    named = find_by_name(name)
    return named is not None and named.kind == "image"


def defer_ocr(document: Document) -> None:
    """Leave this document out of the queue while this process recognises the text of another one."""
    _deferred_scans.add(document.pk)


def record_turn(document: Document) -> None:
    """Record that the document's user had a turn."""
    _deferred_scans.discard(document.pk)
    _last_turns[document.uploaded_by_id] = next(_turns)
