"""List the files of a collection for a page: a row per file with its state, progress and available actions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Page as PageOfRows
from django.db.models import Case, Count, IntegerField, Min, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce, Lower, NullIf
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext

from apps.documents.indexing import embedders
from apps.documents.jobs import scheduler
from apps.documents.library import trash
from apps.documents.models import Collection, Document, RefusedUpload
from apps.documents.retrieval.filters import get_language_label
from apps.lib.table import Column, TableRequest, read_table_request
from apps.users.i18n import translate_stored
from apps.users.models import User

REFUSED_KEPT = 50  # refusals of one user in one collection; older ones are deleted
FAILED_STATUSES = [Document.Status.FAILED, Document.Status.QUARANTINED]
_FILTERS: dict[str, list[Document.Status]] = {
    "ready": [Document.Status.READY],
    "active": list(Document.ACTIVE),
    "failed": [*FAILED_STATUSES, Document.Status.CANCELLED],
}
_DELETED = "deleted"  # filter that shows what can be restored
_COLUMNS = (
    Column("name", gettext_lazy("Name"), ("shown_name",)),
    Column("state", gettext_lazy("State"), ("state_rank", "shown_name")),
    Column("added", gettext_lazy("Added"), ("created",)),
    Column("size", gettext_lazy("Size"), ("size",)),
)
_STATE_ORDER = [*FAILED_STATUSES, Document.Status.CANCELLED, *reversed(Document.ACTIVE), Document.Status.READY]
_OF_PAGES = {Document.Stage.PARSE, Document.Stage.RECOGNISE, Document.Stage.CHUNK}  # other stages count passages


@dataclass(frozen=True, slots=True)
class FileRow:
    """Row of a document. `duplicate` is a copy in another collection that the user may read. `ahead` counts the files
    of the same user that are read before it.

    `status_text` says what happens to the document now, or why nothing does.
    """

    document: Document
    duplicate: Document | None = None
    ahead: int = 0

    @property
    def active(self) -> bool:
        return self.document.status in Document.ACTIVE

    @property
    def failed(self) -> bool:
        return self.document.status in FAILED_STATUSES

    @property
    def ended_early(self) -> bool:
        return self.failed or self.document.status == Document.Status.CANCELLED

    @property
    def status_text(self) -> str:
        """Return what happens to the document now, or why nothing does, in words."""
        document = self.document
        if document.status == Document.Status.QUEUED:
            if document.reason or not self.ahead:
                return translate_stored(document.reason) or gettext("Waiting")
            return ngettext("Waiting for %(n)s file", "Waiting for %(n)s files", self.ahead) % {"n": self.ahead}
        if self.failed:
            return translate_stored(document.reason) or gettext(
                "This file could not be read. Retry, or tell an administrator."
            )
        if document.status != Document.Status.WORKING:
            return document.get_status_display()
        return document.get_stage_display() or gettext("Starting …")

    @property
    def progress(self) -> str:
        """Return the progress of the stage, such as "3 of 40 pages"; "" if it is not known."""
        document = self.document
        if document.status != Document.Status.WORKING or not document.total:
            return ""
        values = {"done": f"{min(document.done, document.total):,}", "n": document.total}
        if document.stage in _OF_PAGES:
            return ngettext("%(done)s of %(n)s page", "%(done)s of %(n)s pages", document.total) % values
        return ngettext("%(done)s of %(n)s passage", "%(done)s of %(n)s passages", document.total) % values


@dataclass(frozen=True, slots=True)
class FileCounts:
    """Counts of a collection's documents by state, and the bytes that wait."""

    all: int
    ready: int
    active: int
    failed: int  # including quarantined ones
    cancelled: int
    deleted: int  # that can be restored
    waiting_bytes: int | None  # None: no file waits
    waiting_since: datetime | None  # upload time of the first waiting file

    @property
    def ended_early(self) -> int:
        return self.failed + self.cancelled


