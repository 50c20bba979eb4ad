"""Validate, moderate and queue requests for pictures. Entry point: `request_pictures`."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext

from apps.engines import registry
from apps.engines.image.inpainting import read_mask
from apps.engines.image.protocol import DrawRequest, PictureModel, VocabularyLimited
from apps.engines.image.validation import encode_png, open_start_picture, open_upright, validate_request
from apps.engines.types import EngineRefused
from apps.images.generation import model_info, source_pictures
from apps.images.models import TASK, Picture
from apps.images.moderation import picture_cases
from apps.images.moderation.prompts import check_prompts, match_blocklists
from apps.lib.celery.notify import notify_worker
from apps.lib.ids import new_id
from apps.safety.gate import gate
from apps.safety.models.feature_restrictions import Feature, restriction_message
from apps.safety.models.strictness import Strictness, parse_strictness
from apps.safety.policy.strictness import strictest_of
from apps.safety.policy.verdicts import Verdict, strictest_verdict
from apps.users import rate_limits
from apps.users.i18n import translate_stored
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource

MAX_PICTURES = 4  # per request
MAX_QUEUED = 12  # unfinished pictures per user
SEED_LIMIT = 2**32
_NO_CLASSIFIER = "This assistant shows only checked pictures, and no picture check is set up on this site."


class PictureRequestRefused(Exception):
    """Error: the request was refused, and nothing was queued. The message tells the user what to do."""


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """Request of a user for pictures; None means the model's own value."""

    prompt: str
    negative: str = ""
    count: int = 1
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = None
    scheduler: str = ""
    seed: int | None = None  # of the first picture; None: random
    strength: float = 0.6
    parent: Picture | None = None
    from_parent: bool = False
    start: bytes = b""  # source picture that was not drawn here, or whose row was deleted
    mask: bytes = b""  # PNG: the part of the source that is redrawn; empty: all of it
    repeat_of: Picture | None = None  # the picture whose exact recipe this is
    level: Strictness = Strictness.SITE  # strictness of moderation of prompt and picture


def request_pictures(user: User, request: PictureRequest, verdict: Verdict | None = None) -> list[Picture]:
    """Queue the requested pictures and return their rows; one held row if its prompt waits for a reviewer. A prompt
    that is drawn and reviewed later opens a case per picture. `verdict` is an earlier verdict of the gate on the
    prompt. Raises PictureRequestRefused, RateLimited or EngineError; PermissionDenied for a source picture or recipe of
    another user."""
    require_own(user, request.parent, request.repeat_of)
    request = replace(request, prompt=gate.normalise(request.prompt), negative=gate.normalise(request.negative))
    if request.parent is not None and request.from_parent:
        request = replace(request, level=strictest_of(request.level, parse_strictness(request.parent.level)))
    if words := restriction_message(user, Feature.PICTURES):
        raise PictureRequestRefused(words)
    if not 1 <= request.count <= MAX_PICTURES:
        raise PictureRequestRefused(gettext("Choose 1 to %(most)s pictures at once.") % {"most": MAX_PICTURES})
    _require_classifier(request)
    model = model_info.get_model()
    drawing = _build_draw_request(request, model)
    validate_request(drawing, model)
    if request.from_parent and request.parent is not None and request.parent.status != Picture.Status.READY:
        raise PictureRequestRefused(gettext("The starting picture must be finished."))
    files = _files(request, drawing)
    require_room(user, request.count)
    rate_limits.consume(user, LimitedResource.PICTURES, cost=request.count)
    texts = (request.prompt, request.negative)
    if verdict is None:
        verdict = check_prompts(texts, request.level)
    elif verdict.allowed:
        verdict = strictest_verdict([verdict, match_blocklists(texts, request.level)])
    if not verdict.allowed:
        return [_hold_for_review(Picture(**_row(user, request, drawing, model, new_id(), 0)), files, verdict)]
    batch = new_id()
    with transaction.atomic():
        rows = [Picture(**_row(user, request, drawing, model, batch, at)) for at in range(request.count)]
        for row in rows:
            store_files(row, files)
        Picture.objects.bulk_create(rows)
        for row in rows:
            picture_cases.flag_picture(row, verdict.evaluation)
            transaction.on_commit(partial(notify_worker, TASK, row.pk))
    return rows


