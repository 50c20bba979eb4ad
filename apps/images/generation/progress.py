"""Follow a drawing step by step: renew its lease, store moderated previews, stop it when it is no longer wanted."""

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
from apps.images.models import Picture, PreviewFrame
from apps.images.moderation.previews import PreviewModerator
from apps.lib.db import leases
from apps.users.models import User

log = logging.getLogger(__name__)

MAX_FRAMES = 8  # previews that are stored for a finished picture
LEASE_S = 90  # seconds; the picture of a killed worker is drawn again after this and one sweep at most
TICK_S = 0.3  # seconds between two checks whether the picture is still wanted; each stores a preview on disk
_QUICK_S, _SELDOM = 0.006, 10  # a check slower than this delays the next one, up to _SELDOM times TICK_S
_NEAR_S = 0.5  # seconds before the end of a drawing at which the next picture is prepared
_JUDGED = 9  # pause after a verdict on a preview, in times of its duration: verdicts take a tenth of the time at most

# Nothing is drawn for suspended users; their pictures wait until they are reinstated. A subquery, not a join: a
# conditional update with a join checks its condition only once.
ACTIVE_OWNER = Q(owner__in=User.objects.filter(is_active=True))

T = TypeVar("T")

stopping = threading.Event()  # set when this process is shutting down


class DrawingCancelled(Exception):
    """Error: the picture was cancelled, deleted or taken over, or its user suspended. Nothing more may be stored."""


def wanted_pictures() -> QuerySet[Picture]:
    """Return the pictures that are being drawn for active users."""
    return Picture.objects.filter(ACTIVE_OWNER, status=Picture.Status.WORKING)


class DrawingInterrupted(Exception):
    """Error: the process is shutting down. Another worker draws the picture from the start."""


class ProgressWatcher:
    """Callback of the drawing engine for each step; renews the lease and stores the latest preview.

    Raises DrawingCancelled if the picture is no longer wanted, DrawingInterrupted if the process ends before it is
    done. `near` is called when the picture is nearly drawn.
    """

    def __init__(self, row: Picture, near: Callable[[], None] = lambda: None) -> None:
        self._row, self._near = row, near
        self.step_ms: list[float] = []
        self.waited_s = 0.0  # seconds that this picture waited for the model
        self._previews: dict[int, bytes] = {}
        self._later: dict[int, Callable[[], bytes]] = {}  # previews that are rendered after the drawing
        self._judge, self._at = PreviewModerator(row), time.monotonic()
        self.start_clock()

    def start_clock(self) -> None:
        """Start the clock of the first step."""
        now = time.monotonic()
        self.waited_s, self._at = now - self._at, now
        self._next = now + TICK_S  # a picture drawn within this time needs no preview
        self._look = now  # no preview is judged before this time

    def renew_while_waiting(self) -> None:
        """Renew the lease while another picture is in the model. Raises as a step does."""
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
        shown = self._shown(step) if look or (kept and not step.preview_stays_valid) else b""
        if due or before != self._judge.closed:  # a refused preview is removed at once
            self._tell(step, shown)
            took_s = time.monotonic() - now
            self._next = now + took_s + TICK_S * min(max(1.0, took_s / _QUICK_S), _SELDOM)
        if kept and shown:
            self._previews[step.step] = shown
        elif kept and step.preview_stays_valid and not look and step.preview is not None:
            self._later[step.step] = step.preview
        self._at = time.monotonic()  # the time of this callback is no part of the next step

    def _shown(self, step: DrawStep) -> bytes:
        """Return the preview if it may be shown; b"" otherwise."""
        if step.preview is None or self._judge.closed:
            return b""
        preview = step.preview()
        lets = self._judge.allows(preview)
        self._look = time.monotonic() + _JUDGED * self._judge.took_s
        return preview if lets else b""

    def _tell(self, step: DrawStep, shown: bytes) -> None:
        changes: dict[str, Any] = {"step": step.step, "changed": timezone.now()}
        if shown or self._judge.closed:
            changes["preview"] = shown
        if not leases.renew(wanted_pictures(), self._row.pk, self._row.lease_token, LEASE_S, **changes):
            raise DrawingCancelled

    def frames(self) -> list[PreviewFrame]:
        """Return the previews to store: the first, the last, and some between at equal distances."""
        for step, make in self._later.items():
            if not self._judge.closed and self._judge.allows(preview := make()):
                self._previews[step] = preview
        return [PreviewFrame(picture=self._row, step=step, preview=preview) for step, preview in self._previews.items()]


@contextmanager
def keep_lease(row: Picture) -> Iterator[None]:
    """Renew the lease from a thread while the block runs, however long a step takes.

    A step of a large model on a CPU or a server may take minutes, and no other worker may draw the picture meanwhile.
    """
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
    """Return at most `most` items at equal distances, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(at * (len(items) - 1) / (most - 1))] for at in range(most)]


def measure_alignment(row: Picture, drawn: DrawnPicture) -> dict[str, Any]:
    """Return how well the picture fits its prompt: by CLIP if configured, else by the engine's own measure.

    The score is None without a measure. A failing measure is logged and does not fail the picture.
    """
    clip = registry.get_clip_scorer()
    if clip.active:
        try:
            return {"alignment": clip.measure(drawn.picture, row.prompt), "aligned_by": clip.name[:200]}
        except EngineError as error:
            log.warning("%s", error)
    return {
        "alignment": drawn.measure_alignment() if drawn.measure_alignment else None,
        "aligned_by": drawn.aligned_by[:200],
    }
