"""Draw one queued picture: claim, moderate the prompt, draw with previews, moderate, watermark, sign, store.

Ends: ready, held for review, cancelled, failed with a reason, or back in the queue. Only the model is exclusive; the
other steps run beside those of other pictures.
"""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import timedelta
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from apps.engines import registry
from apps.engines.image.protocol import DrawnPicture, DrawRequest, DrawStep, VocabularyLimited
from apps.engines.image.upscaling import upscale_picture
from apps.engines.image.validation import encode_png, encode_preview
from apps.engines.types import EngineError
from apps.images.generation import model_info, source_pictures
from apps.images.generation.gpu_slot import QueueTicket
from apps.images.generation.progress import (
    ACTIVE_OWNER,
    LEASE_S,
    DrawingCancelled,
    DrawingInterrupted,
    ProgressWatcher,
    keep_lease,
    measure_alignment,
    wanted_pictures,
)
from apps.images.generation.prompt_embeddings import embed_prompt
from apps.images.models import Picture, PreviewFrame
from apps.images.moderation import picture_cases
from apps.images.moderation.prompts import check_prompts
from apps.images.provenance import content_credentials
from apps.images.provenance.watermarking import add_watermarks
from apps.lib import disk_space
from apps.lib.db import leases
from apps.safety.gate.pictures import blur_clause, check_picture
from apps.safety.models.strictness import parse_strictness
from apps.safety.policy import versions
from apps.safety.policy.evaluation import UNCHECKED
from apps.safety.policy.verdicts import Verdict

log = logging.getLogger(__name__)

MAX_CRASHES = 3
DISK_FULL = "The disk of this server is full. This continues automatically when there is space."
_RETRY_S = 20


def draw_picture(picture_id: UUID, ticket: QueueTicket | None = None) -> None:
    """Claim the picture and draw it, whatever the result; do nothing if it needs no work.

    `ticket` is its ticket in the queue of a process that draws several.
    """
    ticket = ticket or QueueTicket()
    rows = Picture.objects.filter(ACTIVE_OWNER, status__in=Picture.ACTIVE, attempts__lt=MAX_CRASHES)
    token = leases.claim(rows, picture_id, LEASE_S, status=Picture.Status.WORKING, step=0)
    row = Picture.objects.select_related("parent").filter(pk=picture_id, lease_token=token).first() if token else None
    if row is not None:
        _process(row, ticket)


def _process(row: Picture, ticket: QueueTicket) -> None:
    ticket.exclusive = row.attempts > 1  # a picture that may crash the process is drawn alone
    try:
        started = time.monotonic()
        versions.refresh_policy()  # a reviewer may have released the prompt a moment ago
        verdict = check_prompts((row.prompt, row.negative), parse_strictness(row.level))
        if not verdict.allowed:
            _hold_for_review(row, verdict)
            return
        start, watcher = source_pictures.read_source(row), ProgressWatcher(row, ticket.release_queue)
        row.pictogram = _is_pictogram(row, start)
        _store(row, _generate(row, start, watcher, ticket), start, watcher, started, verdict)
    except DrawingCancelled:
        log.info("A picture was cancelled while it was drawn, or its person suspended")
        _requeue(row, uncounted=True)  # drawn once the user is reinstated; a cancelled row stays as it is
    except DrawingInterrupted:
        log.info("A picture is drawn again by the next worker: this one ends")
        _requeue(row, 0, uncounted=True)
    except EngineError as error:
        _end(row, error)
    except Exception as error:
        if not _waits_for_space(row, error):
            log.exception("Picture %s: attempt %s crashed", row.pk, row.attempts)
            _requeue(row)


def _generate(row: Picture, start: bytes, watcher: ProgressWatcher, ticket: QueueTicket) -> DrawnPicture:
    """Return the drawn or upscaled picture. Raises DrawingCancelled, DrawingInterrupted and EngineError."""
    if row.upscale:
        with ticket.model(watcher.renew_while_waiting):
            watcher.start_clock()
            watcher(DrawStep(0, row.steps))  # raises if it was cancelled meanwhile
            return upscale_picture(start, row.upscale)
    request = DrawRequest(
        row.prompt, row.seed, row.width, row.height, row.steps, row.guidance, row.negative, row.scheduler, start,
        row.strength, source_pictures.read_file(row.mask),
    )  # fmt: skip
    with keep_lease(row), ticket.model(watcher.renew_while_waiting):
        watcher.start_clock()
        drawn = registry.get_image_engine().draw(request, watcher)
    model = registry.get_image_engine().model()
    model_info.record_model(model)
    row.model, row.fingerprint = model.name, model.fingerprint  # may differ from the model at the request
    return drawn


