"""Program that kills a real Celery worker at random moments, and prints what is left as JSON.

    DATA_DIR=… python -m tests.documents.ingestion.killed_worker KILLS

Files are uploaded while the worker runs and while it does not. Every third time no message is sent, as if the web
process had died after the commit. The worker is started as `./run serve` does, with real parsers, index and broker;
only the embedder is a fake. Leases expire in real time.
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
from apps.documents.models import Chunk, Collection, Document, IndexMaintenance, Segment
from apps.engines import registry
from apps.users.models import User
from tests.documents.ingestion import killed_ingestion as counted

OPTIONS = ("--pool", "threads", "--concurrency", "5", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")
LATEST_S = 900  # seconds; longer is a defect, not a slow machine
chance = random.Random(29)


def main(kills: int) -> dict[str, object]:
    """Kill `kills` workers and return the counts.

    `recovered_s` is the time from the last start until nothing waits. `again` counts files whose ingestion was
    interrupted, `aside` those quarantined after three kills.
    """
    call_command("migrate", verbosity=0)
    collection = Collection.objects.create(owner=User.objects.create_user("alice@example.org"), name="Shelf")
    counted.put(collection, 0)
    worker, began = started(), time.monotonic()
    recovered()
    whole = time.monotonic() - began
    kill(worker)
    stages: Counter[str] = Counter()
    torn = 0
    for number in range(1, kills + 1):
        with notify_uploads(number % 3 != 0):
            counted.put(collection, 2 * number)
        worker = started()
        counted.put(collection, 2 * number + 1)
        time.sleep(chance.random() * 2 * whole)  # twice as long, for twice the files
        kill(worker)
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
def notify_uploads(bell: bool) -> Iterator[None]:
    """Send messages about uploads inside the block, or none."""
    ring = uploads.notify_ingest
    if not bell:
        vars(uploads)["notify_ingest"] = lambda *_: None
    try:
        yield
    finally:
        vars(uploads)["notify_ingest"] = ring


def started() -> subprocess.Popen[bytes]:
    """Start a worker and return it once it works."""
    get_heartbeat_file().unlink(missing_ok=True)
    with Path(settings.DATA_DIR, "worker.log").open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "assistant", "--quiet", "worker", *OPTIONS],
            cwd=settings.BASE_DIR, stdout=log, stderr=log,
        )  # fmt: skip
    wait_until(lambda: get_heartbeat_file().exists() or worker.poll() is not None)
    if worker.poll() is not None:
        raise SystemExit(f"The worker ended by itself: {Path(settings.DATA_DIR, 'worker.log').read_text()[-2000:]}")
    return worker


def kill(worker: subprocess.Popen[bytes]) -> None:
    """Kill the worker; exit if it ended by itself."""
    if worker.poll() is not None:
        raise SystemExit(f"The worker ended by itself: {Path(settings.DATA_DIR, 'worker.log').read_text()[-2000:]}")
    worker.kill()
    worker.wait()


def recovered() -> None:
    """Wait until no document waits or is being ingested."""
    wait_until(lambda: not Document.objects.filter(status__in=Document.ACTIVE).exists())


def wait_until(what: Callable[[], bool]) -> None:
    """Wait until `what()` is true; exit after LATEST_S."""
    deadline = time.monotonic() + LATEST_S
    while not what():
        if time.monotonic() > deadline:
            raise SystemExit("It did not happen in time.")
        time.sleep(0.05)


def ends() -> dict[str, int]:
    """Return how the accepted files ended; `left` counts stored files and index folders without a row."""
    aside = Document.objects.filter(status="quarantined").exclude(reason="")
    found = {"ready": Document.objects.filter(status="ready").count(), "aside": aside.count()}
    lost = counted.count_lost() - 2 * len(counted.taken().intersection(aside.values_list("pk", flat=True)))
    IndexMaintenance.objects.update(lease_until=None)  # as if the leases had expired
    counted.settle()
    return found | {"lost": lost, "doubled": counted.count_doubled(), "left": counted.count_leftovers()}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
