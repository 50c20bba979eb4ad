"""One document held by one worker: its lease, its progress, and how its work may end.

IngestError(fault)    USER_FIXABLE  failed, with a reason that says what to do
                      RETRYABLE     back in the queue, tried again after a while
                      BUG           failed, and the log has the details
Lost                  cancelled, deleted, or taken over by another worker: nothing more is written
Stopping              the worker shuts down: back in the queue as if nothing had been
anything else         counts as a crash: tried again, set aside after the third time
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from enum import Enum
from types import TracebackType
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.utils import timezone

from apps.documents.models import Document
from apps.lib import leases

log = logging.getLogger(__name__)

LEASE_S = 60  # a killed worker's document goes on after at most this and one sweep
TICK_S = 0.25  # between two updates of the progress, and between two looks at whether the work is still wanted
CRASHES = 3
RETRY_S = 20  # until an engine that was away is asked again
CRASH_PAUSE_S = 5
STUCK_S = 900  # without a sign of progress, and the lease is no longer renewed for the job

stopping = threading.Event()
held: dict[str, Job] = {}  # by lease token: what this process works on


class Fault(Enum):
    USER_FIXABLE = "user_fixable"
    RETRYABLE = "retryable"
    BUG = "bug"


class IngestError(Exception):
    """Why a document could not be made ready, in words for the person who uploaded it."""

    def __init__(self, words: str, fault: Fault) -> None:
        super().__init__(words)
        self.fault = fault


class Lost(Exception):
    """The row is no longer ours."""


class Stopping(Exception):
    """The worker was asked to end."""


class Job:
    """A claimed document, as a context that gives it back in the right state whatever happens inside."""

    def __init__(self, document: Document, token: str) -> None:
        self.document, self.token = document, token
        self.touched = time.monotonic()
        self._stage = ""
        self._next = 0.0

    @classmethod
    def claim(cls, document_id: UUID) -> Job | None:
        """The document, held; None where it needs no work, another worker has it, or it was given up."""
        waiting = Document.objects.filter(status__in=Document.ACTIVE, attempts__lt=CRASHES)
        token = leases.claim(waiting, document_id, LEASE_S, status=Document.Status.WORKING, changed=timezone.now())
        if token is None:
            return None
        document = Document.objects.select_related("collection").filter(pk=document_id, lease_token=token).first()
        return cls(document, token) if document is not None else None

    def tick(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Progress is in the row (at most every TICK_S, and at once when a stage begins). Raises Lost or Stopping."""
        self.touched = now = time.monotonic()
        if stage == self._stage and now < self._next:
            return
        self._stage, self._next = stage, now + TICK_S
        if stopping.is_set():
            raise Stopping
        self.renew(stage=stage, done=done, total=total, changed=timezone.now())

    def renew(self, **changes: Any) -> None:
        """The lease is extended and `changes` are set, or Lost is raised."""
        if not leases.renew(Document.objects.all(), self.document.pk, self.token, LEASE_S, **changes):
            raise Lost

    def end(self, status: str, **changes: Any) -> None:
        """The row is given back in its last state; raises Lost where that was not ours to say."""
        changes = {"stage": "", "done": 0, "total": 0, "changed": timezone.now(), **changes}
        if not leases.release(Document.objects.all(), self.document.pk, self.token, status=status, **changes):
            raise Lost

    def _wait(self, seconds: float, **changes: Any) -> None:
        """Back in the queue; nobody claims it before `seconds` have passed."""
        until = timezone.now() + timedelta(seconds=seconds)
        Document.objects.filter(pk=self.document.pk, lease_token=self.token).update(
            status=Document.Status.QUEUED, lease_token="", lease_until=until, stage="", done=0, total=0,
            changed=timezone.now(), **changes,
        )  # fmt: skip

    def __enter__(self) -> Job:
        held[self.token] = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        held.pop(self.token, None)
        if error is None or isinstance(error, Lost):
            return True
        uncounted = {"attempts": F("attempts") - 1}
        if isinstance(error, Stopping):
            self._wait(0, **uncounted)
        elif isinstance(error, IngestError) and error.fault is Fault.RETRYABLE:
            self._wait(RETRY_S, reason=str(error)[:400], **uncounted)
        elif isinstance(error, IngestError):
            failed = Document.objects.filter(pk=self.document.pk)
            changes = {"reason": str(error)[:400], "stage": "", "changed": timezone.now()}
            leases.release(failed, self.document.pk, self.token, status=Document.Status.FAILED, **changes)
        else:
            log.error("Document %s: attempt %s crashed", self.document.pk, self.document.attempts, exc_info=error)
            self._wait(CRASH_PAUSE_S)
            return isinstance(error, Exception)
        return True


def keep() -> None:
    """The leases of everything that this process works on are extended, unless it shows no progress at all."""
    alive = [token for token, job in list(held.items()) if time.monotonic() - job.touched < STUCK_S]
    if alive:
        until = timezone.now() + timedelta(seconds=LEASE_S)
        Document.objects.filter(lease_token__in=alive).update(lease_until=until)


def give_up() -> int:
    """Documents that crashed their worker three times are set aside with a reason; returns how many."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
    return Document.objects.filter(free, status__in=Document.ACTIVE, attempts__gte=CRASHES).update(
        status=Document.Status.QUARANTINED,
        reason=f"Reading this file stopped the worker {CRASHES} times, so it was set aside. "
        "Save it again in its own program, or tell an administrator.",
        stage="", done=0, total=0, lease_token="", lease_until=None, changed=timezone.now(),
    )  # fmt: skip


def waiting(most: int) -> list[UUID]:
    """Documents that could be worked on now, the oldest first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
    rows = Document.objects.filter(free, status__in=Document.ACTIVE, attempts__lt=CRASHES)
    return list(rows.order_by("created").values_list("pk", flat=True)[:most])
