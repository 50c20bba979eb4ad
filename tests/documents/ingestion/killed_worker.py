"""Kills a real Celery worker at so many random moments of its life, and prints what is left as JSON.

DATA_DIR=… python -m tests.documents.ingestion.killed_worker KILLS

Files are uploaded while the worker runs and while it does not, and every third time nobody is told of them, as where
the web process died between row and bell. The worker is started as `./run serve` starts it, reads with real readers
into a real index, and has the real broker; only the embedder is a stand-in. Leases run out by the clock.
"""

# ruff: noqa: E402 - Django is set up before its models are imported

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
django.setup()

from django.conf import settings
from django.core.management import call_command

from apps.documents.ingestion.worker import get_heartbeat_file
from apps.documents.library import uploads
from apps.documents.models import Chunk, Collection, Document, IndexCare, Segment
from apps.engines import registry
from apps.users.models import User
from tests.documents.ingestion import killed_ingestion as counted

OPTIONS = ("--pool", "threads", "--concurrency", "5", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")
LATEST_S = 900  # a defect and no slow machine, when something takes longer
chance = random.Random(29)


def main(kills: int) -> dict[str, object]:
    """`recovered_s` is from the last start until nothing waits any more; `again` the files whose work had been cut off,
    `aside` those that three kills met."""
    call_command("migrate", verbosity=0)
    place = Collection.objects.create(owner=User.objects.create_user("alice@example.org"), name="Shelf")
    counted.put(place, 0)
    worker, began = started(), time.monotonic()
    recovered()
    whole = time.monotonic() - began
    killed(worker)
    stages: Counter[str] = Counter()
    torn = 0
    for number in range(1, kills + 1):
        with told(number % 3 != 0):
            counted.put(place, 2 * number)
        worker = started()
        counted.put(place, 2 * number + 1)
        time.sleep(chance.random() * 2 * whole)  # twice the files
        killed(worker)
        stages += Counter(Document.objects.filter(status="working").values_list("stage", flat=True))
        torn += Chunk.objects.searchable().exclude(document__status="ready").values("document").distinct().count()
        torn += sum(not registry.get_index().verify(row.info) for row in Segment.objects.live())
    again = Document.objects.filter(attempts__gt=0).count()
    began = time.monotonic()
    worker = started()
    recovered()
    took = time.monotonic() - began
    worker.send_signal(signal.SIGTERM)
    worker.wait(LATEST_S)
    return {
        "kills": kills, "stages": dict(stages), "torn": torn, "again": again, "recovered_s": round(took, 1), **ends(),
    }  # fmt: skip


@contextmanager
def told(bell: bool) -> Iterator[None]:
    """The bell rings for what is uploaded meanwhile, or does not."""
    ring = uploads.notify_ingest
    if not bell:
        vars(uploads)["notify_ingest"] = lambda *_: None
    try:
        yield
    finally:
        vars(uploads)["notify_ingest"] = ring


def started() -> subprocess.Popen[bytes]:
    """A worker that works by now."""
    get_heartbeat_file().unlink(missing_ok=True)
    with Path(settings.DATA_DIR, "worker.log").open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "assistant", "--quiet", "worker", *OPTIONS],
            cwd=settings.BASE_DIR, stdout=log, stderr=log,
        )  # fmt: skip
    until(lambda: get_heartbeat_file().exists() or worker.poll() is not None)
    if worker.poll() is not None:
        raise SystemExit(f"The worker ended by itself: {Path(settings.DATA_DIR, 'worker.log').read_text()[-2000:]}")
    return worker


def killed(worker: subprocess.Popen[bytes]) -> None:
    if worker.poll() is not None:
        raise SystemExit(f"The worker ended by itself: {Path(settings.DATA_DIR, 'worker.log').read_text()[-2000:]}")
    worker.kill()
    worker.wait()


def recovered() -> None:
    """Nothing waits any more, and nothing is worked on."""
    until(lambda: not Document.objects.filter(status__in=Document.ACTIVE).exists())


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LATEST_S
    while not what():
        if time.monotonic() > deadline:
            raise SystemExit("It did not happen in time.")
        time.sleep(0.05)


def ends() -> dict[str, int]:
    """How the files that were taken ended; `left` are stored files, and folders of the index, that no row knows."""
    aside = Document.objects.filter(status="quarantined").exclude(reason="")
    found = {"ready": Document.objects.filter(status="ready").count(), "aside": aside.count()}
    lost = counted.lost() - 2 * len(counted.taken().intersection(aside.values_list("pk", flat=True)))
    IndexCare.objects.update(lease_until=None)  # as if the leases had run out
    counted.settle()
    return found | {"lost": lost, "doubled": counted.doubled(), "left": counted.left()}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
