"""Recognise the text of attached pictures in the worker, and caption them if a caption model is configured.

One picture at a time. Entry points: `process_pending`, `recover_pending`, `is_captioning_enabled`.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from apps.conversations.attachments import uploads
from apps.conversations.models.attachment import AttachedPicture
from apps.documents.ingestion.ocr import ADDRESSES_BYTES, SECONDS_A_PAGE
from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib.celery.notify import notify_worker
from apps.lib.db import leases
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import runner
from apps.safety.text.normalization import normalise
from apps.users.models import User

log = logging.getLogger(__name__)

MAX_TEXT_CHARACTERS = 8_000  # characters stored of the text of a picture
MAX_ATTEMPTS = 3
LEASE_S = SECONDS_A_PAGE + 30.0
_LOADING_S = 300.0  # seconds for downloading a caption model
_NOTIFICATIONS = 2  # notifications per run
_ORPHAN_S = 3600
_BROKEN = "Reading the text crashed the worker."
_GONE = "The file is no longer available."
_processing_lock = threading.Lock()  # two threads at once would not be faster

Status = AttachedPicture.Status


def process_pending() -> None:
    """Process all waiting pictures, the oldest first; return at once if another thread of the process does so."""
    while _waiting(1) and _processing_lock.acquire(blocking=False):
        try:
            while rows := _waiting(1):
                process_picture(rows[0])
        finally:
            _processing_lock.release()


def process_picture(pk: UUID) -> None:
    """Claim the picture, and store its text and caption, or why there is none.

    The text is stored before captioning, so that a waiting question can use it.
    """
    token = leases.claim(_filter_active(), pk, LEASE_S)
    row = AttachedPicture.objects.filter(pk=pk, lease_token=token).first() if token else None
    if row is None or token is None:
        return
    changes, working = _recognise(row), AttachedPicture.objects.filter(status=Status.WAITING)
    if is_captioning_enabled():
        if not leases.renew(working, row.pk, token, settings.CAPTION_SECONDS + _LOADING_S, **changes):
            return
        changes = _caption(row)
    leases.release(working, row.pk, token, status=Status.READY, **changes)


def is_captioning_enabled() -> bool:
    """Return whether pictures are captioned: a caption model is configured, and some chat model has no vision."""
    return registry.get_caption_engine() is not None and not all(
        model.supports_pictures for model in registry.list_chat_models()
    )


def is_captioned_by_server() -> bool:
    """Return whether a server makes the captions, and not a local model of the worker."""
    return "url" in settings.ENGINES["caption"].get("OPTIONS", {})


def _recognise(row: AttachedPicture) -> dict[str, str | bool]:
    try:
        return {"text": _read_text(Path(row.file.path)), "recognition_problem": "", "recognised": True}
    except (ParseError, runner.ParserCrashed, FileNotFoundError) as error:
        log.warning("The text of the attached picture %s was not recognised: %s", row.pk, error)
        return {"recognition_problem": str(error)[:400], "recognised": True}


def _caption(row: AttachedPicture) -> dict[str, str | bool]:
    engine = registry.get_caption_engine()
    try:
        content = Path(row.file.path).read_bytes()
        caption = normalise(engine.caption(content)).strip() if engine else ""
        return {"caption": caption, "caption_problem": ""}
    except (EngineError, FileNotFoundError) as error:
        log.warning("The attached picture %s was not described: %s", row.pk, error)
        words = str(error) if isinstance(error, EngineError) else _GONE
        return {"caption_problem": words[:400]}


def recover_pending() -> None:
    """Release pictures that crashed the worker MAX_ATTEMPTS times, notify the worker, and delete forgotten pictures and
    files.

    Periodic job of the worker.
    """
    dead = leases.list_free(AttachedPicture.objects.filter(status=Status.WAITING, attempts__gte=MAX_ATTEMPTS))
    undescribed = _BROKEN if is_captioning_enabled() else ""
    dead.update(
        status=Status.READY, recognition_problem=_BROKEN, caption_problem=undescribed, lease_token="", lease_until=None
    )
    for pk in _waiting(_NOTIFICATIONS):
        notify_worker(uploads.TASK_NAME, pk)
    uploads.delete_pictures(AttachedPicture.objects.forgotten())
    folder = Path(settings.MEDIA_ROOT) / "attached"
    for path in folder.iterdir() if folder.is_dir() else ():
        old = time.time() - path.stat().st_mtime > _ORPHAN_S
        if old and not AttachedPicture.objects.filter(file=f"attached/{path.name}").exists():
            path.unlink(missing_ok=True)


def _read_text(path: Path) -> str:
    """Return the recognised text. Raise ParseError and ParserCrashed."""
    options = {"kind": "image", "numbers": [1]}
    answers = runner.run_task(
        "recognise", path, options,
        seconds=SECONDS_A_PAGE, memory_bytes=settings.PARSE_MEMORY_BYTES + ADDRESSES_BYTES,
    )  # fmt: skip
    found = next(answer for answer in answers if "page" in answer)
    if "problem" in found:
        raise ParseError(found["problem"])
    return normalise(found["text"]).strip()[:MAX_TEXT_CHARACTERS]


def _filter_active() -> QuerySet[AttachedPicture]:
    """Return the waiting pictures of active users; those of suspended users wait until they are reinstated."""
    people = User.objects.filter(is_active=True)
    return AttachedPicture.objects.filter(status=Status.WAITING, attempts__lt=MAX_ATTEMPTS, owner__in=people)


def _waiting(limit: int) -> list[UUID]:
    return list(leases.list_free(_filter_active()).order_by("created").values_list("pk", flat=True)[:limit])