@dataclass(frozen=True, slots=True)
class FileList:
    """Page of a collection's files as one user sees it."""

    collection: Collection
    can_edit: bool
    counts: FileCounts
    rows: list[FileRow]
    page: PageOfRows[Document]
    refused: list[RefusedUpload]
    table: TableRequest
    remaining_time: str  # remaining time in words; "": not known
    unembedded_languages: tuple[str, ...] = ()  # names of languages that the embedder does not know
    awaits_languages: bool = False  # an index that knows them is being built

    @property
    def show(self) -> str:
        return self.table.filters["show"]

    @property
    def text(self) -> str:
        """Return the filter on name, title or folder."""
        return self.table.text

    @property
    def query(self) -> str:
        """Return the query string of a request for the same rows."""
        return f"?{self.table.query}&page={self.page.number}"

    @property
    def filters(self) -> list[tuple[str, str, str]]:
        """Return the filters that show rows: name, label and query string of each."""
        counts = self.counts
        offered = [
            ("", gettext("All"), counts.all),
            ("active", gettext("In progress"), counts.active),
            ("failed", gettext("Failed"), counts.ended_early),
            ("ready", gettext("Ready"), counts.ready),
            (_DELETED, gettext("Deleted"), counts.deleted),
        ]
        return [(name, label, self.table.query_with(show=name)) for name, label, count in offered if count]

    @property
    def digest(self) -> str:
        """Return a digest of everything that is shown, except the ages of files."""
        rows = [
            (
                item.pk,
                item.status,
                item.stage,
                item.done,
                item.total,
                item.reason,
                str(item),
                item.pages_count,
                duplicate and duplicate.pk,
                ahead,
            )
            for item, duplicate, ahead in ((row.document, row.duplicate, row.ahead) for row in self.rows)
        ]
        content = (
            self.collection.name,
            self.can_edit,
            self.counts,
            self.remaining_time,
            self.unembedded_languages,
            self.awaits_languages,
            rows,
            [item.pk for item in self.refused],
        )
        return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def list_files(user: User, collection: Collection, can_edit: bool, given: QueryDict | None = None) -> FileList:
    """Return the page of files that the user sees now; an unknown filter shows all, an unknown page the nearest.

    `given` holds search, filter, order and page of the list. Queries the database. The caller has checked that the
    user may read the collection.
    """
    deleted = trash.list_deleted(user, collection)
    counts = _counts(collection, deleted)
    table = read_table_request(given or QueryDict(), _COLUMNS, {"show": [*_FILTERS, _DELETED]}, "-added")
    rows = deleted if table.filters["show"] == _DELETED else collection.documents.all()
    page_rows = table.paginate(_select_rows(rows, table))
    refused = list(collection.refused_uploads.filter(user=user)[:REFUSED_KEPT]) if can_edit else []
    remaining_time = (
        estimate_remaining(collection, counts.waiting_bytes or 0, counts.waiting_since) if counts.waiting_since else ""
    )
    duplicates = find_duplicates(user, collection, page_rows)
    unknown_languages = tuple(map(get_language_label, embedders.list_unembedded_languages([collection.pk])))
    awaited = bool(unknown_languages) and collection.builds.open().filter(swap_when_built=True).exists()
    ahead = scheduler.count_files_ahead(list(page_rows))
    file_rows = [FileRow(item, duplicates.get(item.sha256), ahead.get(item.pk, 0)) for item in page_rows]
    return FileList(
        collection,
        can_edit,
        counts,
        file_rows,
        page_rows,
        refused,
        table,
        remaining_time,
        unknown_languages,
        awaited,
    )


