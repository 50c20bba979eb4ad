"""The life of a worker process: it says that it lives, keeps the leases of its work, and sweeps what others left.

One thread does all three, so that no second process (Celery's beat) is needed and the sweep does not depend on the
broker whose losses it makes good.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from apps.documents import job
from apps.documents.models import Document
from apps.documents.upload import ring

log = logging.getLogger(__name__)

PULSE_S = 5
SWEEP_S = 30
NICE = 10  # answers come before uploads
ORPHAN_S = 3600  # an upload is committed long before


def alive_file() -> Path:
    """Touched every PULSE_S while a worker runs."""
    return Path(settings.DATA_DIR) / "worker.alive"


def connect() -> None:
    """The hooks below run when a worker starts and ends; elsewhere they never do."""
    worker_ready.connect(_start, dispatch_uid="documents.worker")
    worker_shutting_down.connect(_stop, dispatch_uid="documents.worker")


def sweep() -> int:
    """Documents that crash every time are set aside, and the bell rings for all that wait; returns how many wait."""
    job.give_up()
    waiting = job.waiting()
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
    os.nice(NICE)
    job.stopping.clear()
    threading.Thread(target=_pulse, name="pulse", daemon=True).start()


def _stop(**_: Any) -> None:
    job.stopping.set()


def _pulse() -> None:
    swept, first = float("-inf"), True
    while True:
        try:
            alive_file().touch()
            job.keep()
            if time.monotonic() - swept >= SWEEP_S and not job.stopping.is_set():
                sweep()
                swept = time.monotonic()
            if first:
                remove_orphans()
                first = False
        except (DatabaseError, OSError) as error:
            log.warning("The worker's pulse missed a beat: %s", error)
        finally:
            close_old_connections()
        time.sleep(PULSE_S)
