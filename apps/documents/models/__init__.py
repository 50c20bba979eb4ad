"""Models of documents, their chunks, and the index segments that make chunks searchable.

The database rows are the source; the files of an index backend are derived and can be rebuilt from `Chunk` rows.
Permission is part of the querysets: `visible_to(user)` for reading, `editable_by(user)` for changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from apps.documents.models.collection import Collection, GroupShare, Membership, PendingMembership, RefusedUpload, Role
from apps.documents.models.index_build import IndexBuild
from apps.engines.types import IndexEntry, SegmentInfo
from apps.lib.db.leases import Leased
from apps.lib.db.stored_text_field import StoredTextField
from apps.lib.ids import new_id
from apps.reading.parsing.formats import find_by_kind, list_kinds

if TYPE_CHECKING:
    from apps.users.models import AnyUser

__all__ = [
    "Chunk",
    "Collection",
    "Document",
    "FolderSync",
    "GroupShare",
    "IndexBuild",
    "IndexMaintenance",
    "Membership",
    "Page",
    "PendingMembership",
    "RefusedUpload",
    "Role",
    "Segment",
    "SegmentCopy",
]  # fmt: skip

_PAGE_LABELS = {
    "page": gettext_lazy("page %(page)s"),
    "slide": gettext_lazy("slide %(page)s"),
    "part": gettext_lazy("part %(page)s"),
}


class DocumentQuerySet(models.QuerySet["Document"]):
    """Documents, earlier versions included, with access queries."""

    def visible_to(self, user: AnyUser) -> DocumentQuerySet:
        """Return the documents that the user may read: those of collections visible to the user, and of their chats."""
        return self.filter(collection__in=Collection.all_objects.visible_to(user), deleted=None).without_deleted_chats()

    def editable_by(self, user: AnyUser) -> DocumentQuerySet:
        """Return the documents that the user may change."""
        rows = self.filter(collection__in=Collection.all_objects.editable_by(user), deleted=None)
        return rows.without_deleted_chats()

    def without_deleted_chats(self) -> DocumentQuerySet:
        """Return the documents without the files of conversations whose deletion can still be undone."""
        return self.exclude(collection__conversation__deleted__isnull=False)

    def listed(self) -> DocumentQuerySet:
        """Return the documents without the files of chats, which only their own chat finds."""
        return self.filter(collection__of_chat=False)

    def movable(self) -> DocumentQuerySet:
        """Return the ready documents of collections; those synced with a server folder stay, as a sync adds them
        again."""
        return self.listed().filter(status=Document.Status.READY, sync_folder="")

    def active(self) -> DocumentQuerySet:
        """Return the documents that wait or are being ingested."""
        return self.filter(status__in=Document.ACTIVE)


_Documents = models.Manager.from_queryset(DocumentQuerySet)


class CurrentDocumentManager(_Documents["Document"]):
    """Manager of documents without earlier versions and without deleted ones."""

    def get_queryset(self) -> DocumentQuerySet:
        rows = super().get_queryset().exclude(status=Document.Status.REPLACED)
        return rows.filter(deleted=None)  # type: ignore[return-value]


class Document(Leased):
    """Uploaded file or web page, and the progress of its ingestion.

    `objects` leaves out earlier versions and deleted documents, `all_objects` includes them. `status` is changed by
    `jobs/ingest_job.py`, `library/uploads.py` and `library/versions.py` only.
    """

    class Status(models.TextChoices):
        """State of the document's life cycle."""

        QUEUED = "queued", gettext_lazy("Waiting")
        WORKING = "working", gettext_lazy("In progress")
        READY = "ready", gettext_lazy("Ready")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")
        QUARANTINED = "quarantined", gettext_lazy("Could not be read")  # crashed its worker three times
        REPLACED = "replaced", gettext_lazy("Earlier version")

    class Stage(models.TextChoices):
        """Step of ingestion that a working document is in."""

        FETCH = "fetch", gettext_lazy("Fetching the page")
        SNIFF = "sniff", gettext_lazy("Checking the file")
        PARSE = "parse", gettext_lazy("Reading pages")
        RECOGNISE = "scan", gettext_lazy("Recognising text")
        SCREEN = "screen", gettext_lazy("Safety check")
        CHUNK = "chunk", gettext_lazy("Splitting into passages")
        EMBED = "embed", gettext_lazy("Embedding")
        INDEX = "index", gettext_lazy("Adding to the index")

    ACTIVE: ClassVar = [Status.QUEUED, Status.WORKING]

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="documents")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="uploads"
    )
    name = models.CharField(max_length=255)  # as uploaded, for display only; never part of a path
    # folders above the file when it was uploaded, 'a/b', for display only; empty: none
    path = models.CharField(max_length=500, blank=True)
    title = models.CharField(max_length=255, blank=True)  # from the document itself; empty: the name is shown
    # empty: a web page that was not fetched yet
    file = models.FileField(upload_to="documents", max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, db_index=True, blank=True)
    url = models.CharField(max_length=2000, blank=True)  # URL of a web page; empty: a file
    fetched = models.DateTimeField(null=True, blank=True)  # time of fetching a web page; null: a file, or not yet
    # document of which this row is a waiting or an earlier version; null: a document of its own
    replaces = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="versions"
    )  # fmt: skip
    version = models.PositiveIntegerField(default=1)
    # folder in SYNC_DIR from which it is synced; empty: uploaded or fetched
    sync_folder = models.CharField(max_length=255, blank=True)
    # modification time of the synced file when it was stored, ns since 1970
    modified_ns = models.BigIntegerField(null=True, blank=True)
    size = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=16, choices=list_kinds, blank=True)
    language = models.CharField(max_length=8, blank=True)  # ISO 639-1 code of its text; empty: unknown
    note = StoredTextField(blank=True)  # sentences about what parsing left out
    # reason why a reviewer excluded it from all answers; empty: it is used
    withheld = StoredTextField(blank=True)
    # digest of the parsers that read it; empty: its content is not reused
    parser_version = models.CharField(max_length=64, blank=True)
    embedded_title = models.CharField(max_length=255, blank=True)  # title in the metadata of the file
    # digest of the settings that made its live chunks; empty: unknown
    chunking_version = models.CharField(max_length=64, blank=True)
    # numbers of scanned pages that were not recognised, and why (ingestion/ocr.py)
    pages_without_text = models.JSONField(null=True, blank=True)
    # questions that it answers (ingestion/starter_questions.py); null: not made since its text last changed
    starters = models.JSONField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED, db_index=True)
    stage = models.CharField(max_length=8, choices=Stage.choices, blank=True)
    done = models.PositiveIntegerField(default=0)  # pages or passages finished in this stage
    total = models.PositiveIntegerField(default=0)  # pages or passages in this stage; 0 while unknown
    pages_count = models.PositiveIntegerField(default=0)
    reason = StoredTextField(blank=True)  # reason of a failure, with what to do
    # when a user deleted it; it can be restored until `library/trash.py` removes it for good
    deleted = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    objects = CurrentDocumentManager()
    all_objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created", "name"]
        indexes: ClassVar = [
            models.Index("created", condition=models.Q(pages_without_text__isnull=False), name="docs_unread"),
            models.Index("created", condition=models.Q(starters__isnull=True), name="docs_without_starters"),
            models.Index("deleted", condition=models.Q(deleted__isnull=False), name="docs_deleted"),
        ]

    def __str__(self) -> str:
        known = self.title or self.name
        return f"{known} (version {self.version})" if self.status == self.Status.REPLACED else known

    @property
    def is_movable(self) -> bool:
        """Return whether `movable` has the document; for templates."""
        return self.status == self.Status.READY and not self.sync_folder and not self.collection.of_chat

    @property
    def address(self) -> str:
        """Return the URL of a web page without its query, which may hold a secret of the user who added it."""
        return self.url.partition("?")[0]

    @property
    def has_pages(self) -> bool:
        """Return whether the reader shows page images; otherwise it shows the text."""
        return self.kind in {"pdf", "image"}

    @property
    def unit(self) -> str:
        """Return the word for a `Page` of this document: page, slide or part."""
        return known.unit if (known := find_by_kind(self.kind)) else "part"

    def get_page_label(self, number: int) -> str:
        """Return the place of a `Page` of this document in words, such as "page 3"."""
        return str(_PAGE_LABELS[self.unit]) % {"page": number}

    @property
    def icon(self) -> str:
        """Return the name of the heroicon of its kind."""
        return known.icon if (known := find_by_kind(self.kind)) else "document"


