"""Record the signals and verdict of every checked text and picture, without its text.

A row holds no user, no time more exact than the hour, and only a keyed hash of the text. Another policy version can be
backtested on the rows (`policy_admin/backtest.py`) or run in the shadow (`shadow.py`). Rows are deleted after
VERDICT_DAYS. The gate queues verdicts in memory; `shadow.write_verdicts` stores them a moment later.
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
from apps.safety.models.verdict_log import RecordedVerdict, ShadowVerdict, Surface
from apps.safety.text.normalization import hash_text

if TYPE_CHECKING:
    from apps.safety.policy.verdicts import EvaluationRecord

MAX_RECORDS = 200_000  # rows, some 150 MB; the oldest go first
WAIT_S = 2.0  # seconds that verdicts wait in memory, to be written together
_WAITING = 5000  # verdicts in memory at most, while the database is unreachable
_AT_ONCE = 5000  # rows per run of `delete_old_verdicts`
_SALT = "apps.safety.recorded"  # must never change: stored hashes depend on it
_BARE = "A picture"  # the text of a picture without a prompt


@dataclass(frozen=True, slots=True)
class PendingVerdict:
    """Verdict in memory for seconds, with the text that shadow versions match their blocklists against."""

    evaluation: EvaluationRecord
    strictness: Strictness
    surface: Surface
    policy_number: int
    since: int
    allowlisted: bool
    hour: datetime

    def make_record(self) -> RecordedVerdict:
        """Return the row to store, without the text."""
        result, signals = self.evaluation.result, [replace(one, spans=()).to_json() for one in self.evaluation.signals]
        return RecordedVerdict(
            stage=self.evaluation.stage, surface=self.surface, content_hmac=keyed_hash_of_text(self.evaluation.text),
            strictness=self.strictness, signals=signals, policy=self.policy_number, action=result.action or "",
            code=result.code, score=result.score, allowlisted=self.allowlisted, hour=self.hour,
        )  # fmt: skip


# Overrides the surface that the gate names.
current_surface: ContextVar[Surface | None] = ContextVar("surface", default=None)
_lock = threading.Lock()
_waiting: deque[PendingVerdict] = deque(maxlen=_WAITING)
_due = {"at": 0.0}


@contextmanager
def use_surface(surface: Surface) -> Iterator[None]:
    """Set the surface of everything that is checked within. For code that is no generator."""
    before = current_surface.set(surface)
    try:
        yield
    finally:
        current_surface.reset(before)


def queue_verdict(
    evaluation: EvaluationRecord | None,
    level: Strictness,
    policy_number: int,
    surface: Surface,
    since: int = 0,
    *,
    allowlisted: bool = False,
) -> None:
    """Queue the verdict in memory, from any thread. Takes a microsecond.

    Does nothing if no check reached a verdict, the surface is NOWHERE or VERDICT_DAYS is 0.
    """
    surface = current_surface.get() or surface
    if evaluation is None or surface is Surface.UNRECORDED or not settings.VERDICT_DAYS:
        return
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    with _lock:
        _waiting.append(PendingVerdict(evaluation, level, surface, policy_number, since, allowlisted, hour))


def is_write_due() -> bool:
    """Return whether the caller must have the queue written in WAIT_S seconds. False for other callers until then."""
    now = time.monotonic()
    if not _waiting or now < _due["at"]:
        return False
    _due["at"] = now + WAIT_S
    return True


def take_pending() -> list[PendingVerdict]:
    """Remove and return the queued verdicts."""
    with _lock:
        pending = list(_waiting)
        _waiting.clear()
    return pending


def requeue_verdicts(pending: list[PendingVerdict]) -> None:
    """Put verdicts back that could not be written; beyond 5000 the oldest are dropped."""
    with _lock:
        _waiting.extendleft(reversed(pending[-(_WAITING - len(_waiting)) :] if len(_waiting) < _WAITING else []))


def clear_pending() -> None:
    """Empty the queue, for tests."""
    take_pending()
    _due["at"] = 0.0


def keyed_hash(sha256: str) -> str:
    """Return the keyed hash of a text's SHA-256. Without the site's key, a guessed text cannot be confirmed."""
    mac = _make_hmac(settings.SECRET_KEY).copy()
    mac.update(sha256.encode())
    return mac.hexdigest()


@lru_cache(maxsize=1)
def _make_hmac(secret: str) -> HMAC:
    """Return the HMAC before any input. Cached, as making the key takes as long as the rest."""
    return salted_hmac(_SALT, "", secret=secret, algorithm="sha256")


def keyed_hash_of_text(text: str) -> str:
    """Return the keyed hash of the text; "" for a picture without a prompt."""
    return "" if text == _BARE else keyed_hash(hash_text(text))


def delete_old_verdicts() -> int:
    """Delete up to 5000 verdicts older than VERDICT_DAYS or beyond MAX_RECORDS, and return how many.

    A job of the worker.
    """
    old = models.Q(hour__lt=timezone.now() - timedelta(days=settings.VERDICT_DAYS))
    last: Any = RecordedVerdict.objects.order_by("-pk").values_list("pk", flat=True).first()
    if last is None:
        return 0
    keys = list(
        RecordedVerdict.objects.filter(old | models.Q(pk__lte=last - MAX_RECORDS)).values_list("pk", flat=True)[
            :_AT_ONCE
        ]
    )
    ShadowVerdict.objects.filter(record__in=keys).delete()
    RecordedVerdict.objects.filter(pk__in=keys).delete()
    return len(keys)
