"""The life of a worker process: it says that it lives, keeps the leases of its work, and sweeps what others left.

Each job of the sweep is guarded by itself: whatever one raises is logged, noted for the Doctor and tried again with the
next sweep, and keeps no other from its turn. Two threads do that, so that no second process (Celery's beat) is needed
and the sweep does not depend on the broker whose losses it makes good. The pool has to be of threads (`--pool
threads`): the leases are those of this process, and its workers share one embedder.
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
from apps.documents.ingestion.pipeline import ingest
from apps.documents.jobs import ingest_job, scheduler
from apps.documents.jobs.notifications import notify_ingest
from apps.documents.models import Document
from apps.lib import disk_space, process_memory
from apps.lib import periodic_jobs as lib_periodic_jobs

log = logging.getLogger(__name__)

HEARTBEAT_S = 5
SWEEP_S = 30
MAX_DOCUMENT_THREADS = (
    scheduler.MAX_THREADS_PER_USER + 1
)  # batches worked on at once; the last desk is kept for another person
MAX_NOTIFICATIONS = 4  # of one sweep; whoever hears one works on until nothing waits
ORPHAN_S = 3600  # an upload is committed long before

periodic_jobs: list[Callable[[], object]] = []  # what apps above this one have swept, each quick
_document_slots = threading.Semaphore(MAX_DOCUMENT_THREADS)
_threads: list[threading.Thread] = []  # of this process, once it works


def get_heartbeat_file() -> Path:
    """Return the file that is touched every PULSE_S while a worker runs."""
    return Path(settings.DATA_DIR) / "worker.alive"


def connect_signals() -> None:
    """The hooks below run when a worker starts and ends; elsewhere they never do."""
    worker_init.connect(_spare, dispatch_uid="documents.worker")
    worker_ready.connect(_start, dispatch_uid="documents.worker")
    worker_shutting_down.connect(_stop, dispatch_uid="documents.worker")


def process_queue(document_id: UUID) -> None:
    """Work on whatever waits, in turn, until nothing does; return at once where DESKS threads are at it.

    So a thread of the pool is always left for what else a worker is asked to do. `document_id` rang the bell; it has no
    better place in the queue for that.
    """
    while _document_slots.acquire(blocking=False):
        try:
            while not ingest_job.stop_requested.is_set() and _work_on_next():
                pass
        finally:
            _document_slots.release()
        if ingest_job.stop_requested.is_set() or not scheduler.list_next_documents(
            1
        ):  # nothing came while nobody was listening any more
            return


def _work_on_next() -> bool:
    """Work on the next batch; return whether there was one."""
    with scheduler.next_batch() as ids:
        if ids and ingest(*ids):
            _freeze_memory()
        return bool(ids)


@cache
def _freeze_memory() -> None:
    """Once, after the first document: what it needed is loaded."""
    process_memory.freeze_loaded()


def sweep() -> int:
    """Documents that crash every time are set aside, and the bell rings where some wait; returns how often it rang."""
    ingest_job.quarantine_crashed()
    waiting = scheduler.list_next_documents(MAX_NOTIFICATIONS)
    for document_id in waiting:
        notify_ingest(document_id)
    return len(waiting)


def remove_orphans() -> int:
    """Stored files without a row are gone (an upload was cut off before its row was written), and what was arriving
    when a process was killed; returns how many."""
    stored = [path for path in _old(Path(settings.MEDIA_ROOT) / "documents") if not _known(path)]
    orphans = stored + _old(Path(settings.FILE_UPLOAD_TEMP_DIR))
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def _old(folder: Path) -> list[Path]:
    """Its files that nobody writes on any more; what arrives may be gone before it is looked at."""
    found, last = [], time.time() - ORPHAN_S
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):
            found += [path] if path.lstat().st_mtime < last else []
    return found


def _known(path: Path) -> bool:
    return Document.every.filter(file=f"documents/{path.name}").exists()


def _spare(**_: Any) -> None:
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


def _stop(**_: Any) -> None:
    ingest_job.stop_requested.set()


def _beat() -> None:
    _run(get_heartbeat_file().touch, "sign of life", HEARTBEAT_S)
    _run(ingest_job.renew_held_leases, "renewal of leases", HEARTBEAT_S)


def _run_periodic_jobs() -> None:
    for work in (disk_space.create_reserve, sweep, remove_orphans, index_maintenance.maintain_indexes, *periodic_jobs):
        if not ingest_job.stop_requested.is_set():
            _run(work, f"{work.__module__.removeprefix('apps.')}.{work.__name__}", SWEEP_S)


def _run(work: Callable[[], object], name: str, period_s: float) -> None:
    """Run one job, whatever it raises, with a connection to the database that is checked before."""
    close_old_connections()
    with lib_periodic_jobs.guard_job("worker", name, period_s):
        work()


def _repeat(seconds: float, work: Callable[[], None]) -> None:
    while True:
        work()
        close_old_connections()
        time.sleep(seconds)
