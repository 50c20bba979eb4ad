"""Sample collection: Openbook's own handbook, which every user may read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile

from apps.documents.library.uploads import requeue_document, store_file
from apps.documents.models import Collection, Document
from apps.users.models import User

HANDBOOK = Path(__file__).parent / "handbook"
FILES = ("First steps.pdf", "Answers and citations.docx", "Running Openbook.md")
NAME = "Openbook handbook"
DESCRIPTION = "How Openbook works. A sample collection for trying out questions."
QUESTIONS = (
    "Where is my data stored?",
    "Why do quotes come first?",
    "How do I share a collection?",
)


@dataclass(frozen=True, slots=True)
class SampleProgress:
    """Progress of ingesting the sample. `documents` are ordered by name."""

    collection: Collection | None
    documents: tuple[Document, ...]

    @property
    def ready(self) -> bool:
        return len(self.documents) >= len(FILES) and all(row.status == Document.Status.READY for row in self.documents)

    @property
    def active(self) -> bool:
        return any(row.status in Document.ACTIVE for row in self.documents)


def get_progress() -> SampleProgress:
    """Return the progress; its collection is None before the sample was loaded."""
    own = Collection.objects.filter(everyone=True, name=NAME, owner__role=User.Role.ADMINISTRATOR)
    collection = own.order_by("created").first()  # a member's collection of the same name is not the sample
    if collection is None:
        return SampleProgress(None, ())
    return SampleProgress(collection, tuple(collection.documents.order_by("name")))


def load_sample(user: User) -> Collection:
    """Create the collection if needed, and upload documents that are missing or failed. Idempotent."""
    collection = get_progress().collection
    if collection is None:
        collection = Collection.objects.create(owner=user, everyone=True, name=NAME, description=DESCRIPTION)
    there = {row.sha256: row for row in collection.documents.all()}
    for name in FILES:
        content = (HANDBOOK / name).read_bytes()
        known = there.get(hashlib.sha256(content).hexdigest())
        if known is None:
            store_file(user, collection, SimpleUploadedFile(name, content))
        elif known.status not in {Document.Status.READY, *Document.ACTIVE}:
            requeue_document(known)
    return collection
