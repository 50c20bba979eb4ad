"""Crash test of the index: kills workers that add, delete, merge and sweep at random moments. Prints JSON.

    DATA_DIR=… python -m benchmarks.index.kills KILLS

After each kill, everything that a search may see must be intact; at the end nothing may be lost, and no file left over.
Engines are fakes, which are fast, and files are parsed in the worker itself, since parsers commit nothing.
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
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
django.setup()
for library in ("faiss", "tantivy"):  # loaded before the forks, which makes them fast
    import_module(library)

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from apps.documents.indexing import index_maintenance
from apps.documents.ingestion import pipeline
from apps.documents.ingestion.batch import IngestBatch
from apps.documents.ingestion.pipeline import ingest
from apps.documents.library import deletion, uploads
from apps.documents.models import Chunk, Collection, Document, IndexMaintenance, Segment
from apps.engines import registry
from apps.engines.types import IndexQuery
from apps.reading.parsing.protocol import BlockSpan, ParsedPage
from apps.users.models import User

MAX_DOCUMENTS = 60  # documents: more only lengthen the check after each kill
KILLS_PER_LINE = 20  # kills between two lines of progress
rng = random.Random(5)  # noqa: S311 - the same kills in every run


def main(kills: int) -> dict[str, float]:
    """Kill workers and return the counts of "torn", "lost" and "leaked" items. `kill_merges` counts merges completed
    between two kills, `kill_cut_off` interrupted writes; both show that the kills hit."""
    call_command("migrate", verbosity=0)
    for name in ("notify_ingest", "notify_merge"):  # no worker listens here
        vars(uploads)[name] = lambda *_: None
    collection = Collection.objects.create(owner=User.objects.create_user("alice@example.org"), name="Shelf")
    counts: Counter[str] = Counter()
    merges = 0
    for number in range(1, kills + 1):
        before = set(Segment.objects.live().values_list("pk", flat=True))
        kill_worker(collection, number)
        counts += count_faults()
        merges += bool(before - set(Segment.objects.live().values_list("pk", flat=True)))
        if not number % KILLS_PER_LINE or number == kills:
            told = ", ".join(f"{counts[name]} {name}" for name in ("torn", "lost"))
            print(f"{number} of {kills} kills: {told}", file=sys.stderr, flush=True)
    cut_off = len(list(get_index_folder().glob(".writing/*")))
    finish_all()
    counts += count_faults() + count_missing() + count_leftovers()
    ready = Document.objects.filter(status="ready").count()
    damage = {name: float(counts[name]) for name in ("torn", "lost", "leaked")}
    return {"kills": kills, **damage, "kill_merges": merges, "kill_cut_off": cut_off, "kill_documents": ready}


def kill_worker(collection: Collection, seed: int) -> None:
    """Fork a worker and kill it in the middle of its first, second … document, or of the merge after it."""
    connections.close_all()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        run_worker(collection, seed, write_end)
    os.close(write_end)
    began = time.monotonic()
    rounds = len(os.read(read_end, 1)) + sum(len(os.read(read_end, 1)) for _ in range(rng.randrange(6)))
    if not rounds:
        raise SystemExit("The worker ended by itself.")
    time.sleep(rng.random() * (time.monotonic() - began) / rounds)  # a random part of a round
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read_end)
    Document.objects.update(lease_until=None, attempts=0)  # as if the leases had expired
    IndexMaintenance.objects.update(lease_until=None)


def run_worker(collection: Collection, seed: int, done: int) -> None:
    """Add and delete documents until killed; write a byte to `done` after each round."""
    worker_rng = random.Random(seed)  # noqa: S311
    index_maintenance.GRACE_S = 0
    vars(pipeline)["parse_batch"] = parse_in_process
    ingest(*Document.objects.filter(status__in=Document.ACTIVE).values_list("pk", flat=True))
    while True:
        words = [f"word{worker_rng.randrange(10**12)}" for _ in range(worker_rng.choice((1, 1, 3)))]
        ingest(*[upload_document(collection, word) for word in words])
        for _ in words:
            if worker_rng.random() < 0.6 or Document.objects.count() > MAX_DOCUMENTS:
                document = worker_rng.choice(list(Document.objects.all()))
                append_line(f"-{document.pk}")
                deletion.remove_document(document)
        index_maintenance.merge(collection.pk)
        index_maintenance.sweep()
        os.write(done, b".")


def upload_document(collection: Collection, word: str) -> UUID:
    """Upload a small document and return its key."""
    text = "\n\n".join(f"{word} stands in sentence {n} of this text." for n in range(4))
    pk = uploads.store_upload(collection.owner, collection, SimpleUploadedFile(f"{word}.md", text.encode())).pk
    append_line(f"+{pk}")
    return pk


def append_line(line: str) -> None:
    """Append a line to a file of uploads and deletions, in a single write, which no kill can tear."""
    file = os.open(Path(settings.DATA_DIR, "accepted"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def parse_in_process(group: IngestBatch) -> Iterator[IngestBatch]:
    """Parse the documents in this process, in place of the sandbox."""
    for work in group:
        text = Path(work.document.file.path).read_text()
        work.pages = [ParsedPage(1, text, (BlockSpan("paragraph", 0, 0, len(text)),))]
    yield group


def finish_all() -> None:
    """Finish all waiting documents, maintain the index, and remove retired segments at once."""
    vars(pipeline)["parse_batch"] = parse_in_process
    ingest(*Document.objects.filter(status__in=Document.ACTIVE).values_list("pk", flat=True))
    index_maintenance.maintain_indexes()
    Segment.objects.filter(retired__isnull=False).update(retired=timezone.now() - timedelta(days=1))
    for path in get_index_folder().glob("*/*"):
        os.utime(path, (0, 0))
    index_maintenance.sweep()


def count_faults() -> Counter[str]:
    """Count what a search would see torn (also a document that is only partly there) or lost."""
    counts: Counter[str] = Counter()
    live = [row.info for row in Segment.objects.live()]
    counts["torn"] += sum(not registry.get_index().verify(info) for info in live)
    half = Chunk.objects.filter(segment__isnull=False).exclude(document__status="ready")
    counts["torn"] += half.values("document").distinct().count()
    for document in Document.objects.filter(status="ready"):
        query = IndexQuery(document.name.removesuffix(".md"), registry.get_embedder().embed_query("x"))
        hits = {c.chunk_id for c in registry.get_index().search(live, query).candidates if c.bm25}
        counts["lost"] += hits != set(Chunk.objects.filter(document=document).values_list("pk", flat=True))
    return counts


def count_missing() -> Counter[str]:
    """Count documents that were accepted and not deleted, yet are not ready."""
    lines = Path(settings.DATA_DIR, "accepted").read_text().splitlines()
    accepted, deleted = ({line[1:] for line in lines if line[0] == sign} for sign in "+-")
    ready = {str(pk) for pk in Document.objects.filter(status="ready").values_list("pk", flat=True)}
    waiting = Document.objects.exclude(status="ready").count()  # uploaded at the moment of a kill, before it was noted
    return Counter(lost=len(accepted - deleted - ready) + waiting)


def count_leftovers() -> Counter[str]:
    """Count folders of the index without a row."""
    known = {row.hex for row in Segment.objects.values_list("pk", flat=True)}
    return Counter(leaked=len({path.name for path in get_index_folder().glob("*/*")} - known))


def get_index_folder() -> Path:
    """Return the index folder."""
    return Path(settings.DATA_DIR, "index")


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
