"""Job of ingesting one document: its lease, its progress, and the ways in which it may end.

    IngestError
        USER_FIXABLE     failed, with a reason that tells the user what to do
        RETRYABLE        queued again, tried after RETRY_S
        BUG              failed; the log has the details
    LeaseLost            cancelled, deleted or taken by another worker: nothing more is written.
                         If the lease still holds, its user was suspended: queued again, attempt not counted
    WorkerStopping       the worker shuts down: queued again, attempt not counted
    IngestPostponed      queued again, attempt not counted, until this process recognises no other document
    full disk            queued again, attempt not counted: the file is not to blame
    database away        queued again by `settle_jobs` once the database is back, attempt not counted
    any other exception  counts as a crash: tried again, quarantined after MAX_CRASHES

`IngestJob.claim_all` starts jobs; `renew_leases`, `finish_jobs` and `IngestJob.end_with_error` keep and end them. The
row of the document is the only state that other processes see.
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

from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.models import F, Q
from django.utils import timezone

from apps.documents.jobs.scheduler import ACTIVE_UPLOADER, MAX_CRASHES, record_turn
from apps.documents.models import Document
from apps.lib import disk_space
from apps.lib.db import leases

log = logging.getLogger(__name__)

LEASE_S = 60  # seconds; the document of a killed worker is resumed after at most this and one sweep
TICK_S = 0.25  # seconds between two updates of the row, which also tell whether the lease still holds
RETRY_S = 20  # seconds until the next attempt after an engine was not reachable
CRASH_PAUSE_S = 5  # seconds until the next attempt after a crash
DISK_FULL = "The disk of this server is full. This continues automatically when there is space."
MANY_ITEMS = 24  # pages or chunks of a stage from which its beginning is shown at once; fewer take only a moment
# As MANY_ITEMS, for stages that are faster per item.
_QUICK: dict[str, int] = dict.fromkeys((Document.Stage.SCREEN, Document.Stage.INDEX), 16 * MANY_ITEMS)
STUCK_S = 900  # seconds without progress after which the process no longer renews the job's lease

stop_requested = threading.Event()
held_jobs: dict[str, IngestJob] = {}  # by lease token: jobs of this process
_unsettled: dict[str, UUID] = {}  # lease token -> document: jobs of this process whose end could not be stored


class FaultKind(Enum):
    """Cause of an IngestError, which decides whether the document fails or is tried again."""

    USER_FIXABLE = "user_fixable"
    RETRYABLE = "retryable"
    BUG = "bug"


class IngestError(Exception):
    """Error: the document could not be made ready. The message is for the user who uploaded it."""

    def __init__(self, words: str, fault: FaultKind) -> None:
        super().__init__(words)
        self.fault = fault


class LeaseLost(Exception):
    """Error: this process no longer holds the lease of the document."""


class WorkerStopping(Exception):
    """Signal: the worker is shutting down."""


class IngestPostponed(Exception):
    """Signal: another document has to be finished first."""


class IngestJob:
    """Claimed document of one worker thread.

    The holder ends the job exactly once: with `finish_jobs` if it succeeded, else `end_with_error`. Not thread-safe.
    """

    def __init__(self, document: Document, token: str) -> None:
        self.document, self.token = document, token
        self.ended = False  # True once the lease was given back or lost
        self.last_progress = time.monotonic()  # time of the last sign of progress
        self._stage = ""
        self._next = self.last_progress + TICK_S
        self._fields: dict[str, Any] = {}  # further fields that every later update of the row sets

    @classmethod
    def claim_all(cls, ids: Sequence[UUID]) -> list[IngestJob]:
        """Claim the documents and return jobs of those that were free, in the order of `ids`.

        A document that needs no work, or crashed too often, is not free. Counts an attempt of each. Opens its own
        transaction.
        """
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

    def report_progress(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Store the progress of a stage, at most every TICK_S; that of a stage with many items at once.

        Raises LeaseLost or WorkerStopping.
        """
        if self.is_update_due(stage, total):
            self.renew(stage=stage, done=done, total=total, changed=timezone.now())

    def set_fields(self, **changes: Any) -> None:
        """Set further fields in the row with the next progress, or with the failure."""
        self._fields |= changes

    def is_update_due(self, stage: str, total: int) -> bool:
        """Return whether the row has to be updated now. Raises WorkerStopping."""
        if stop_requested.is_set():
            raise WorkerStopping
        self.last_progress = now = time.monotonic()
        if now < self._next and (stage == self._stage or total < _QUICK.get(stage, MANY_ITEMS)):
            return False
        self._stage, self._next = stage, now + TICK_S
        return True

    def renew(self, **changes: Any) -> None:
        """Extend the lease and set `changes` in the row. Raises LeaseLost."""
        rows = Document.objects.filter(ACTIVE_UPLOADER)
        if not leases.renew(rows, self.document.pk, self.token, LEASE_S, **self._fields, **changes):
            raise LeaseLost

    def release(self) -> None:
        """Stop holding the job in this process; the row is not changed."""
        self.ended = True
        held_jobs.pop(self.token, None)

    def _wait(self, seconds: float, **changes: Any) -> None:
        """Queue the document again; no worker claims it before `seconds` have passed."""
        wait_until = timezone.now() + timedelta(seconds=seconds)
        Document.objects.filter(pk=self.document.pk, lease_token=self.token).update(
            status=Document.Status.QUEUED, lease_token="", lease_until=wait_until, stage="", done=0, total=0,
            changed=timezone.now(), **changes,
        )  # fmt: skip

    def _wait_for_space(self) -> None:
        """Queue the document again because the disk is full. If the database cannot be written either, the lease
        expires."""
        for _ in range(2):
            with suppress(DatabaseError):
                self._wait(RETRY_S, reason=DISK_FULL, attempts=F("attempts") - 1)
                return
            disk_space.release_reserve()

    def end_with_error(self, error: BaseException) -> None:
        """End the job after an error, and put the row into the state that the module docstring lists for it."""
        self.release()
        try:
            self._store_end(error)
        except (OperationalError, InterfaceError) as away:
            log.warning("Document %s: the end of an attempt is stored later: %s", self.document.pk, away)
            _unsettled[self.token] = self.document.pk

    def _store_end(self, error: BaseException) -> None:
        uncounted = {"attempts": F("attempts") - 1}
        if isinstance(error, LeaseLost | WorkerStopping | IngestPostponed):
            self._wait(0, **uncounted)  # changes nothing if another worker has the document: its token differs
        elif isinstance(error, IngestError) and error.fault is FaultKind.RETRYABLE:
            self._wait(RETRY_S, reason=str(error)[:400], **uncounted)
        elif isinstance(error, IngestError):
            failed = Document.objects.filter(pk=self.document.pk)
            changes = {"reason": str(error)[:400], "stage": "", "changed": timezone.now(), **self._fields}
            leases.release(failed, self.document.pk, self.token, status=Document.Status.FAILED, **changes)
        elif disk_space.is_disk_full_error(error):
            log.error("Document %s waits: the disk is full (%s)", self.document.pk, error)
            self._wait_for_space()
        else:
            log.error("Document %s: attempt %s crashed", self.document.pk, self.document.attempts, exc_info=error)
            self._wait(CRASH_PAUSE_S)


