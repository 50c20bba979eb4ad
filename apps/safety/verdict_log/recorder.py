"""What was judged, kept without a word of it: signals and verdict of each text and picture, also of what passed.

Nobody stands in a row, no time more exact than the hour, and of the text a mark that only this site can make, so that
another version of the policy can be tried over it (`replaying.py`) or judge beside the live one (`shadowing.py`). Rows
go after `VERDICT_DAYS`. The gate notes in memory what `shadowing.write` stores a moment later.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from hmac import HMAC
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.safety.models.strictness import Strictness
from apps.safety.models.verdict_log import Recorded, Shadowed, Surface
from apps.safety.policy.evaluation import Signal
from apps.safety.text.normalization import hash_text

if TYPE_CHECKING:
    from apps.safety.policy.verdicts import EvaluationRecord

MAX_RECORDS = 200_000  # rows, some 150 MB; the oldest go first
WAIT_S = 2.0  # that what was judged may wait in memory, so that it is written together
_WAITING = 5000  # in memory, where the database is away
_AT_ONCE = 5000  # of a sweep
_SALT = "apps.safety.recorded"  # never changed: hashes that are stored were made with it
_BARE = "A picture"  # all that is said of one that nobody described


@dataclass(frozen=True, slots=True)
class PendingVerdict:
    """In memory only, for seconds: with the text, in which a version in the shadow looks for its own lists."""

    judged: EvaluationRecord
    level: Strictness
    surface: Surface
    policy: int
    since: int
    allowance: bool
    hour: datetime

    def row(self) -> Recorded:
        found, said = self.judged.outcome, [_unplaced(one).row() for one in self.judged.signals]
        return Recorded(
            stage=self.judged.stage, surface=self.surface, mark=keyed_hash_of_text(self.judged.text), level=self.level,
            signals=said, policy=self.policy, action=found.action or "",
            code=found.code, score=found.score, allowance=self.allowance, hour=self.hour,
        )  # fmt: skip


def read_signals(record: Recorded) -> list[Signal]:
    """Return the signals of a stored verdict, as the detectors gave them."""
    return [Signal.of(row) for row in record.signals]


def _unplaced(signal: Signal) -> Signal:
    return replace(signal, spans=()) if signal.spans else signal


current_surface: ContextVar[Surface | None] = ContextVar(
    "surface", default=None
)  # where the door of the gate does not say
_lock = threading.Lock()
_waiting: deque[PendingVerdict] = deque(maxlen=_WAITING)
_due = {"at": 0.0}


@contextmanager
def use_surface(where: Surface) -> Iterator[None]:
    """What is judged within comes from there. For code that is no generator."""
    before = current_surface.set(where)
    try:
        yield
    finally:
        current_surface.reset(before)


def queue_verdict(
    judged: EvaluationRecord | None,
    level: Strictness,
    policy: int,
    where: Surface,
    since: int = 0,
    *,
    allowance: bool = False,
) -> None:
    """It waits in memory to be written; a microsecond, from any thread. Nothing where no check came to a verdict."""
    where = current_surface.get() or where
    if judged is None or where is Surface.NOWHERE or not settings.VERDICT_DAYS:
        return
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    with _lock:
        _waiting.append(PendingVerdict(judged, level, where, policy, since, allowance, hour))


def is_write_due() -> bool:
    """Whether somebody has to have written what waits, `WAIT_S` from now; then nobody else is asked until it is."""
    now = time.monotonic()
    if not _waiting or now < _due["at"]:
        return False
    _due["at"] = now + WAIT_S
    return True


def take_pending() -> list[PendingVerdict]:
    """All that waits, for whoever writes it."""
    with _lock:
        found = list(_waiting)
        _waiting.clear()
    return found


def requeue_verdicts(found: list[PendingVerdict]) -> None:
    """It could not be written; of more than `_WAITING` the oldest are let go."""
    with _lock:
        _waiting.extendleft(reversed(found[-(_WAITING - len(_waiting)) :] if len(_waiting) < _WAITING else []))


def clear_pending() -> None:
    """Nothing waits (tests)."""
    take_pending()
    _due["at"] = 0.0


def keyed_hash(sha256: str) -> str:
    """Of a text by its fingerprint; without the site's key nobody can tell whether a text that they guess was it."""
    found = _keyed(settings.SECRET_KEY).copy()
    found.update(sha256.encode())
    return found.hexdigest()


@lru_cache(maxsize=1)
def _keyed(secret: str) -> HMAC:
    """Of nothing yet: to make the key takes as long as all the rest, and every passage has a mark."""
    return salted_hmac(_SALT, "", secret=secret, algorithm="sha256")


def keyed_hash_of_text(text: str) -> str:
    """Nothing for a picture of which no words are known."""
    return "" if text == _BARE else keyed_hash(hash_text(text))


def delete_old_verdicts() -> int:
    """What is older than `VERDICT_DAYS`, or more than `MOST`, is gone; how many. For the worker."""
    old = models.Q(hour__lt=timezone.now() - timedelta(days=settings.VERDICT_DAYS))
    last: Any = Recorded.objects.order_by("-pk").values_list("pk", flat=True).first()
    if last is None:
        return 0
    keys = list(
        Recorded.objects.filter(old | models.Q(pk__lte=last - MAX_RECORDS)).values_list("pk", flat=True)[:_AT_ONCE]
    )
    Shadowed.objects.filter(record__in=keys).delete()
    Recorded.objects.filter(pk__in=keys).delete()
    return len(keys)