def _select_rows(rows: QuerySet[Document], table: TableRequest) -> QuerySet[Document]:
    """Return the rows that match search and filter, with the values by which the table sorts."""
    show, text = table.filters["show"], " ".join(table.text.split())
    if show in _FILTERS:
        rows = rows.filter(status__in=_FILTERS[show])
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(title__icontains=text) | Q(path__icontains=text))
    ranks = [When(status=status, then=Value(rank)) for rank, status in enumerate(_STATE_ORDER)]
    named = Lower(Coalesce(NullIf("title", Value("")), "name"))
    ranked = rows.annotate(shown_name=named, state_rank=Case(*ranks, output_field=IntegerField()))
    return ranked.defer("lease_token", "lease_until", "starters")


def _counts(collection: Collection, deleted: QuerySet[Document]) -> FileCounts:
    counts: dict[str, Any] = collection.documents.aggregate(
        all=Count("pk"),
        ready=Count("pk", filter=Q(status=Document.Status.READY)),
        active=Count("pk", filter=Q(status__in=Document.ACTIVE)),
        failed=Count("pk", filter=Q(status__in=FAILED_STATUSES)),
        cancelled=Count("pk", filter=Q(status=Document.Status.CANCELLED)),
        waiting_bytes=Sum("size", filter=Q(status__in=Document.ACTIVE)),
        waiting_since=Min("created", filter=Q(status__in=Document.ACTIVE)),
    )
    return FileCounts(**counts, deleted=deleted.count())


def record_refusal(
    user: User, collection: Collection, name: str, reason: str, duplicate_of: Document | None = None
) -> None:
    """Store the reason of a refused upload until the user dismisses it; `duplicate_of` has the same content."""
    own_refusals = collection.refused_uploads.filter(user=user)
    RefusedUpload.objects.create(
        collection=collection, user=user, name=name, reason=reason[:400], duplicate_of=duplicate_of
    )
    own_refusals.exclude(pk__in=list(own_refusals.values_list("pk", flat=True)[:REFUSED_KEPT])).delete()


MIN_READY_FILES = 3  # ready files from which an estimate is made
MIN_WORK_S = 5  # seconds of work from which an estimate is made
BATCH_WINDOW = timedelta(minutes=10)  # files uploaded within this time before the first waiting one are of its batch


def estimate_remaining(collection: Collection, waiting_bytes: int, waiting_since: datetime) -> str:
    """Return the remaining time in words, "about 4 minutes left"; "" if too little is known.

    `waiting_bytes` is the size of all waiting files, `waiting_since` the upload time of the first of them. Queries the
    database.
    """
    batch = Document.objects.filter(collection=collection, created__gte=waiting_since - BATCH_WINDOW)
    ready = Q(status=Document.Status.READY)
    done = batch.aggregate(
        bytes=Sum("size", filter=ready), count=Count("pk", filter=ready), first=Min("created", filter=ready)
    )
    if done["count"] < MIN_READY_FILES or not done["bytes"]:
        return ""
    seconds = (timezone.now() - done["first"]).total_seconds()
    return format_duration(seconds * waiting_bytes / done["bytes"]) if seconds >= MIN_WORK_S else ""


def format_duration(seconds: float) -> str:
    """Return the remaining seconds in words, rounded to minutes or hours."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if minutes < 1:
        return gettext("less than a minute left")
    if minutes < 90:
        return ngettext("about %(n)s minute left", "about %(n)s minutes left", minutes) % {"n": minutes}
    return ngettext("about %(n)s hour left", "about %(n)s hours left", hours) % {"n": hours}


def find_duplicates(user: User, collection: Collection, documents: Iterable[Document]) -> dict[str, Document]:
    """Return, by SHA-256 of the content, a ready document in another collection that the user may read; the newest of
    several.

    Withheld documents are never returned: a copy that answers may use would give way to one that they may not.
    """
    hashes = {row.sha256 for row in documents if row.sha256}
    ready = Document.objects.visible_to(user).listed().filter(status=Document.Status.READY, withheld="")
    found = ready.filter(sha256__in=hashes)
    rows = found.exclude(collection=collection).select_related("collection").order_by("created")
    return {row.sha256: row for row in rows}
