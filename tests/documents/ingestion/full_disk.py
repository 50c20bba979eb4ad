"""Program run by `test_full_disk.py` in its own process, with DATA_DIR on a tiny file system.

It ingests documents while less and less disk space is free, then all of it, and merges their segments while more and
more is. It prints the resulting states as JSON.
"""

# ruff: noqa: E402 - Django is set up before its models are imported

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django

django.setup()

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError

from apps.documents.indexing import index_maintenance
from apps.documents.ingestion.pipeline import ingest
from apps.documents.library import uploads
from apps.documents.models import Chunk, Collection, Document, Segment
from apps.engines import registry
from apps.lib import disk_space
from apps.users.models import User
from tests.support import prepared_site

DISK = Path(os.environ["DATA_DIR"])
FREE = [600, 400, 300, 200, 150, 100, 60, 30, 12, 0]  # kilobytes


def fill(free: int) -> None:
    """Fill the disk until `free` kilobytes are left."""
    filler = DISK / "filler"
    filler.unlink(missing_ok=True)
    space = os.statvfs(DISK)
    with filler.open("wb") as file:
        file.write(bytes(max(0, space.f_bavail * space.f_frsize - free * 1024)))


def state() -> dict[str, object]:
    """Return what users can find; all of it must be whole: sound segments, and chunks of ready documents only."""
    seen = Chunk.objects.searchable()
    return {
        "sound": all(registry.get_index().verify(row.info) for row in Segment.objects.live()),
        "ready": Document.objects.filter(status="ready").count(),
        "found": seen.values("document").distinct().count(),
        "states": sorted(set(Document.objects.values_list("status", flat=True))),
    }


def merged(collection: Collection) -> list[dict[str, object]]:
    """Return the states after merges with nothing free, a little, more."""
    told = []
    index_maintenance.MERGE_FAN = 2
    for free in reversed(FREE):
        fill(free)
        try:
            index_maintenance.merge(collection.pk)
            told.append(state())
        except DatabaseError as error:
            told.append(state() | {"database": str(error)})
        (DISK / "filler").unlink()
        told[-1]["segments"] = Segment.objects.live().count()
        index_maintenance.IndexMaintenance.objects.update(lease_until=None)  # as if the lease had expired
    return told


def main() -> None:
    """Run all steps and print the result."""
    uploads.KEEP_FREE_BYTES, uploads.KEEP_FREE_SHARE, uploads.notify_ingest = 0, 0, lambda *_: None
    index_maintenance.MERGE_FAN = 1000  # no merge before `merged`
    prepared_site.copy_tables(DISK)
    disk_space.create_reserve()
    collection = Collection.objects.create(owner=User.objects.create_user("alice", password="x"), name="Shelf")
    words = [f"Sentence {n} of this text says what foxes number {n * 7} hunt at night." for n in range(120)]
    for number in range(len(FREE)):
        text = f"# Book {number}\n\n" + "\n\n".join(f"{number} {one}" for one in words)
        uploads.store_upload(collection.owner, collection, SimpleUploadedFile(f"{number}.md", text.encode()))
    waiting = list(Document.objects.order_by("created"))
    told = []
    for document, free in zip(waiting, FREE, strict=True):
        fill(free)
        try:
            ingest(document.pk)
            told.append(state())
        except DatabaseError as error:
            told.append(state() | {"database": str(error)})
    (DISK / "filler").unlink()
    reasons = sorted(set(Document.objects.exclude(reason="").values_list("reason", flat=True)))
    Document.objects.update(lease_until=None)
    for document in waiting:
        ingest(document.pk)
    merges = merged(collection)
    index_maintenance.maintain_indexes()
    left = len(list((DISK / "index").glob(".writing/*")))
    result = {"told": told, "reasons": reasons, "merges": merges, "end": state(), "left": left}
    json.dump(result | {"segments": Segment.objects.live().count()}, sys.stdout)


main()
