"""How a picture comes about: heard step by step while it is drawn, and kept for whoever looks behind the scenes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.engines import registry
from apps.engines.base import EngineError
from apps.engines.image.base import Drawn, DrawStep
from apps.images.models import Frame, Picture
from apps.lib import leases
from apps.users.models import User

log = logging.getLogger(__name__)

TASK = "images.draw"
FRAMES = 8  # previews that are kept of a picture
LEASE_S = 90  # a picture whose worker was killed is drawn again after at most this and one sweep
TICK_S = 0.3  # between two looks at whether the picture is still wanted; each stores a preview, and waits for the disk

# Nothing is drawn for a person who was suspended; what waited goes on when they are reinstated. No join: a conditional
# update with one looks at its condition only once.
ALLOWED = Q(owner__in=User.objects.filter(is_active=True))

T = TypeVar("T")

stopping = threading.Event()  # this process ends soon


class Unwanted(Exception):
    """Cancelled, deleted, taken over by another worker, or of a suspended person: nothing more is written."""


def wanted() -> QuerySet[Picture]:
    """What is being drawn, and for somebody who may still sign in."""
    return Picture.objects.filter(ALLOWED, status=Picture.Status.WORKING)


class Interrupted(Exception):
    """The process ends: another one draws it from the start."""


class Watch:
    """Hears of each step: keeps the lease and the latest preview, and ends a drawing that nobody wants any more, or for
    which there is no time before the process ends."""

    def __init__(self, row: Picture) -> None:
        self._row, self._at = row, time.monotonic()
        self._next = self._at + TICK_S  # a picture that is drawn within that is nobody's to watch
        self.step_ms: list[float] = []
        self._previews: dict[int, bytes] = {}

    def __call__(self, step: DrawStep) -> None:
        now = time.monotonic()
        self.step_ms.append(round((now - self._at) * 1000, 1))
        if stopping.is_set() and step.step < step.steps:
            raise Interrupted
        due = now >= self._next or not step.step
        kept = step.step in thinned(range(1, step.steps + 1), FRAMES)
        shown = step.preview() if step.preview and (due or kept) else b""
        if due:
            self._next = now + TICK_S
            self._tell(step, shown)
        if kept and shown:
            self._previews[step.step] = shown
        self._at = time.monotonic()  # what the listener took is no part of the next step

    def _tell(self, step: DrawStep, shown: bytes) -> None:
        changes = {"step": step.step, "changed": timezone.now(), **({"preview": shown} if shown else {})}
        if not leases.renew(wanted(), self._row.pk, self._row.lease_token, LEASE_S, **changes):
            raise Unwanted

    def frames(self) -> list[Frame]:
        """What is kept of the way: the first and the last preview, and some between at equal distances."""
        return [Frame(picture=self._row, step=step, preview=preview) for step, preview in self._previews.items()]


def thinned(items: Sequence[T], most: int) -> list[T]:
    """At most so many of them, first and last among them, at equal distances."""
    if len(items) <= most:
        return list(items)
    return [items[round(at * (len(items) - 1) / (most - 1))] for at in range(most)]


def measured(row: Picture, drawn: Drawn) -> dict[str, Any]:
    """How well it fits its words, by CLIP where one is configured, else by the engine's own measure, if it has one. A
    measure that fails costs nobody the picture."""
    clip = registry.align()
    if clip.active:
        try:
            return {"alignment": clip.measure(drawn.picture, row.prompt), "aligned_by": clip.name[:200]}
        except EngineError as error:
            log.warning("%s", error)
    return {"alignment": drawn.alignment, "aligned_by": drawn.aligned_by[:200]}
