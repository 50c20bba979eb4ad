"""One document held by one worker: its lease, its progress, and how its work may end.

IngestError(fault)    USER_FIXABLE  failed, with a reason that says what to do
                      RETRYABLE     back in the queue, tried again after a while
                      BUG           failed, and the log has the details
Lost                  cancelled, deleted, or taken over by another worker: nothing more is written; where it is still
                      ours its person was suspended: back in the queue as if nothing had been
Stopping              the worker shuts down: back in the queue as if nothing had been
Postponed             likewise, until this process recognises the text of no other document
a full disk           likewise, wherever it showed: the file is not to blame
anything else         counts as a crash: tried again, set aside after the third time
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.db.models import F, Q
from django.utils import timezone

from apps.documents.jobs.scheduler import ACTIVE_UPLOADER, MAX_CRASHES, record_turn
from apps.documents.models import Document
from apps.lib import disk_space
from apps.lib.db import leases

log = logging.getLogger(__name__)

LEASE_S = 60  # a killed worker's document goes on after at most this and one sweep
TICK_S = 0.25  # between two updates of the progress, and between two looks at whether the work is still wanted
RETRY_S = 20  # until an engine that was away is asked again
CRASH_PAUSE_S = 5
DISK_FULL = "The disk of this server is full. This goes on by itself once there is space."
MANY_ITEMS = 24  # pages or passages before a stage, and its beginning is shown at once; less is over within a moment
_QUICK: dict[str, int] = dict.fromkeys(
    (Document.Stage.SCREEN, Document.Stage.INDEX), 16 * MANY_ITEMS
)  # likewise, of these
STUCK_S = 900  # without a sign of progress, and the lease is no longer renewed for the job

stop_requested = threading.Event()
held_jobs: dict[str, IngestJob] = {}  # by lease token: what this process works on


class FaultKind(Enum):
    USER_FIXABLE = "user_fixable"
    RETRYABLE = "retryable"
    BUG = "bug"


class IngestError(Exception):
    """Why a document could not be made ready, in words for the person who uploaded it."""

    def __init__(self, words: str, fault: FaultKind) -> None:
        super().__init__(words)
        self.fault = fault


class LeaseLost(Exception):
    """The row is no longer ours."""


class WorkerStopping(Exception):
    """The worker was asked to end."""


class IngestPostponed(Exception):
    """Others have to be done first."""


class IngestJob:
    """A claimed document. Whoever holds it says once how its work ended: `end_all`, or `settle` for what went wrong."""

    def __init__(self, document: Document, token: str) -> None:
        self.document, self.token = document, token
        self.over = False  # given back, or no longer ours
        self.touched = time.monotonic()
        self._stage = ""
        self._next = self.touched + TICK_S
        self._told: dict[str, Any] = {}  # what the next update of the row says besides

    @classmethod
    def claim(cls, document_id: UUID) -> IngestJob | None:
        """The document, held; None where it needs no work, another worker has it, or it was given up."""
        return next(iter(cls.claim_all([document_id])), None)

    @classmethod
    def claim_all(cls, ids: Sequence[UUID]) -> list[IngestJob]:
        """Those of the documents that could be claimed, held, in the order of `ids`."""
        waiting = Document.objects.filter(ACTIVE_UPLOADER, status__in=Document.ACTIVE, attempts__lt=MAX_CRASHES)
        changes = {"status": Document.Status.WORKING, "changed": timezone.now()}
        tokens = leases.claim_all(waiting, ids, LEASE_S, **changes)
        rows = Document.objects.select_related("collection", "uploaded_by").filter(pk__in=tokens)
        found = {row.pk: row for row in rows if row.lease_token == tokens[row.pk]} if tokens else {}
        jobs = [cls(found[pk], tokens[pk]) for pk in ids if pk in found]
        for job in jobs:
            record_turn(job.document)
            held_jobs[job.token] = job
        return jobs

    def tick(self, stage: str, done: int = 0, total: int = 0, **changes: Any) -> None:
        """Progress is in the row, with `changes`: at most every TICK_S, and at once where a stage begins that has much
        before it. Raises Lost or Stopping."""
        self._told |= changes
        if self.due(stage, total):
            self.renew(stage=stage, done=done, total=total, changed=timezone.now())

    def keep(self, **changes: Any) -> None:
        """They are in the row with the next progress, or with its failure."""
        self._told |= changes

    def due(self, stage: str, total: int) -> bool:
        """Whether the row is to be told now. Raises Stopping."""
        if stop_requested.is_set():
            raise WorkerStopping
        self.touched = now = time.monotonic()
        if now < self._next and (stage == self._stage or total < _QUICK.get(stage, MANY_ITEMS)):
            return False
        self._stage, self._next = stage, now + TICK_S
        return True

    def renew(self, **changes: Any) -> None:
        """The lease is extended and `changes` are set, or Lost is raised."""
        rows = Document.objects.filter(ACTIVE_UPLOADER)
        if not leases.renew(rows, self.document.pk, self.token, LEASE_S, **self._told, **changes):
            raise LeaseLost
        self._told = {}

    def release(self) -> None:
        """It is held no longer: others have it, or nobody needs to."""
        self.over = True
        held_jobs.pop(self.token, None)

    def _wait(self, seconds: float, **changes: Any) -> None:
        """Back in the queue; nobody claims it before `seconds` have passed."""
        until = timezone.now() + timedelta(seconds=seconds)
        Document.objects.filter(pk=self.document.pk, lease_token=self.token).update(
            status=Document.Status.QUEUED, lease_token="", lease_until=until, stage="", done=0, total=0,
            changed=timezone.now(), **changes,
        )  # fmt: skip

    def _wait_for_space(self) -> None:
        """As for an engine that is away; where not even that can be written down, the lease runs out by itself."""
        for _ in range(2):
            with suppress(DatabaseError):
                self._wait(RETRY_S, reason=DISK_FULL, attempts=F("attempts") - 1)
                return
            disk_space.release_reserve()

    def settle(self, error: BaseException) -> None:
        """The row is given back in the state that the error asks for."""
        self.release()
        uncounted = {"attempts": F("attempts") - 1}
        if isinstance(
            error, LeaseLost | WorkerStopping | IngestPostponed
        ):  # of what is lost to others the token is another one
            self._wait(0, **uncounted)
        elif isinstance(error, IngestError) and error.fault is FaultKind.RETRYABLE:
            self._wait(RETRY_S, reason=str(error)[:400], **uncounted)
        elif isinstance(error, IngestError):
            failed = Document.objects.filter(pk=self.document.pk)
            changes = {"reason": str(error)[:400], "stage": "", "changed": timezone.now(), **self._told}
            leases.release(failed, self.document.pk, self.token, status=Document.Status.FAILED, **changes)
        elif disk_space.is_disk_full_error(error):
            log.error("Document %s waits: the disk is full (%s)", self.document.pk, error)
            self._wait_for_space()
        else:
            log.error("Document %s: attempt %s crashed", self.document.pk, self.document.attempts, exc_info=error)
            self._wait(CRASH_PAUSE_S)


def report_jobs_progress(jobs: Sequence[IngestJob], stage: str, counts: Sequence[tuple[int, int]]) -> None:
    """The progress of several, `counts` of each as done and total, is in their rows in one short transaction. Those
    that were lost are over; raises Lost where it is all of them, and Stopping."""
    if len(jobs) == 1:
        return jobs[0].tick(stage, *counts[0])
    due = [job.due(stage, total) for job, (_, total) in zip(jobs, counts, strict=True)]
    if any(due):
        now = timezone.now()
        told = [{"stage": stage, "done": done, "total": total, "changed": now} for done, total in counts]
        renew_leases(jobs, [{**told[at], "kind": job.document.kind} for at, job in enumerate(jobs)])


def renew_leases(jobs: Sequence[IngestJob], changes: Sequence[Mapping[str, Any]] = ()) -> None:
    """The leases of several are extended, and `changes` of each are set. Those that were lost are over; raises Lost
    where it is all of them."""
    if len(jobs) == 1 and not changes:
        return jobs[0].renew()
    tokens = {job.document.pk: job.token for job in jobs if not job.over}
    told = dict(zip((job.document.pk for job in jobs), changes or [{}] * len(jobs), strict=True))
    _end_lost(jobs, leases.renew_all(Document.objects.filter(ACTIVE_UPLOADER), tokens, LEASE_S, told))


def finish_jobs(jobs: Sequence[IngestJob], changes: Sequence[Mapping[str, Any]]) -> None:
    """The rows are given back with `changes` of each. Those that were lost are over; raises Lost where it is all."""
    ends = {"stage": "", "done": 0, "total": 0, "changed": timezone.now()}
    tokens = {job.document.pk: job.token for job in jobs if not job.over}
    told = {job.document.pk: {**ends, **own} for job, own in zip(jobs, changes, strict=True)}
    _end_lost(jobs, leases.release_all(Document.objects.filter(ACTIVE_UPLOADER), tokens, told))


def _end_lost(jobs: Sequence[IngestJob], kept: Set[Any]) -> None:
    """Where all are lost, whoever hears that settles them: the transaction around is undone."""
    if not any(job.document.pk in kept for job in jobs):
        raise LeaseLost
    for job in jobs:
        if not job.over and job.document.pk not in kept:
            job.settle(LeaseLost())


def renew_held_leases() -> None:
    """The leases of everything that this process works on are extended, unless it shows no progress at all."""
    alive = [token for token, job in list(held_jobs.items()) if time.monotonic() - job.touched < STUCK_S]
    if alive:
        until = timezone.now() + timedelta(seconds=LEASE_S)
        Document.objects.filter(lease_token__in=alive).update(lease_until=until)


def quarantine_crashed() -> int:
    """Documents that crashed their worker three times are set aside with a reason; returns how many."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
    return Document.objects.filter(free, status__in=Document.ACTIVE, attempts__gte=MAX_CRASHES).update(
        status=Document.Status.QUARANTINED,
        reason=f"Reading this file stopped the worker {MAX_CRASHES} times, so it was set aside. "
        "Save it again in its own program, or tell an administrator.",
        stage="", done=0, total=0, lease_token="", lease_until=None, changed=timezone.now(),
    )  # fmt: skip
