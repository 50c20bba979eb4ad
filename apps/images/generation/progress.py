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
_QUICK_S, _MAX_DELAY = 0.006, 10  # a check slower than this delays the next one, up to _MAX_DELAY times TICK_S
_NEARLY_DONE_S = 0.5  # seconds before the end of a drawing at which the next picture is prepared
_CHECK_PAUSE = (
    9  # pause after a verdict on a preview, in times of its duration: verdicts take a tenth of the time at most
)

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
    done. `on_nearly_done` is called when the picture is nearly drawn.
    """

    def __init__(self, row: Picture, on_nearly_done: Callable[[], None] = lambda: None) -> None:
        self._row, self._on_nearly_done = row, on_nearly_done
        self.step_ms: list[float] = []
        self.queue_s = 0.0  # seconds that this picture waited for the model
        self._previews: dict[int, bytes] = {}
        self._moderator, self._step_started = PreviewModerator(row), time.monotonic()
        self.start_clock()

    def start_clock(self) -> None:
        """Start the clock of the first step."""
        now = time.monotonic()
        self.queue_s, self._step_started = now - self._step_started, now
        self._next_report = now + TICK_S  # a picture drawn within this time needs no preview
        self._next_check = now  # no preview is judged before this time

    def renew_while_waiting(self) -> None:
        """Renew the lease while another picture uses the model. Raises DrawingCancelled and DrawingInterrupted."""
        if stopping.is_set():
            raise DrawingInterrupted
        self._report(DrawStep(0, self._row.steps), b"")

    def __call__(self, step: DrawStep) -> None:
        now = time.monotonic()
        self.step_ms.append(round((now - self._step_started) * 1000, 1))
        if stopping.is_set() and step.step < step.steps:
            raise DrawingInterrupted
        if step.step and (step.steps - step.step) * self.step_ms[-1] < _NEARLY_DONE_S * 1000:
            self._on_nearly_done()
        report_due = now >= self._next_report or not step.step
        is_frame = step.step in thin_out(range(1, step.steps + 1), MAX_FRAMES)
        was_closed, check_due = self._moderator.is_closed, report_due and now >= self._next_check
        preview = self._moderate_preview(step) if check_due or is_frame else b""
        if report_due or was_closed != self._moderator.is_closed:  # a refused preview is removed at once
            self._report(step, preview)
            took_s = time.monotonic() - now
            self._next_report = now + took_s + TICK_S * min(max(1.0, took_s / _QUICK_S), _MAX_DELAY)
        if is_frame and preview:
            self._previews[step.step] = preview
        self._step_started = time.monotonic()  # the time of this callback is no part of the next step

    def _moderate_preview(self, step: DrawStep) -> bytes:
        """Return the preview if it may be shown; b"" otherwise."""
        if step.preview is None or self._moderator.is_closed:
            return b""
        preview = step.preview()
        allowed = self._moderator.allows(preview)
        self._next_check = time.monotonic() + _CHECK_PAUSE * self._moderator.verdict_s
        return preview if allowed else b""

    def _report(self, step: DrawStep, preview: bytes) -> None:
        changes: dict[str, Any] = {"step": step.step, "changed": timezone.now()}
        if preview or self._moderator.is_closed:
            changes["preview"] = preview
        if not leases.renew(wanted_pictures(), self._row.pk, self._row.lease_token, LEASE_S, **changes):
            raise DrawingCancelled

    def make_frames(self) -> list[PreviewFrame]:
        """Return the previews to store: the first, the last, and some between at equal distances."""
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


def thin_out(items: Sequence[T], limit: int) -> list[T]:
    """Return at most `limit` items at equal distances, the first and the last among them."""
    if len(items) <= limit:
        return list(items)
    return [items[round(at * (len(items) - 1) / (limit - 1))] for at in range(limit)]


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
