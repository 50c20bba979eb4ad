"""Queue of pictures: choose the next ones, draw them in the worker, retry, fail crashed ones, remove orphaned files."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.db import connections
from django.db.models import Count, Q
from django.utils import timezone

from apps.engines.types import EngineError
from apps.images.generation import model_info, prompt_embeddings
from apps.images.generation.gpu_slot import QueueTicket
from apps.images.generation.progress import ACTIVE_OWNER, stopping
from apps.images.generation.worker import MAX_CRASHES, draw_picture
from apps.images.models import TASK, Picture
from apps.lib.celery.notify import notify_worker
from apps.lib.text import message_templates

log = logging.getLogger(__name__)

_MAX_ANNOUNCED = 2  # pictures that one sweep announces to the worker; a device draws one at a time
_ORPHAN_S = 3600  # age in seconds from which a file without a row is removed
_drawing = threading.Lock()  # per process: one task draws, with one more thread beside it


def connect_signals() -> None:
    """Let a worker that is told to stop interrupt its drawing. Other processes never get these signals."""
    worker_ready.connect(_start, dispatch_uid="images.queue")
    worker_shutting_down.connect(_stop, dispatch_uid="images.queue")


def _start(**_: Any) -> None:
    stopping.clear()


def _stop(**_: Any) -> None:
    stopping.set()


def draw_waiting() -> None:
    """Draw queued pictures until none is left; one is stored while the next is drawn.

    Returns at once if this process draws already.
    """
    while not stopping.is_set() and _drawing.acquire(blocking=False):
        try:
            _draw_all()
        finally:
            _drawing.release()
        if not next_pictures(1):  # a picture may have come while the loop ended
            return


def _draw_all() -> None:
    beside = None
    try:
        while not stopping.is_set() and (rows := next_pictures(2)):
            if len(rows) > 1 and (beside is None or not beside.is_alive()):
                beside = threading.Thread(target=_beside, name="pictures")
                beside.start()
            while _draw_next() and beside is not None and beside.is_alive():
                pass  # no need to check each time whether two threads are worthwhile
    finally:
        if beside is not None:
            beside.join()


def _draw_next() -> bool:
    """Draw the next picture. Return False if there was none."""
    with QueueTicket() as ticket:
        rows = [] if stopping.is_set() else next_pictures(1)
        for row in rows:
            draw_picture(row, ticket)
    return bool(rows)


def _beside() -> None:
    """Draw pictures in a second thread until the queue is empty."""
    try:
        while _draw_next():
            pass
    finally:
        connections.close_all()


def next_pictures(limit: int) -> list[UUID]:
    """Return up to `limit` ids of pictures to draw: of users with the fewest leased pictures first, then the oldest."""
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    rows = Picture.objects.filter(free, ACTIVE_OWNER, status__in=Picture.ACTIVE, attempts__lt=MAX_CRASHES)
    busy = Count("owner__pictures", filter=Q(owner__pictures__lease_until__gte=now))
    return list(rows.annotate(busy=busy).order_by("busy", "created").values_list("pk", flat=True)[:limit])


def queue_positions() -> dict[UUID, int]:
    """Return, per unfinished picture, how many unfinished ones came before it."""
    rows = Picture.objects.filter(ACTIVE_OWNER, status__in=Picture.ACTIVE).order_by("created", "seed")
    return {pk: place for place, pk in enumerate(rows.values_list("pk", flat=True))}


def sweep_queue() -> int:
    """Fail pictures that crashed their worker MAX_CRASHES times, announce others, refresh the model's description.

    Also adds missing prompt vectors and removes orphaned files. Returns how many pictures were announced. Periodic job.
    """
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
    Picture.objects.filter(free, status__in=Picture.ACTIVE, attempts__gte=MAX_CRASHES).update(
        status=Picture.Status.FAILED, lease_token="", lease_until=None, changed=timezone.now(),
        reason=message_templates.PICTURE_CRASHED % {"times": MAX_CRASHES},
    )  # fmt: skip
    model_info.refresh_model()
    _make_findable()
    rows = next_pictures(_MAX_ANNOUNCED)
    for picture_id in rows:
        notify_worker(TASK, picture_id)
    _remove_orphans()
    return len(rows)


def _make_findable() -> None:
    """Embed some prompts that have no vector of the present embedder."""
    try:
        prompt_embeddings.embed_missing()
    except EngineError as error:
        log.warning("Prompts of pictures have no vectors yet: %s", error)


def _remove_orphans() -> None:
    """Remove files without a row: a worker died between storing both, or the row was deleted."""
    for field, kind in (("file", "pictures"), ("start", "starts"), ("mask", "masks")):
        folder = Path(settings.MEDIA_ROOT) / kind
        for path in folder.iterdir() if folder.is_dir() else ():
            old = time.time() - path.stat().st_mtime > _ORPHAN_S
            if old and not Picture.objects.filter(**{field: f"{kind}/{path.name}"}).exists():
                path.unlink(missing_ok=True)
