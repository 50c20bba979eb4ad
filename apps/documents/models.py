"""Collections of documents, their pages and chunks, and the segments that make chunks searchable.

The database is the truth; FAISS and tantivy files are derived from it and can be rebuilt from `Chunk` rows alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeAlias

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from apps.engines.base import SegmentInfo
from apps.lib.ids import new_id
from apps.lib.leases import Leased

if TYPE_CHECKING:
    from apps.users.models import User

    Reader: TypeAlias = User | AnonymousUser


class CollectionQuerySet(models.QuerySet["Collection"]):
    def visible_to(self, user: Reader) -> CollectionQuerySet:
        """The collections whose documents this person may read."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(owner=user) | Q(everyone=True) | Q(members=user)).distinct()

    def editable_by(self, user: Reader) -> CollectionQuerySet:
        """The collections into which this person may put documents."""
        if not user.is_authenticated:
            return self.none()
        may_edit = Membership.objects.filter(user=user, role__in=[Membership.Role.EDITOR, Membership.Role.OWNER])
        return self.filter(Q(owner=user) | Q(pk__in=may_edit.values("collection")))

    def owned_by(self, user: Reader) -> CollectionQuerySet:
        """The collections that this person may rename, share and delete."""
        if not user.is_authenticated:
            return self.none()
        owns = Membership.objects.filter(user=user, role=Membership.Role.OWNER)
        return self.filter(Q(owner=user) | Q(pk__in=owns.values("collection")))


class Collection(models.Model):
    """Documents that are searched together and shared together."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collections")
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="shared_collections")
    everyone = models.BooleanField(default=False, help_text="Everyone who is signed in may read it")
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=400, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        READER = "reader", "Reader"
        EDITOR = "editor", "Editor"
        OWNER = "owner", "Owner"

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.READER)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["collection", "user"], name="one_membership_a_person")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.collection_id}"


class PendingShare(models.Model):
    """Becomes a membership when a person who has confirmed this address opens their collections."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="pending_shares")
    email = models.EmailField(help_text="In lower case")
    role = models.CharField(max_length=8, choices=Membership.Role.choices, default=Membership.Role.READER)

    class Meta:
        ordering: ClassVar = ["email"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["collection", "email"], name="one_pending_share_an_address")
        ]

    def __str__(self) -> str:
        return f"{self.email} {self.role} {self.collection_id}"


class RefusedUpload(models.Model):
    """A file that was not taken: its reason stays in the tray after a reload, its content is not kept."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="refused_uploads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="refused_uploads")
    name = models.CharField(max_length=255)
    reason = models.CharField(max_length=400)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return self.name


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, user: Reader) -> DocumentQuerySet:
        return self.filter(collection__in=Collection.objects.visible_to(user))

    def editable_by(self, user: Reader) -> DocumentQuerySet:
        return self.filter(collection__in=Collection.objects.editable_by(user))

    def active(self) -> DocumentQuerySet:
        """Not yet at an end: waiting or being worked on."""
        return self.filter(status__in=Document.ACTIVE)


class Document(Leased):
    """One uploaded file and how far its ingestion has come. `status` is changed only by `ingest.py` and `upload.py`."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        WORKING = "working", "Working"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        QUARANTINED = "quarantined", "Set aside"  # killed its worker three times

    class Stage(models.TextChoices):
        SNIFF = "sniff", "Checking the file"
        PARSE = "parse", "Reading pages"
        SCREEN = "screen", "Screening"
        CHUNK = "chunk", "Cutting into passages"
        EMBED = "embed", "Computing meaning"
        INDEX = "index", "Adding to the index"

    class Kind(models.TextChoices):
        PDF = "pdf", "PDF"
        DOCX = "docx", "Word document"
        MARKDOWN = "markdown", "Markdown"
        HTML = "html", "Web page"
        TEXT = "text", "Plain text"
        CSV = "csv", "Table (CSV)"

    ACTIVE: ClassVar = [Status.QUEUED, Status.WORKING]

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="documents")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="uploads"
    )
    name = models.CharField(max_length=255, help_text="As uploaded, for display only; never part of a path")
    title = models.CharField(max_length=255, blank=True, help_text="From the document itself; empty: the name is shown")
    file = models.FileField(upload_to="documents", max_length=200)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=16, choices=Kind.choices, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED, db_index=True)
    stage = models.CharField(max_length=8, choices=Stage.choices, blank=True)
    done = models.PositiveIntegerField(default=0, help_text="Pages or passages finished in this stage")
    total = models.PositiveIntegerField(default=0, help_text="Pages or passages in this stage; 0 while unknown")
    pages_count = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=400, blank=True, help_text="Why it failed, in words that say what to do")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created", "name"]

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def has_pages(self) -> bool:
        """Whether a reader sees page images; otherwise the text itself is shown."""
        return self.kind == self.Kind.PDF


