"""The sample collection: Openbook's own handbook, which everybody may read and ask."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile

from apps.documents.library.uploads import retry_ingestion, store_upload
from apps.documents.models import Collection, Document
from apps.users.models import User

HANDBOOK = Path(__file__).parent / "handbook"
FILES = ("First steps.pdf", "Answers and citations.docx", "Running Openbook.md")
NAME = "Openbook handbook"
DESCRIPTION = "How Openbook works, in its own words. A sample to try questions on."
QUESTIONS = (
    "Where is my data stored?",
    "Why do quotes come first?",
    "How do I share a collection?",
)


@dataclass(frozen=True, slots=True)
class SampleProgress:
    """How far the sample is. `documents` in the order in which they are listed."""

    collection: Collection | None
    documents: tuple[Document, ...]

    @property
    def ready(self) -> bool:
        return len(self.documents) >= len(FILES) and all(row.status == Document.Status.READY for row in self.documents)

    @property
    def active(self) -> bool:
        return any(row.status in Document.ACTIVE for row in self.documents)


def get_progress() -> SampleProgress:
    own = Collection.objects.filter(everyone=True, name=NAME, owner__role=User.Role.ADMINISTRATOR)
    collection = own.order_by("created").first()  # one of the same name that a member made is not the sample
    if collection is None:
        return SampleProgress(None, ())
    return SampleProgress(collection, tuple(collection.documents.order_by("name")))


def load_sample(user: User) -> Collection:
    """The collection holds every document of the handbook, ready or on its way; what is there already stays."""
    collection = get_progress().collection
    if collection is None:
        collection = Collection.objects.create(owner=user, everyone=True, name=NAME, description=DESCRIPTION)
    there = {row.sha256: row for row in collection.documents.all()}
    for name in FILES:
        content = (HANDBOOK / name).read_bytes()
        known = there.get(hashlib.sha256(content).hexdigest())
        if known is None:
            store_upload(user, collection, SimpleUploadedFile(name, content))
        elif known.status not in {Document.Status.READY, *Document.ACTIVE}:
            retry_ingestion(known)
    return collection
