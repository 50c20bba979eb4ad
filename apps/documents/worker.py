"""The life of a worker process: it says that it lives, keeps the leases of its work, and sweeps what others left.

Two threads do that, so that no second process (Celery's beat) is needed and the sweep does not depend on the broker
whose losses it makes good. The pool has to be of threads (`--pool threads`): the leases are those of this process, and
its workers share one embedder.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.db import Error, close_old_connections

from apps.documents import job, segments
from apps.documents.bell import ring
from apps.documents.ingest import ingest
from apps.documents.models import Document
from apps.engines.base import EngineError

log = logging.getLogger(__name__)

PULSE_S = 5
SWEEP_S = 30
RINGS = 4  # of one sweep; whoever hears one works on until nothing waits
ORPHAN_S = 3600  # an upload is committed long before


def alive_file() -> Path:
    """Touched every PULSE_S while a worker runs."""
    return Path(settings.DATA_DIR) / "worker.alive"


def connect() -> None:
    """The hooks below run when a worker starts and ends; elsewhere they never do."""
    worker_ready.connect(_start, dispatch_uid="documents.worker")
    worker_shutting_down.connect(_stop, dispatch_uid="documents.worker")


def drain(document_id: UUID) -> None:
    """The document, and after it whatever else waited, has been worked on."""
    ingest(document_id)
    while not job.stopping.is_set() and (waiting := job.waiting(1)):
        ingest(waiting[0])


def sweep() -> int:
    """Documents that crash every time are set aside, and the bell rings where some wait; returns how often it rang."""
    job.give_up()
    waiting = job.waiting(RINGS)
    for document_id in waiting:
        ring(document_id)
    return len(waiting)


def remove_orphans() -> int:
    """Stored files without a row are gone (an upload was cut off before its row was written); returns how many."""
    folder, removed = Path(settings.MEDIA_ROOT) / "documents", 0
    for path in folder.iterdir() if folder.is_dir() else ():
        old = time.time() - path.stat().st_mtime > ORPHAN_S
        if old and not Document.objects.filter(file=f"documents/{path.name}").exists():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _start(**_: Any) -> None:
    job.stopping.clear()
    for name, seconds, work in (("pulse", PULSE_S, _pulse), ("sweep", SWEEP_S, _tidy)):
        threading.Thread(target=_repeat, args=(seconds, work), name=name, daemon=True).start()


def _stop(**_: Any) -> None:
    job.stopping.set()


def _pulse() -> None:
    alive_file().touch()
    job.keep()


def _tidy() -> None:
    if not job.stopping.is_set():
        sweep()
        remove_orphans()
        segments.care()


def _repeat(seconds: float, work: Callable[[], None]) -> None:
    while True:
        try:
            work()
        except (Error, OSError, EngineError) as error:
            log.warning("The worker's %s failed and is tried again: %s", threading.current_thread().name, error)
        finally:
            close_old_connections()
        time.sleep(seconds)
