"""Request an upscaled copy of a finished picture."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from apps.engines.image.upscaling import MAX_SIDE
from apps.engines.types import EngineRefused
from apps.images.generation import source_pictures
from apps.images.models import TASK, Picture
from apps.images.requests.submission import PictureRequestRefused, require_own, require_room, store_files
from apps.lib.celery.notify import notify_worker
from apps.safety.models.feature_restrictions import Feature, restriction_message
from apps.safety.models.strictness import Strictness, parse_strictness
from apps.safety.policy.strictness import strictest_of
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource

MODEL_NAME = "Openbook upscaling"
_SAME = ("prompt", "negative", "steps", "guidance", "scheduler", "seed", "strength")


def largest_factor(row: Picture) -> int:
    """Return the factor by which the picture can grow: 4 or 2; 0 if it would exceed the maximum size."""
    longer = max(row.width, row.height)
    return 4 if longer * 4 <= MAX_SIDE // 2 else 2 if longer * 2 <= MAX_SIDE else 0


def request_upscale(user: User, row: Picture, level: Strictness = Strictness.SITE) -> Picture:
    """Queue an upscaled copy, moderated at least as strictly as `row`, and return it.

    Raises PictureRequestRefused or RateLimited; PermissionDenied for the picture of another user.
    """
    require_own(user, row)
    if words := restriction_message(user, Feature.PICTURES):
        raise PictureRequestRefused(words)
    if row.status != Picture.Status.READY:
        raise PictureRequestRefused(gettext("Only finished pictures can be upscaled."))
    times = largest_factor(row)
    if not times:
        raise PictureRequestRefused(gettext("This picture already has the maximum size."))
    return _request_upscaling(
        user, row, parent=row, upscale=times, width=row.width * times, height=row.height * times,
        level=strictest_of(level, parse_strictness(row.level)),
    )  # fmt: skip


def repeat_upscale(user: User, row: Picture) -> Picture:
    """Queue the upscaled picture `row` once more, even if its source was deleted since.

    Raises PictureRequestRefused or RateLimited; PermissionDenied for the picture of another user.
    """
    require_own(user, row)
    if row.parent is not None:
        return request_upscale(user, row.parent, parse_strictness(row.level))
    try:
        start = source_pictures.read_source(row)
    except EngineRefused as error:
        raise PictureRequestRefused(gettext("The starting picture is no longer available.")) from error
    values = {"upscale": row.upscale, "width": row.width, "height": row.height, "level": row.level, "repeat_of": row}
    return _request_upscaling(user, row, start, **values)


def _request_upscaling(user: User, row: Picture, start: bytes = b"", **values: Any) -> Picture:
    require_room(user, 1)
    rate_limits.consume(user, LimitedResource.PICTURES)
    same: dict[str, Any] = {name: getattr(row, name) for name in _SAME}
    larger = Picture(owner=user, model=MODEL_NAME, **same, **values)
    with transaction.atomic():
        store_files(larger, {"start": start} if start else {})
        larger.save(force_insert=True)
        transaction.on_commit(partial(notify_worker, TASK, larger.pk))
    return larger