def _require_classifier(request: PictureRequest) -> None:
    """Raise PictureRequestRefused at the strictest level without a classifier, unless only pictograms can result."""
    if request.level != Strictness.STRICTEST or registry.get_image_classifier() is not None:
        return
    parent = request.parent if request.from_parent else None
    source_is_pictogram = not request.start and (parent is None or parent.pictogram)
    if not source_is_pictogram or not isinstance(registry.get_image_engine(), VocabularyLimited):
        raise PictureRequestRefused(gettext(_NO_CLASSIFIER))


def require_own(user: User, *rows: Picture | None) -> None:
    """Raise PermissionDenied if one of the pictures is another user's. No query."""
    if any(row.owner_id != user.pk for row in rows if row is not None):
        raise PermissionDenied


def require_room(user: User, count: int) -> None:
    """Raise PictureRequestRefused if the user would have more than MAX_QUEUED unfinished pictures."""
    if Picture.objects.filter(owner=user, status__in=Picture.ACTIVE).count() + count > MAX_QUEUED:
        raise PictureRequestRefused(
            gettext("%(waiting)s of your pictures are already waiting. Wait until some are finished, or cancel them.")
            % {"waiting": MAX_QUEUED}
        )


def _files(request: PictureRequest, drawing: DrawRequest) -> dict[str, bytes]:
    """Return PNGs of `start` and `mask`, if given.

    Raises EngineRefused for files that cannot be used, PictureRequestRefused for a mask without a source.
    """
    start, size = request.start, (drawing.width, drawing.height)
    files = {"start": encode_png(open_start_picture(start, *size))} if start else {}
    if request.mask:
        source = start or (
            source_pictures.read_file(request.parent.file) if request.parent and request.from_parent else b""
        )
        if not source:
            raise PictureRequestRefused(gettext("You can change a part only of a finished picture."))
        files["mask"] = encode_png(read_mask(request.mask, source, *(size if start else open_upright(source).size)))
    return files


def store_files(row: Picture, files: dict[str, bytes]) -> None:
    """Store the files and set their fields on the row, without saving it.

    If the row is never saved, the sweep removes the files.
    """
    for name, content in files.items():
        field = getattr(row, name)
        field.name = field.storage.save(f"{name}s/{row.pk}.png", ContentFile(content))
        setattr(row, f"{name}_sha256", hashlib.sha256(content).hexdigest())


def _hold_for_review(row: Picture, files: dict[str, bytes], verdict: Verdict) -> Picture:
    """Store a held picture and open its case. Raises PictureRequestRefused if the policy asks for no review."""
    if verdict.evaluation is None or not verdict.evaluation.result.reviewed:
        raise PictureRequestRefused(translate_stored(verdict.message))
    with transaction.atomic():
        store_files(row, files)
        row.status, row.reason = Picture.Status.HELD, verdict.message[:400]
        row.save(force_insert=True)
        picture_cases.flag_picture(row, verdict.evaluation)
    return row


def _build_draw_request(request: PictureRequest, model: PictureModel) -> DrawRequest:
    if request.mask and not model.accepts_mask:
        raise EngineRefused("This model cannot change a part of a picture.")
    if (request.from_parent or request.start) and not request.mask and not model.accepts_start:
        raise EngineRefused("This model cannot start from a picture.")
    seed = secrets.randbelow(SEED_LIMIT - MAX_PICTURES) if request.seed is None else request.seed
    if not 0 <= seed < SEED_LIMIT:
        raise PictureRequestRefused(gettext("The seed must be a whole number from 0 to 4,294,967,295."))
    return DrawRequest(
        request.prompt, seed, request.width or model.width, request.height or model.height,
        model.steps if request.steps is None else request.steps,
        model.guidance if request.guidance is None else request.guidance,
        request.negative, request.scheduler, strength=request.strength,
    )  # fmt: skip


def _row(
    user: User, request: PictureRequest, drawing: DrawRequest, model: PictureModel, batch: Any, at: int
) -> dict[str, Any]:
    names = ("prompt", "negative", "width", "height", "steps", "guidance", "scheduler", "strength")
    return {name: getattr(drawing, name) for name in names} | {
        "owner": user,
        "batch": batch,
        "seed": (drawing.seed + at) % SEED_LIMIT,
        "model": model.name,
        "fingerprint": model.fingerprint,
        "parent": request.parent,
        "from_parent": request.from_parent,
        "repeat_of": request.repeat_of,
        "level": request.level,
    }