class Page(models.Model):
    """Text of one page as parsed, to which all character spans refer. Formats without pages have one page."""

    document = models.ForeignKey("documents.Document", on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()  # from 1
    text = models.TextField(blank=True)
    width = models.FloatField(default=0)  # points; 0 where there are no pages
    height = models.FloatField(default=0)
    # words of a recognised page: [start, end, left, top, width, height], places in fractions of the page
    boxes = models.JSONField(null=True, blank=True)
    # digest of file content and OCR version; empty: the text did not come from OCR
    ocr_key = models.CharField(
        max_length=64, blank=True, default=""
    )  # fmt: skip
    block_spans = models.JSONField(null=True, blank=True)  # blocks that the parser found: [kind, level, start, end]

    class Meta:
        ordering: ClassVar = ["document", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["document", "number"], name="one_row_a_page")]

    def __str__(self) -> str:
        return f"page {self.number}"


class FolderSync(Leased):
    """Folder sync of a collection, at most one each; the queue of `library/folder_sync.py`.

    Documents themselves record the folder that they came from.
    """

    collection = models.OneToOneField(Collection, on_delete=models.CASCADE, related_name="folder_sync")
    folder = models.CharField(max_length=255)  # in SYNC_DIR; '.' is all of it
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    pending = models.BooleanField(default=False)  # True until the sync is done
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    confirmed = models.PositiveIntegerField(default=0)  # number of removals that the user has confirmed
    problems = models.JSONField(default=list)  # files that could not be stored: [path, reason]
    changed = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.folder} for {self.collection_id}"