def report_jobs_progress(jobs: Sequence[IngestJob], stage: str, counts: Sequence[tuple[int, int]]) -> None:
    """Store the progress of several jobs in one short transaction; `counts` has (done, total) of each.

    Jobs that lost their lease are ended. Raises LeaseLost if all of them did, and WorkerStopping.
    """
    due = [job.is_update_due(stage, total) for job, (_, total) in zip(jobs, counts, strict=True)]
    if any(due):
        now = timezone.now()
        renew_leases(jobs, [{"stage": stage, "done": done, "total": total, "changed": now} for done, total in counts])


def renew_leases(jobs: Sequence[IngestJob], changes: Sequence[Mapping[str, Any]] = ()) -> None:
    """Extend the leases of several jobs, and set the `changes` of each; empty: none.

    Jobs that lost their lease are ended. Raises LeaseLost if all of them did.
    """
    tokens = {job.document.pk: job.token for job in jobs if not job.ended}
    updates = zip(jobs, changes or [{}] * len(jobs), strict=True)
    by_document = {job.document.pk: {**job._fields, **own} for job, own in updates}
    _end_lost(jobs, leases.renew_all(Document.objects.filter(ACTIVE_UPLOADER), tokens, LEASE_S, by_document))


def finish_jobs(jobs: Sequence[IngestJob], changes: Sequence[Mapping[str, Any]]) -> None:
    """Give back the leases of several jobs, and set the `changes` of each. Runs inside the publishing transaction.

    Jobs that lost their lease are ended. Raises LeaseLost if all of them did.
    """
    ends = {"stage": "", "done": 0, "total": 0, "changed": timezone.now()}
    tokens = {job.document.pk: job.token for job in jobs if not job.ended}
    by_document = {job.document.pk: {**ends, **own} for job, own in zip(jobs, changes, strict=True)}
    _end_lost(jobs, leases.release_all(Document.objects.filter(ACTIVE_UPLOADER), tokens, by_document))


def _end_lost(jobs: Sequence[IngestJob], renewed: Set[Any]) -> None:
    """End the jobs whose row is not in `renewed`. Raises LeaseLost if that is all of them: the caller rolls back and
    settles."""
    if not any(job.document.pk in renewed for job in jobs):
        raise LeaseLost
    for job in jobs:
        if not job.ended and job.document.pk not in renewed:
            job.end_with_error(LeaseLost())


def settle_jobs() -> list[UUID]:
    """Queue the documents again whose end could not be stored, and return them. Called by the heartbeat."""
    settled = []
    for token, pk in list(_unsettled.items()):
        changes = {"status": Document.Status.QUEUED, "attempts": F("attempts") - 1, "changed": timezone.now()}
        if leases.release(Document.objects.all(), pk, token, stage="", done=0, total=0, **changes):
            settled.append(pk)
        del _unsettled[token]
    return settled


def renew_held_leases() -> None:
    """Extend the leases of all jobs of this process, except those without progress for STUCK_S. Called by the
    heartbeat."""
    alive = [token for token, job in list(held_jobs.items()) if time.monotonic() - job.last_progress < STUCK_S]
    if alive:
        until = timezone.now() + timedelta(seconds=LEASE_S)
        Document.objects.filter(lease_token__in=alive).update(lease_until=until)


def quarantine_crashed() -> int:
    """Set aside documents that crashed their worker MAX_CRASHES times, with a reason. Return how many."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
    return Document.objects.filter(free, status__in=Document.ACTIVE, attempts__gte=MAX_CRASHES).update(
        status=Document.Status.QUARANTINED,
        reason=f"Reading this file stopped the worker {MAX_CRASHES} times, so it was set aside. "
        "Save it again in its own program, or tell an administrator.",
        stage="", done=0, total=0, lease_token="", lease_until=None, changed=timezone.now(),
    )  # fmt: skip
