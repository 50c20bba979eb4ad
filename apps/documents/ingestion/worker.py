"""Life of a worker process: heartbeat, renewal of leases, and periodic jobs that resume what others left.

Each periodic job is guarded: an exception is logged, recorded for the doctor page, and delays no other job. Two threads
run them, so that no second process (Celery's beat) is needed, and lost messages of the broker are made good. The pool
must be of threads (`--pool threads`), because leases belong to the process and its threads share one embedder. Entry
points: `process_queue` for tasks, `connect_signals` at start; apps above add to `periodic_jobs`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from celery.signals import worker_init, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import close_old_connections

from apps.documents.indexing import index_maintenance
from apps.documents.ingestion import starter_questions
from apps.documents.ingestion.pipeline import ingest
from apps.documents.jobs import ingest_job, scheduler, upload_notices
from apps.documents.jobs.notifications import notify_ingest
from apps.documents.models import Document
from apps.lib import disk_space, process_memory
from apps.lib import periodic_jobs as lib_periodic_jobs

log = logging.getLogger(__name__)

HEARTBEAT_S = 5  # seconds between two heartbeats
SWEEP_S = 30  # seconds between two rounds of the periodic jobs
# Threads that ingest at once; one user never gets the last of them.
MAX_DOCUMENT_THREADS = scheduler.MAX_THREADS_PER_USER + 1
MAX_NOTIFICATIONS = 4  # messages per sweep; the receiver of one works until nothing waits
ORPHAN_S = 3600  # seconds after which a file without a row is removed; uploads commit long before

periodic_jobs: list[Callable[[], object]] = []  # short jobs of this app and of apps above
_document_slots = threading.Semaphore(MAX_DOCUMENT_THREADS)
_threads: list[threading.Thread] = []  # of the heartbeat and the periodic jobs


def get_heartbeat_file() -> Path:
    """Return the file that is touched every HEARTBEAT_S while a worker runs."""
    return Path(settings.DATA_DIR) / "worker.alive"


def connect_signals() -> None:
    """Connect the start and end of a worker to this module; other processes never send these signals."""
    worker_init.connect(_limit_memory, dispatch_uid="documents.worker")
    worker_ready.connect(_start, dispatch_uid="documents.worker")
    worker_shutting_down.connect(_request_stop, dispatch_uid="documents.worker")


def process_queue(document_id: UUID) -> None:
    """Ingest queued documents in turn until none waits. Return at once if MAX_DOCUMENT_THREADS threads do so already.

    So one thread of the pool is always left for other tasks. `document_id` caused the message; it gets no better place
    in the queue.
    """
    while _document_slots.acquire(blocking=False):
        try:
            while not ingest_job.stop_requested.is_set() and _work_on_next():
                pass
        finally:
            _document_slots.release()
        # A document may have been queued between the last look and the release of the slot.
        if ingest_job.stop_requested.is_set():
            return
        if not scheduler.list_next_documents(1):
            starter_questions.sweep()
            return


def _work_on_next() -> bool:
    """Work on the next batch; return whether there was one."""
    with scheduler.next_batch() as ids:
        if ids and ingest(*ids):
            _freeze_memory()
        if ids:
            upload_notices.notify_ended(ids)
        return bool(ids)


@cache
def _freeze_memory() -> None:
    """Freeze the loaded objects for the garbage collector; once, after the first document loaded what it needs."""
    process_memory.freeze_loaded()


def sweep() -> int:
    """Quarantine documents that crash each time, and notify workers of waiting ones. Return the number of messages."""
    ingest_job.quarantine_crashed()
    waiting = scheduler.list_next_documents(MAX_NOTIFICATIONS)
    for document_id in waiting:
        notify_ingest(document_id)
    return len(waiting)


def remove_orphans() -> int:
    """Remove stored files without a row, and partial uploads of killed processes. Return how many.

    Only files older than ORPHAN_S are removed.
    """
    stored = [path for path in _list_orphans(Path(settings.MEDIA_ROOT) / "documents") if not _has_row(path)]
    orphans = stored + _list_orphans(Path(settings.FILE_UPLOAD_TEMP_DIR))
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def _list_orphans(folder: Path) -> list[Path]:
    """Return the files in the folder that have not been written for ORPHAN_S."""
    orphans, last = [], time.time() - ORPHAN_S
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):
            orphans += [path] if path.lstat().st_mtime < last else []
    return orphans


def _has_row(path: Path) -> bool:
    return Document.all_objects.filter(file=f"documents/{path.name}").exists()


def _limit_memory(**_: Any) -> None:
    process_memory.limit_native_caches()


def _start(**_: Any) -> None:
    ingest_job.stop_requested.clear()
    lib_periodic_jobs.clear_records()
    _threads[:] = [
        threading.Thread(target=_repeat, args=(seconds, work), name=name, daemon=True)
        for name, seconds, work in (("sweep", SWEEP_S, _run_periodic_jobs), ("pulse", HEARTBEAT_S, _beat))
    ]
    for thread in _threads:
        thread.start()


def _request_stop(**_: Any) -> None:
    ingest_job.stop_requested.set()


def _beat() -> None:
    _run(get_heartbeat_file().touch, "sign of life", HEARTBEAT_S)
    _run(ingest_job.renew_held_leases, "renewal of leases", HEARTBEAT_S)
    _run(_settle_jobs, "end of interrupted jobs", HEARTBEAT_S)


def _settle_jobs() -> None:
    for document_id in ingest_job.settle_jobs():
        notify_ingest(document_id)


def _run_periodic_jobs() -> None:
    for work in (disk_space.create_reserve, sweep, remove_orphans, index_maintenance.maintain_indexes, *periodic_jobs):
        if not ingest_job.stop_requested.is_set():
            _run(work, f"{work.__module__.removeprefix('apps.')}.{work.__name__}", SWEEP_S)


def _run(work: Callable[[], object], name: str, period_s: float) -> None:
    """Run one job, whatever it raises, with a fresh database connection if the old one is unusable."""
    close_old_connections()
    with lib_periodic_jobs.guard_job("worker", name, period_s):
        work()


def _repeat(seconds: float, work: Callable[[], None]) -> None:
    while True:
        work()
        close_old_connections()
        time.sleep(seconds)
