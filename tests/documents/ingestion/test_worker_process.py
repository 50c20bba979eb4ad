"""A real worker on a real index: killed at any moment, started again, every document ends ready exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from apps.documents.ingestion.worker import get_heartbeat_file
from apps.documents.library import uploads
from apps.documents.models import Chunk, Collection, Document, Page, Segment
from apps.engines import registry
from tests.documents import sample_files
from tests.factories import make_collection, make_user, upload_file

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]

START_S = 180
PAUSES = (  # where the worker is when it is killed: the function that hangs there, by the settings of the test
    "parse", "embed", "index", "publish", "index together", "publish together",
)  # fmt: skip
EVERY_DAY = "publish"


class Worker:
    """`celery worker` as a process of its own, on the database and index of this test."""

    def __init__(self, folder: Path, pause: str = "") -> None:
        self.log = (folder / "worker.log").open("ab")
        get_heartbeat_file().unlink(missing_ok=True)
        database = connection.settings_dict
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "tests.documents.ingestion.slow_worker",
                "worker",
                "--pool",
                "threads",
                "--concurrency",
                "5",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
                "--loglevel",
                "INFO",
            ],
            cwd=settings.BASE_DIR,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
            env={
                **os.environ,
                "TEST_DATABASE": str(database["NAME"]),
                "TEST_INDEX": str(folder / "index"),
                "TEST_PAUSE": pause,
            },
        )

    def kill(self, how: int = signal.SIGKILL) -> int:
        self.process.send_signal(how)
        code = self.process.wait(120)
        self.log.close()
        return code


@pytest.fixture
def start(tmp_path: Path, settings: Any) -> Iterator[Callable[..., Worker]]:
    settings.ENGINES = {
        **settings.ENGINES,
        "index": {
            "BACKEND": "apps.engines.index.local.engine.LocalIndex",
            "OPTIONS": {"directory": str(tmp_path / "index")},
        },
    }
    registry.reset()
    running: list[Worker] = []

    def _start(pause: str = "") -> Worker:
        running.append(Worker(tmp_path, pause))
        return running[-1]

    yield _start
    for worker in running:
        if worker.process.poll() is None:
            worker.kill()


def wait_until(what: Callable[[], bool], seconds: float = START_S) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def paragraphs(count: int, word: str) -> bytes:
    return "\n\n".join(f"Paragraph {n} about {word} says one thing after another." * 8 for n in range(count)).encode()


def whole_and_once(document: Document) -> None:
    document.refresh_from_db()
    assert (document.status, document.reason) == ("ready", "")
    chunks = list(Chunk.objects.searchable().filter(document=document))
    assert chunks
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    assert {page.number for page in Page.objects.filter(document=document)} == set(range(1, document.pages_count + 1))
    segments = Segment.objects.live().filter(chunks__document=document).distinct()
    assert sum(segment.chunks.filter(document=document).count() for segment in segments) == len(chunks)
    for segment in segments:
        assert registry.get_index().verify(segment.info)


def forget_leases() -> None:
    """The minute until a dead worker's lease runs out has passed."""
    Document.objects.exclude(lease_token="").update(lease_until="2020-01-01T00:00Z")


@pytest.mark.parametrize(
    "pause", [pytest.param(pause, marks=[pytest.mark.slow] if pause != EVERY_DAY else []) for pause in PAUSES]
)
def test_a_worker_killed_in_any_step_loses_and_doubles_nothing(
    start: Callable[..., Worker], tmp_path: Path, pause: str
) -> None:
    alice = make_user("alice")
    collection = Collection.objects.create(owner=alice, name="Library")
    marker = tmp_path / "paused"
    os.environ["TEST_MARKER"] = str(marker)
    first = upload_file(collection, "a.txt", paragraphs(60, "rivers"))
    second = upload_file(collection, "b.pdf", sample_files.pdf("Mountains are high.", "Valleys are low."))
    small = [
        upload_file(collection, f"{n}.txt", paragraphs(1, f"lake {n}")) for n in range(8 if "together" in pause else 0)
    ]
    worker = start(pause)
    wait_until(marker.exists)
    worker.kill()
    assert not Chunk.objects.searchable().filter(document__status="working").exists()
    forget_leases()
    last = start()
    wait_until(lambda: Document.objects.filter(status="ready").count() == 2 + len(small))
    last.kill()  # it may be merging the segments that are counted below
    for document in (first, second, *small):
        whole_and_once(document)
    registry.get_index().sweep([segment.info for segment in Segment.objects.all()], older_than_s=0)
    stored = {path.name for path in (tmp_path / "index").rglob("*") if path.is_dir() and len(path.name) == 32}
    assert {segment.pk.hex for segment in Segment.objects.all()} <= stored
    assert len(stored - {collection.pk.hex}) == Segment.objects.count()


def start_paused_worker(start: Callable[..., Worker], tmp_path: Path) -> tuple[Worker, Document]:
    """Start a worker and return once it hangs in the ingestion of the document."""
    marker = tmp_path / "paused"
    os.environ["TEST_MARKER"] = str(marker)
    alice = make_user("alice")
    document = upload_file(make_collection(alice), "a.txt", paragraphs(300, "rivers"))
    worker = start("slow")
    wait_until(marker.exists)
    return worker, document


def test_a_worker_that_is_told_to_end_gives_its_work_back_at_once(start: Callable[..., Worker], tmp_path: Path) -> None:
    worker, document = start_paused_worker(start, tmp_path)
    began = time.monotonic()
    assert worker.kill(signal.SIGTERM) == 0
    assert time.monotonic() - began < 60
    document.refresh_from_db()
    assert (document.status, document.lease_token, document.attempts) == ("queued", "", 0)


def test_cancelling_stops_the_worker_within_a_moment(start: Callable[..., Worker], tmp_path: Path) -> None:
    _, document = start_paused_worker(start, tmp_path)
    wait_until(get_heartbeat_file().exists)
    uploads.cancel_ingestion(document.collection.owner, document)
    after = upload_file(document.collection, "b.txt", b"Read after the other was cancelled.")
    wait_until(lambda: Document.objects.get(pk=after.pk).status == "ready")
    document.refresh_from_db()
    assert document.status == "cancelled"
    assert not document.chunks.exists()


@pytest.fixture(autouse=True)
def _no_marker() -> Iterator[None]:
    yield
    with suppress(KeyError):
        del os.environ["TEST_MARKER"]