class SegmentQuerySet(models.QuerySet["Segment"]):
    """Segments of indexes, retired ones and those of builds included."""

    def live(self) -> SegmentQuerySet:
        """Return the segments that are searched: not replaced by a merge or rebuild, and not of an index build."""
        return self.filter(retired__isnull=True, build=0)


class Segment(models.Model):
    """Immutable part of a collection's index. Only segments with a row are searched."""

    id = models.UUIDField(primary_key=True, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="segments")
    count = models.PositiveIntegerField()
    dimension = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=120)  # of the embedder whose vectors it holds
    kind = models.CharField(max_length=16)
    # name of the index that holds it; empty: the only one
    backend = models.CharField(max_length=80, blank=True, default="local")
    checksum = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    build = models.PositiveBigIntegerField(default=0)  # the IndexBuild that it belongs to; 0: live
    created = models.DateTimeField(auto_now_add=True)
    # time since when chunks have words that the files of the index lack; null: none
    stale_since = models.DateTimeField(null=True, blank=True)
    # time of its replacement; searches under way may still read its files
    retired = models.DateTimeField(null=True, blank=True)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["created"]

    def __str__(self) -> str:
        return f"segment {self.pk} ({self.count})"

    @property
    def info(self) -> SegmentInfo:
        """Return the segment as the index backends know it."""
        return SegmentInfo(
            id=self.id.hex, collection=self.collection_id.hex, count=self.count, dimension=self.dimension,
            fingerprint=self.fingerprint, kind=self.kind, checksum=self.checksum, size_bytes=self.size_bytes,
            backend=self.backend,
        )  # fmt: skip


class SegmentCopy(models.Model):
    """Verified copy of a segment in another index backend that is not searched yet
    (`indexing/backend_migration.py`)."""

    segment = models.OneToOneField(Segment, on_delete=models.CASCADE, related_name="backend_copy")
    backend = models.CharField(max_length=80)
    info = models.JSONField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "documents_preparedsegment"

    def __str__(self) -> str:
        return f"copy of {self.segment_id} in {self.backend}"

    @property
    def copy(self) -> SegmentInfo:
        """Return the copy as the index backends know it."""
        return SegmentInfo(**self.info)