class Page(models.Model):
    """The raw text of one page, to which every character span refers. Formats without pages have one page."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField(help_text="From 1")
    text = models.TextField(blank=True)
    width = models.FloatField(default=0, help_text="Points; 0 where there are no pages")
    height = models.FloatField(default=0)

    class Meta:
        ordering: ClassVar = ["document", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["document", "number"], name="one_row_a_page")]

    def __str__(self) -> str:
        return f"page {self.number}"


class SegmentQuerySet(models.QuerySet["Segment"]):
    def live(self) -> SegmentQuerySet:
        """Those that are searched: not yet replaced by a merge or a rebuild."""
        return self.filter(retired__isnull=True)


class Segment(models.Model):
    """An immutable part of a collection's index that is searched. A segment without a row is searched by nobody."""

    id = models.UUIDField(primary_key=True, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="segments")
    count = models.PositiveIntegerField()
    dimension = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=120, help_text="Of the embedder whose vectors it holds")
    kind = models.CharField(max_length=16)
    checksum = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    created = models.DateTimeField(auto_now_add=True)
    retired = models.DateTimeField(
        null=True, blank=True, help_text="When another took its place; searches under way may still read its files"
    )

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["created"]

    def __str__(self) -> str:
        return f"segment {self.pk} ({self.count})"

    @property
    def info(self) -> SegmentInfo:
        return SegmentInfo(
            id=self.id.hex, collection=self.collection_id.hex, count=self.count, dimension=self.dimension,
            fingerprint=self.fingerprint, kind=self.kind, checksum=self.checksum, size_bytes=self.size_bytes,
        )  # fmt: skip


class IndexCare(Leased):
    """The lease of the one process that rewrites a collection's index, and whether it must be rebuilt from the rows."""

    collection = models.OneToOneField(Collection, on_delete=models.CASCADE, primary_key=True, related_name="care")
    rebuild = models.CharField(max_length=200, blank=True, help_text="Why it must be rebuilt; empty: it is sound")

    def __str__(self) -> str:
        return f"index of {self.collection_id}"


class ChunkQuerySet(models.QuerySet["Chunk"]):
    def visible_to(self, user: Reader) -> ChunkQuerySet:
        return self.filter(document__collection__in=Collection.objects.visible_to(user))

    def searchable(self) -> ChunkQuerySet:
        return self.filter(segment__isnull=False, enabled=True, document__status=Document.Status.READY)


class Chunk(models.Model):
    """A run of a page's text that fits the embedder's window, and the vector of it."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    segment = models.ForeignKey(Segment, on_delete=models.SET_NULL, null=True, blank=True, related_name="chunks")
    position = models.PositiveIntegerField(help_text="From 0, in reading order through the document")
    page_number = models.PositiveIntegerField()
    char_start = models.PositiveIntegerField(help_text="In Page.text")
    char_end = models.PositiveIntegerField()
    heading = models.CharField(max_length=400, blank=True, help_text="Path of headings, joined by ' › '")
    text = models.TextField(help_text="Page.text[char_start:char_end], whitespace folded")
    tokens = models.PositiveIntegerField(help_text="By the embedder's tokenizer, header included")
    vector = models.BinaryField(default=b"", help_text="float32, unit length, of header and text")
    fingerprint = models.CharField(max_length=120, blank=True, help_text="Of the embedder that made the vector")
    enabled = models.BooleanField(default=True)
    flag = models.CharField(max_length=60, blank=True, help_text="Rule of the gate that it matched when it was read")

    objects = ChunkQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["document", "position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["document", "position"], name="one_chunk_a_position")]

    def __str__(self) -> str:
        return self.text[:80]
