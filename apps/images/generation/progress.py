"""How a picture comes about: heard step by step while it is drawn, and kept for whoever looks behind the scenes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import DatabaseError, connections
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.engines import registry
from apps.engines.image.protocol import DrawnPicture, DrawStep
from apps.engines.types import EngineError
from apps.images.models import Frame, Picture
from apps.images.moderation.previews import PreviewModerator
from apps.lib.db import leases
from apps.users.models import User

log = logging.getLogger(__name__)

MAX_FRAMES = 8  # previews that are kept of a picture
LEASE_S = 90  # a picture whose worker was killed is drawn again after at most this and one sweep
TICK_S = 0.3  # between two looks at whether the picture is still wanted; each stores a preview, and waits for the disk
_QUICK_S, _SELDOM = 0.006, 10  # what a look may take; slower, how many times later the next is, at most
_NEAR_S = 0.5  # before the end of a drawing: time enough to make the next picture ready
_JUDGED = 9  # times what a verdict on a preview took: so long until the next, which is a tenth of the time at most

# Nothing is drawn for a person who was suspended; what waited goes on when they are reinstated. No join: a conditional
# update with one looks at its condition only once.
ACTIVE_OWNER = Q(owner__in=User.objects.filter(is_active=True))

T = TypeVar("T")

stopping = threading.Event()  # this process ends soon


class DrawingCancelled(Exception):
    """Cancelled, deleted, taken over by another worker, or of a suspended person: nothing more is written."""


def wanted_pictures() -> QuerySet[Picture]:
    """What is being drawn, and for somebody who may still sign in."""
    return Picture.objects.filter(ACTIVE_OWNER, status=Picture.Status.WORKING)


class DrawingInterrupted(Exception):
    """The process ends: another one draws it from the start."""


class ProgressWatcher:
    """Hears of each step: keeps the lease and the latest preview, and ends a drawing that nobody wants any more, or for
    which there is no time before the process ends. `near` is called when it is nearly drawn."""

    def __init__(self, row: Picture, near: Callable[[], None] = lambda: None) -> None:
        self._row, self._near = row, near
        self.step_ms: list[float] = []
        self.waited_s = 0.0  # for the model, while another picture was in it
        self._previews: dict[int, bytes] = {}
        self._later: dict[int, Callable[[], bytes]] = {}  # those that are made when nobody waits for it
        self._judge, self._at = PreviewModerator(row), time.monotonic()
        self.begins()

    def begins(self) -> None:
        """The first step begins now."""
        now = time.monotonic()
        self.waited_s, self._at = now - self._at, now
        self._next = now + TICK_S  # a picture that is drawn within that is nobody's to watch
        self._look = now  # nothing is judged before then

    def waits(self) -> None:
        """Another picture is in the model. Raises as a step does."""
        if stopping.is_set():
            raise DrawingInterrupted
        self._tell(DrawStep(0, self._row.steps), b"")

    def __call__(self, step: DrawStep) -> None:
        now = time.monotonic()
        self.step_ms.append(round((now - self._at) * 1000, 1))
        if stopping.is_set() and step.step < step.steps:
            raise DrawingInterrupted
        if step.step and (step.steps - step.step) * self.step_ms[-1] < _NEAR_S * 1000:
            self._near()
        due = now >= self._next or not step.step
        kept = step.step in thin_out(range(1, step.steps + 1), MAX_FRAMES)
        before, look = self._judge.closed, due and now >= self._look
        shown = self._shown(step) if look or (kept and not step.lasting) else b""
        if due or before != self._judge.closed:  # what was shown before is taken back at once
            self._tell(step, shown)
            took_s = time.monotonic() - now
            self._next = now + took_s + TICK_S * min(max(1.0, took_s / _QUICK_S), _SELDOM)
        if kept and shown:
            self._previews[step.step] = shown
        elif kept and step.lasting and not look and step.preview is not None:
            self._later[step.step] = step.preview
        self._at = time.monotonic()  # what the listener took is no part of the next step

    def _shown(self, step: DrawStep) -> bytes:
        """What may be seen of it; empty where that is nothing."""
        if step.preview is None or self._judge.closed:
            return b""
        preview = step.preview()
        lets = self._judge.lets(preview)
        self._look = time.monotonic() + _JUDGED * self._judge.took_s
        return preview if lets else b""

    def _tell(self, step: DrawStep, shown: bytes) -> None:
        changes: dict[str, Any] = {"step": step.step, "changed": timezone.now()}
        if shown or self._judge.closed:
            changes["preview"] = shown
        if not leases.renew(wanted_pictures(), self._row.pk, self._row.lease_token, LEASE_S, **changes):
            raise DrawingCancelled

    def frames(self) -> list[Frame]:
        """What is kept of the way: the first and the last preview, and some between at equal distances."""
        for step, make in self._later.items():
            if not self._judge.closed and self._judge.lets(preview := make()):
                self._previews[step] = preview
        return [Frame(picture=self._row, step=step, preview=preview) for step, preview in self._previews.items()]


@contextmanager
def keep_lease(row: Picture) -> Iterator[None]:
    """The lease is renewed however long nothing is heard of the drawing: a step of a large model on a processor takes
    minutes, and so may a server, in which nobody else shall draw the picture too."""
    done = threading.Event()
    thread = threading.Thread(target=_renew, args=(row, done), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _renew(row: Picture, done: threading.Event) -> None:
    while not done.wait(LEASE_S / 3):
        try:
            leases.renew(wanted_pictures(), row.pk, row.lease_token, LEASE_S)
        except DatabaseError as error:
            log.warning("The lease of a picture could not be renewed: %s", error)
        finally:
            connections.close_all()


def thin_out(items: Sequence[T], most: int) -> list[T]:
    """At most so many of them, first and last among them, at equal distances."""
    if len(items) <= most:
        return list(items)
    return [items[round(at * (len(items) - 1) / (most - 1))] for at in range(most)]


def measure_alignment(row: Picture, drawn: DrawnPicture) -> dict[str, Any]:
    """How well it fits its words, by CLIP where one is configured, else by the engine's own measure, if it has one. A
    measure that fails costs nobody the picture."""
    clip = registry.get_clip_scorer()
    if clip.active:
        try:
            return {"alignment": clip.measure(drawn.picture, row.prompt), "aligned_by": clip.name[:200]}
        except EngineError as error:
            log.warning("%s", error)
    return {"alignment": drawn.aligns() if drawn.aligns else None, "aligned_by": drawn.aligned_by[:200]}
