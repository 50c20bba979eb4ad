"""From a waiting row to a picture: claim · check the prompt · draw, with previews · sign · store.

One exit for every end: ready, cancelled, failed with a reason, or back in the queue. In the model a picture is alone;
all else happens beside others.
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
from apps.engines.base import EngineError
from apps.engines.image.base import Drawn, DrawRequest, DrawStep, KnowsNames
from apps.engines.image.checks import png, preview
from apps.engines.image.upscaling import upscaled
from apps.images import described, provenance, reviewing, sources
from apps.images.device import Turn
from apps.images.finishing import finished
from apps.images.making import ALLOWED, LEASE_S, Interrupted, Unwanted, Watch, lease_kept, measured, wanted
from apps.images.meaning import vector_of
from apps.images.models import Frame, Picture
from apps.images.screening import judged
from apps.lib import disk, leases
from apps.safety import levels, policies
from apps.safety.check import Verdict
from apps.safety.folding import UNCHECKED
from apps.safety.pictures import blurred_by, check_picture

log = logging.getLogger(__name__)

CRASHES = 3
FULL = "The disk of this server is full. This goes on by itself once there is space."
_RETRY_S = 20


def draw(picture_id: UUID, turn: Turn | None = None) -> None:
    """The picture has been worked on, whatever came of it; one that needs no work is left alone. `turn` is that of a
    process which draws several."""
    turn = turn or Turn()
    rows = Picture.objects.filter(ALLOWED, status__in=Picture.ACTIVE, attempts__lt=CRASHES)
    token = leases.claim(rows, picture_id, LEASE_S, status=Picture.Status.WORKING, step=0)
    row = Picture.objects.select_related("parent").filter(pk=picture_id, lease_token=token).first() if token else None
    if row is not None:
        _worked_on(row, turn)


def _worked_on(row: Picture, turn: Turn) -> None:
    turn.alone = row.attempts > 1  # one that may end the process shall not take its neighbours along
    try:
        began = time.monotonic()
        policies.refresh()  # a reviewer may have let the words pass a moment ago
        verdict = judged((row.prompt, row.negative), levels.read(row.level))
        if not verdict.allowed:
            _hold(row, verdict)
            return
        start, watch = sources.of(row), Watch(row, turn.open)
        row.pictogram = _pictogram(row, start)
        _store(row, _drawn(row, start, watch, turn), start, watch, began, verdict)
    except Unwanted:
        log.info("A picture was cancelled while it was drawn, or its person suspended")
        _wait(row, uncounted=True)  # it is drawn once they are reinstated; of one that was cancelled nothing changes
    except Interrupted:
        log.info("A picture is drawn again by the next worker: this one ends")
        _wait(row, 0, uncounted=True)
    except EngineError as error:
        _end(row, error)
    except Exception as error:
        if not _waits_for_space(row, error):
            log.exception("Picture %s: attempt %s crashed", row.pk, row.attempts)
            _wait(row)


def _drawn(row: Picture, start: bytes, watch: Watch, turn: Turn) -> Drawn:
    """Raises Unwanted, Interrupted and EngineError."""
    if row.upscale:
        with turn.model(watch.waits):
            watch.begins()
            watch(DrawStep(0, row.steps))  # it may have been cancelled by now
            return upscaled(start, row.upscale)
    request = DrawRequest(
        row.prompt, row.seed, row.width, row.height, row.steps, row.guidance, row.negative, row.scheduler, start,
        row.strength, sources.content(row.mask),
    )  # fmt: skip
    with lease_kept(row), turn.model(watch.waits):
        watch.begins()
        drawn = registry.image().draw(request, watch)
    model = registry.image().model()
    described.drawn_with(model)
    row.model, row.fingerprint = model.name, model.fingerprint  # of what drew it, not of what was there when asked
    return drawn


def _pictogram(row: Picture, start: bytes) -> bool:
    """Whether it can only be one: of a painter that knows nothing else, and begun with nothing else."""
    parent = row.parent if row.from_parent or row.upscale else None
    begun = not start or bool(parent and parent.pictogram)
    return begun and (bool(row.upscale) or isinstance(registry.image(), KnowsNames))


def _store(row: Picture, drawn: Drawn, start: bytes, watch: Watch, began: float, words: Verdict) -> None:
    """Store the file, then the row that is ready or held: a file without a row goes with the sweep. `words` is the
    verdict on what it was drawn from."""
    plain = drawn.picture
    level = levels.read(row.level)
    seen = check_picture(lambda: png(plain), row.prompt, level=level, pictogram=row.pictogram)
    picture, mark = finished(plain, label=not row.upscale)
    signed = provenance.sign(png(picture), row.model, start, "c2pa.resized" if row.upscale else "c2pa.edited")
    name = row.file.storage.save(f"pictures/{row.pk}.png", ContentFile(signed))
    changes = {
        "status": Picture.Status.READY if seen.allowed else Picture.Status.HELD, "reason": seen.words[:400],
        "unchecked": seen.rule == UNCHECKED, "pictogram": row.pictogram,
        "blur": blurred_by(seen) or sources.blur(row), "file": name,
        "sha256": hashlib.sha256(signed).hexdigest(),
        "width": plain.width, "height": plain.height, "smaller": drawn.smaller, "step": row.steps, "mark": mark,
        "preview": preview(picture), "model_seconds": drawn.model_s, "changed": timezone.now(),
        "model": row.model, "fingerprint": row.fingerprint, "step_ms": [] if row.upscale else watch.step_ms,
        "plain_sha256": hashlib.sha256(plain.tobytes()).hexdigest(), **measured(row, drawn), **vector_of(row.prompt),
        "seconds": time.monotonic() - began - watch.waited_s,
    }  # fmt: skip
    frames = watch.frames() if seen.allowed and not blurred_by(seen) else []
    with transaction.atomic():
        held = leases.release(wanted(), row.pk, row.lease_token, **changes)
        if held:
            Frame.objects.filter(picture=row).delete()  # of an attempt that crashed
            Frame.objects.bulk_create(frames)
            for verdict in (words, seen):
                reviewing.flag(row, verdict.judged)
    if not held:
        row.file.storage.delete(name)
        raise Unwanted


def _end(row: Picture, error: EngineError) -> None:
    if error.retry:
        _wait(row, reason=str(error)[:400], uncounted=True)
        return
    changes = {"status": Picture.Status.FAILED, "reason": str(error)[:400], "changed": timezone.now()}
    leases.release(Picture.objects.filter(status=Picture.Status.WORKING), row.pk, row.lease_token, **changes)


def _hold(row: Picture, verdict: Verdict) -> None:
    """The rules of today let the words no longer pass; people look at it where the policy asks for them."""
    changes = {"status": Picture.Status.HELD, "reason": verdict.words[:400], "changed": timezone.now()}
    with transaction.atomic():
        leases.release(Picture.objects.filter(status=Picture.Status.WORKING), row.pk, row.lease_token, **changes)
        reviewing.flag(row, verdict.judged)


def _waits_for_space(row: Picture, error: Exception) -> bool:
    """Whether the disk is full, for which the picture is not to blame; anything else is a crash."""
    if not disk.full(error):
        return False
    log.error("Picture %s waits: the disk is full (%s)", row.pk, error)
    disk.make_room()
    _wait(row, reason=FULL, uncounted=True)
    return True


def _wait(row: Picture, seconds: int = _RETRY_S, reason: str = "", *, uncounted: bool = False) -> None:
    """Back in the queue; nobody claims it for so long."""
    until = timezone.now() + timedelta(seconds=seconds)
    working = Picture.objects.filter(status=Picture.Status.WORKING)
    working.filter(pk=row.pk, lease_token=row.lease_token).update(
        status=Picture.Status.QUEUED, lease_token="", lease_until=until, step=0, reason=reason,
        attempts=row.attempts - uncounted, changed=timezone.now(),
    )  # fmt: skip