class IndexMaintenance(Leased):
    """Maintenance state of a collection's index: the lease of the process that rewrites it, and a requested rebuild."""

    collection = models.OneToOneField(
        Collection, on_delete=models.CASCADE, primary_key=True, related_name="maintenance"
    )
    # reason of a requested rebuild; empty: none is needed
    rebuild_reason = models.CharField(max_length=200, blank=True)
    rebuilt = models.DateTimeField(null=True, blank=True)  # time of the last full rebuild; null: never

    class Meta:
        db_table = "documents_indexcare"

    def __str__(self) -> str:
        return f"index of {self.collection_id}"


class ChunkQuerySet(models.QuerySet["Chunk"]):
    """Chunks, those of index builds included, with access queries."""

    def visible_to(self, user: AnyUser) -> ChunkQuerySet:
        """Return the chunks of documents that the user may read."""
        return self.filter(document__collection__in=Collection.all_objects.visible_to(user), document__deleted=None)

    def searchable(self) -> ChunkQuerySet:
        """Return the chunks that answers may use: indexed, enabled, and of ready documents that are neither withheld
        nor deleted."""
        return self.filter(
            segment__isnull=False,
            enabled=True,
            document__status=Document.Status.READY,
            document__withheld="",
            document__deleted=None,
        )


_Chunks = models.Manager.from_queryset(ChunkQuerySet)


class LiveChunkManager(_Chunks["Chunk"]):
    """Manager of the chunks of live indexes."""

    def get_queryset(self) -> ChunkQuerySet:
        return super().get_queryset().filter(build=0)  # type: ignore[return-value]


class Chunk(models.Model):
    """Run of a page's text that fits the embedder's window, and its vector.

    `objects` are those of the live index, `all_objects` includes those of index builds (`indexing/shadow_build.py`).
    """

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    segment = models.ForeignKey(Segment, on_delete=models.SET_NULL, null=True, blank=True, related_name="chunks")
    position = models.PositiveIntegerField()  # from 0, in reading order through the document
    page_number = models.PositiveIntegerField()
    char_start = models.PositiveIntegerField()  # in Page.text
    char_end = models.PositiveIntegerField()
    heading = models.CharField(max_length=400, blank=True)  # path of headings, joined by ' › '
    text = models.TextField()  # Page.text[char_start:char_end], whitespace folded
    tokens = models.PositiveIntegerField()  # by the embedder's tokenizer, header included
    vector = models.BinaryField(default=b"")  # float32, unit length, of header and text
    fingerprint = models.CharField(max_length=120, blank=True)  # of the embedder that made the vector
    enabled = models.BooleanField(default=True)
    keywords = models.CharField(max_length=400, blank=True)  # words that a user added; found like a heading
    flag = models.CharField(max_length=60, blank=True)  # rule of the gate that it matched when it was read

    build = models.PositiveBigIntegerField(default=0)  # the IndexBuild that it belongs to; 0: live

    objects = LiveChunkManager()
    all_objects = ChunkQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["document", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["document", "position", "build"], name="one_chunk_a_position_of_a_build")
        ]
        indexes: ClassVar = [  # so that counting does not read texts and vectors
            models.Index(fields=["segment", "build"], name="chunks_of_segments"),
            models.Index(fields=["document"], condition=models.Q(enabled=False), name="chunks_switched_off"),
            models.Index(fields=["document"], condition=~models.Q(keywords=""), name="chunks_with_keywords"),
            models.Index(fields=["document"], condition=~models.Q(flag=""), name="chunks_flagged"),
        ]

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def page_label(self) -> str:
        """Return where in its document the chunk is, such as "page 3"."""
        return self.document.get_page_label(self.page_number)

    @property
    def entry(self) -> IndexEntry:
        """Return the entry that the index stores for the chunk."""
        heading = f"{self.heading} {self.keywords}".strip()
        return IndexEntry(self.pk, self.text, str(self.document), heading, self.document_id.hex)
