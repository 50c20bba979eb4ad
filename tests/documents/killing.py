"""Run by `test_killed_index.py`, or by hand: `python -m tests.documents.killing 200`.

Workers that add, delete, merge and sweep are killed at any moment, so many times. After each, what a search may see
must be whole; at the end nothing may be lost, and no file left over. Prints what was seen. Files are read in the worker
itself, which is quicker: what reads them has nothing to commit.
"""

# ruff: noqa: E402 - Django is set up before its models are imported

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

FOLDER = tempfile.TemporaryDirectory(prefix="openbook-killing-")
os.environ |= {
    "DATA_DIR": FOLDER.name,
    "DATABASE_URL": "",
    "INDEX_BACKEND": "local",
    "EMBED_BACKEND": "apps.engines.embed.fake.FakeEmbed",
    "CLASSIFY_BACKEND": "apps.engines.classify.fake.FakeClassifier",
    "PLANTED_BACKEND": "apps.engines.classify.fake.FakePlanted",
    "TAGGER_BACKEND": "apps.engines.classify.fake.FakeTagger",
    "DJANGO_SETTINGS_MODULE": "assistant.settings",
}
import django
import faiss  # noqa: F401 - loaded before the forks, which are quick then
import tantivy  # noqa: F401

django.setup()

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from apps.documents import ingest as pipeline
from apps.documents import segments, upload
from apps.documents.group import Group
from apps.documents.ingest import ingest
from apps.documents.models import Chunk, Collection, Document, Segment
from apps.documents.parsers.base import ParsedPage, Piece
from apps.engines import registry
from apps.engines.base import IndexQuery
from apps.users.models import User

KEPT = 60  # documents: more only make it longer to look at all of them after each kill
chance = random.Random(5)


def read(group: Group) -> Iterator[Group]:
    for work in group:
        text = Path(work.document.file.path).read_text()
        work.pages = [ParsedPage(1, text, (Piece("paragraph", 0, 0, len(text)),))]
    yield group


def add(place: Collection, word: str) -> UUID:
    text = "\n\n".join(f"{word} stands in sentence {n} of this text." for n in range(4))
    return upload.upload(place.owner, place, SimpleUploadedFile(f"{word}.md", text.encode())).pk


def work(place: Collection, seed: int, done: int) -> None:
    """Adds and deletes documents until it is killed; a byte says that one more is through."""
    own = random.Random(seed)
    segments.GRACE_S = 0
    pipeline.parsed = read
    ingest(*Document.objects.filter(status__in=Document.ACTIVE).values_list("pk", flat=True))
    while True:
        words = [f"word{own.randrange(10**12)}" for _ in range(own.choice((1, 1, 3)))]
        ingest(*[add(place, word) for word in words])
        for _ in words:
            if own.random() < 0.6 or Document.objects.count() > KEPT:
                upload.delete(own.choice(list(Document.objects.all())))
        segments.merge(place.pk)
        segments.sweep()
        os.write(done, b".")


def killed(place: Collection, seed: int) -> None:
    """One worker, killed in the middle of its first, second … document, or of the merge after it."""
    connections.close_all()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        work(place, seed, write_end)
    os.close(write_end)
    began = time.monotonic()
    through = len(os.read(read_end, 1)) + sum(len(os.read(read_end, 1)) for _ in range(chance.randrange(6)))
    if not through:
        raise SystemExit("The worker ended by itself.")
    time.sleep(chance.random() * (time.monotonic() - began) / through)  # of one, as long as they take just now
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read_end)
    Document.objects.update(lease_until=None, attempts=0)  # as if the leases had run out
    segments.IndexCare.objects.update(lease_until=None)


def faults() -> list[str]:
    """What a search would see that is torn, half there, or lost."""
    found: list[str] = []
    live = [row.info for row in Segment.objects.live()]
    found += [f"torn: {info.id}" for info in live if not registry.index().verify(info)]
    half = Chunk.objects.filter(segment__isnull=False).exclude(document__status="ready")
    found += [f"half there: {name}" for name in half.values_list("document__name", flat=True)]
    for document in Document.objects.filter(status="ready"):
        query = IndexQuery(document.name.removesuffix(".md"), registry.embed().embed_query("x"))
        hits = {c.chunk_id for c in registry.index().search(live, query).candidates if c.bm25}
        if hits != set(Chunk.objects.filter(document=document).values_list("pk", flat=True)):
            found.append(f"lost: {document.name}")
    return found


def main(kills: int) -> None:
    call_command("migrate", verbosity=0)
    upload.ring = upload.ask_for_merge = lambda *_: None
    place = Collection.objects.create(owner=User.objects.create_user("alice", password="x"), name="Shelf")
    seen: list[str] = []
    merges = 0
    for number in range(kills):
        before = set(Segment.objects.live().values_list("pk", flat=True))
        killed(place, number)
        seen += faults()
        merges += bool(before - set(Segment.objects.live().values_list("pk", flat=True)))
    folder = Path(FOLDER.name, "index")
    cut_off = len(list(folder.glob(".writing/*")))
    pipeline.parsed = read
    ingest(*Document.objects.filter(status__in=Document.ACTIVE).values_list("pk", flat=True))
    segments.care()
    seen += faults()
    Segment.objects.filter(retired__isnull=False).update(retired=timezone.now() - timedelta(days=1))
    for path in folder.glob("*/*"):
        os.utime(path, (0, 0))
    segments.sweep()
    left = {path.name for path in folder.glob("*/*")} - {
        row.hex for row in Segment.objects.values_list("pk", flat=True)
    }
    seen += [f"leaked: {name}" for name in sorted(left)]
    ready = Document.objects.filter(status="ready").count()
    json.dump({"kills": kills, "faults": seen, "ready": ready, "merges": merges, "cut_off": cut_off}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