def _is_pictogram(row: Picture, start: bytes) -> bool:
    """Return whether the picture can only be a pictogram: drawn by a model of fixed names, from no other source."""
    parent = row.parent if row.from_parent or row.upscale else None
    source_is_pictogram = not start or bool(parent and parent.pictogram)
    return source_is_pictogram and (bool(row.upscale) or isinstance(registry.get_image_engine(), VocabularyLimited))


def _store(
    row: Picture, drawn: DrawnPicture, start: bytes, watcher: ProgressWatcher, started: float, prompt_verdict: Verdict
) -> None:
    """Moderate, mark, sign and store the picture; the row becomes ready or held.

    The file is stored first: the sweep removes files without a row. `prompt_verdict` is the verdict on the prompt.
    """
    plain = drawn.picture
    level = parse_strictness(row.level)
    picture_verdict = check_picture(lambda: encode_png(plain), row.prompt, level=level, pictogram=row.pictogram)
    picture, mark = add_watermarks(plain, label=not row.upscale)
    signed = content_credentials.sign_picture(
        encode_png(picture), row.model, start, "c2pa.resized" if row.upscale else "c2pa.edited"
    )
    name = row.file.storage.save(f"pictures/{row.pk}.png", ContentFile(signed))
    changes = {
        "status": Picture.Status.READY if picture_verdict.allowed else Picture.Status.HELD,
        "reason": picture_verdict.message[:400],
        "unchecked": picture_verdict.code == UNCHECKED, "pictogram": row.pictogram,
        "blur": blur_clause(picture_verdict) or source_pictures.inherited_blur(row),
        "file": name, "sha256": hashlib.sha256(signed).hexdigest(), "width": plain.width, "height": plain.height,
        "is_reduced": drawn.is_reduced, "step": row.steps, "watermark_id": mark, "preview": encode_preview(picture),
        "model_seconds": drawn.model_s, "changed": timezone.now(), "model": row.model, "fingerprint": row.fingerprint,
        "step_ms": [] if row.upscale else watcher.step_ms, "plain_sha256": hashlib.sha256(plain.tobytes()).hexdigest(),
        **measure_alignment(row, drawn), **embed_prompt(row.prompt),
        "seconds": time.monotonic() - started - watcher.queue_s,
    }  # fmt: skip
    frames = watcher.make_frames() if picture_verdict.allowed and not blur_clause(picture_verdict) else []
    with transaction.atomic():
        stored = leases.release(wanted_pictures(), row.pk, row.lease_token, **changes)
        if stored:
            PreviewFrame.objects.filter(picture=row).delete()  # frames of an attempt that crashed
            PreviewFrame.objects.bulk_create(frames)
            for verdict in (prompt_verdict, picture_verdict):
                picture_cases.flag_picture(row, verdict.evaluation)
    if not stored:
        row.file.storage.delete(name)
        raise DrawingCancelled


def _end(row: Picture, error: EngineError) -> None:
    if error.retry:
        _requeue(row, reason=str(error)[:400], uncounted=True)
        return
    changes = {"status": Picture.Status.FAILED, "reason": str(error)[:400], "changed": timezone.now()}
    leases.release(Picture.objects.filter(status=Picture.Status.WORKING), row.pk, row.lease_token, **changes)


def _hold_for_review(row: Picture, verdict: Verdict) -> None:
    """Hold the picture whose prompt today's policy refuses, and open a case if the policy asks for review."""
    changes = {"status": Picture.Status.HELD, "reason": verdict.message[:400], "changed": timezone.now()}
    with transaction.atomic():
        leases.release(Picture.objects.filter(status=Picture.Status.WORKING), row.pk, row.lease_token, **changes)
        picture_cases.flag_picture(row, verdict.evaluation)


def _waits_for_space(row: Picture, error: Exception) -> bool:
    """Requeue the picture if the error is a full disk, and return True; False for any other error."""
    if not disk_space.is_disk_full_error(error):
        return False
    log.error("Picture %s waits: the disk is full (%s)", row.pk, error)
    disk_space.release_reserve()
    _requeue(row, reason=DISK_FULL, uncounted=True)
    return True


def _requeue(row: Picture, seconds: int = _RETRY_S, reason: str = "", *, uncounted: bool = False) -> None:
    """Return the picture to the queue; no worker claims it for `seconds`. `uncounted`: not counted as an attempt."""
    retry_at = timezone.now() + timedelta(seconds=seconds)
    working = Picture.objects.filter(status=Picture.Status.WORKING)
    working.filter(pk=row.pk, lease_token=row.lease_token).update(
        status=Picture.Status.QUEUED, lease_token="", lease_until=retry_at, step=0, reason=reason,
        attempts=row.attempts - uncounted, changed=timezone.now(),
    )  # fmt: skip
