"""Program that kills a process at random moments while it uploads and ingests files, and prints what is left as JSON.

    DATA_DIR=… python -m tests.documents.ingestion.killed_ingestion KILLS

Parsers and index are the real ones, merges included; only the embedder is a fake. After each kill no search may find a
part of a document. At the end each uploaded file must be ready exactly once, and no orphaned file may be left.
"""

# ruff: noqa: E402 - Django is set up before its models are imported

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
django.setup()
for library in ("faiss", "tantivy", "apps.documents.ingestion.pipeline"):  # before the forks, so that these start fast
    import_module(library)

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone

from apps.documents.indexing import index_maintenance
from apps.documents.ingestion import pipeline, worker
from apps.documents.library import uploads
from apps.documents.models import Chunk, Collection, Document, IndexMaintenance, Page, Segment
from apps.engines import registry
from apps.users.models import User
from tests.documents import sample_files
from tests.support import prepared_site

LONGEST = 1.3  # times the duration of a run without a kill, until the latest kill
chance = random.Random(17)


def main(kills: int) -> dict[str, object]:
    """Kill `kills` processes and return the counts of faults, by kind."""
    prepared_site.copy_tables(Path(settings.DATA_DIR))
    for name in ("notify_ingest", "notify_merge"):  # no message is sent, as after a kill between commit and message
        vars(uploads)[name] = lambda *_: None
    collection = Collection.objects.create(owner=User.objects.create_user("alice@example.org"), name="Shelf")
    began = time.monotonic()
    lived(collection, 0, seconds=None)
    whole = time.monotonic() - began
    stages: Counter[str] = Counter()
    torn = 0
    for number in range(1, kills + 1):
        lived(collection, number, seconds=chance.random() * LONGEST * whole)
        stages += Counter(Document.objects.filter(status="working").values_list("stage", flat=True))
        torn += Chunk.objects.searchable().exclude(document__status="ready").values("document").distinct().count()
        torn += sum(not registry.get_index().verify(row.info) for row in Segment.objects.live())
        Document.objects.update(lease_until=None, attempts=0)  # as if the leases had expired
        IndexMaintenance.objects.update(lease_until=None)
    settle()
    found = {
        "kills": kills,
        "stages": dict(stages),
        "torn": torn,
        "ready": Document.objects.filter(status="ready").count(),
    }
    return found | {"lost": count_lost(), "doubled": count_doubled(), "left": count_leftovers()}


def lived(collection: Collection, seed: int, seconds: float | None) -> None:
    """Run a process that uploads and ingests files, to its end or for `seconds`."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        work(collection, seed)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def work(collection: Collection, seed: int) -> None:
    """Upload four files and ingest everything that waits."""
    put(collection, seed)
    work_on()


def put(collection: Collection, seed: int) -> None:
    """Upload four files, and record in DATA_DIR which were accepted."""
    made = random.Random(seed)
    words = [f"word{made.randrange(10**9)}" for _ in range(4)]
    contents = {
        f"{words[0]}.txt": "\n\n".join(f"{words[0]} stands in line {n} of it." for n in range(150)).encode(),
        f"{words[1]}.pdf": sample_files.pdf(*[f"{words[1]} is printed on page {n}." for n in range(3)]),
        f"{words[2]}.csv": f"Ship,Tons\n{words[2]},3\n".encode(), f"{words[3]}.docx": sample_files.docx(words[3]),
    }  # fmt: skip
    for name, content in contents.items():
        row = uploads.store_upload(collection.owner, collection, SimpleUploadedFile(name, content))
        with Path(settings.DATA_DIR, "accepted").open("a") as accepted:
            accepted.write(f"{row.pk}\n")


def work_on() -> None:
    """Ingest until nothing waits."""
    while waiting := list(Document.objects.filter(status__in=Document.ACTIVE).values_list("pk", flat=True)[:3]):
        pipeline.ingest(*waiting)


def settle() -> None:
    """Ingest what waits, maintain the index, and delete retired segments and orphans at once."""
    work_on()
    index_maintenance.maintain_indexes()
    Segment.objects.filter(retired__isnull=False).update(retired=timezone.now() - timedelta(days=1))
    for path in Path(settings.DATA_DIR, "index").glob("*/*"):
        os.utime(path, (0, 0))
    index_maintenance.sweep()
    worker.ORPHAN_S = -1
    worker.remove_orphans()


def count_lost() -> int:
    """Return how many accepted files are not ready, plus documents that are not."""
    ready = set(Document.objects.filter(status="ready").values_list("pk", flat=True))
    return len(taken() - ready) + Document.objects.exclude(status="ready").count()


def taken() -> set[UUID]:
    """Return the ids of the accepted files."""
    return {UUID(line) for line in Path(settings.DATA_DIR, "accepted").read_text().split()}


def count_doubled() -> int:
    """Return how many ready documents lack a page or searchable passage, or have one twice."""
    found = 0
    for document in Document.objects.filter(status="ready"):
        places = list(Chunk.objects.searchable().filter(document=document).values_list("position", flat=True))
        pages = list(Page.objects.filter(document=document).values_list("number", flat=True))
        once = sorted(places) == list(range(len(places))) and sorted(pages) == list(range(1, document.pages_count + 1))
        found += not (once and places and Chunk.objects.filter(document=document).count() == len(places))
    return found


def count_leftovers() -> int:
    """Return how many stored files and index folders have no row."""
    known = {Path(name).name for name in Document.objects.values_list("file", flat=True)}
    stored = {path.name for path in Path(settings.MEDIA_ROOT, "documents").iterdir()}
    named = {row.hex for row in Segment.objects.values_list("pk", flat=True)}
    return len(stored - known) + len({path.name for path in Path(settings.DATA_DIR, "index").glob("*/*")} - named)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
