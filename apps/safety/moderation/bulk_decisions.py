"""Decide many similar cases at once.

A batch holds only near-duplicates under one clause and one policy version. The reviewer sees each text in a preview;
each case gets a decision of its own. `undo_batch` reverts all of them within a minute. Nobody is suspended or
restricted in bulk.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from rapidfuzz import fuzz, process

from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import BulkDecision, Case, Decision
from apps.safety.models.case_states import CaseMove, CaseState
from apps.safety.moderation import cases, enforcement
from apps.safety.moderation.decision_input import DecisionInput, validate_input
from apps.safety.policy.schema import SEALED_CLAUSES
from apps.safety.text.normalization import fold_for_detection
from apps.users.models import User

MAX_CASES = 200  # cases of a batch
UNDO_S = 60  # seconds; longer than for one decision, as a batch takes longer to check
BATCH_OUTCOMES = (Decision.Outcome.ALLOW, Decision.Outcome.BLOCK, Decision.Outcome.WARN)  # nobody is suspended in bulk
_MIN_SIMILARITY = 88  # of 100, the share of characters that two texts have in common, in order (indel ratio)
_CANDIDATES = 2000
_LONGEST = 4000  # characters; longer texts match only if they are equal


@dataclass(frozen=True, slots=True)
class BatchItem:
    """Case of a preview, with the claim token and the version that the page was made with."""

    pk: str
    token: str
    version: int


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Numbers of cases that a batch decided and missed."""

    decided: int
    missed: int  # another reviewer had claimed them, or the claim had expired


def find_near_duplicates(user: User, case: Case) -> list[Case]:
    """Return up to 200 open cases whose text nearly equals that of `case`, nearest first.

    Only cases that the user may see, of the same kind, stage, clause and policy version. `[]` for a sealed clause and
    for a case that is not claimed. Texts over 4000 characters match only if equal.
    """
    if case.clause in SEALED_CLAUSES or case.state != CaseState.CLAIMED:
        return []
    rows = cases.visible_cases(user).filter(
        state=CaseState.OPEN, kind=case.kind, clause=case.clause, snapshot__policy=case.snapshot.policy,
        snapshot__stage=case.snapshot.stage,
    )  # fmt: skip
    same = list(rows.filter(snapshot__sha256=case.snapshot.sha256).exclude(pk=case.pk)[:MAX_CASES])
    text = fold_for_detection(case.snapshot.readable_text)
    if len(text) > _LONGEST or not text.strip():
        return same
    others = {
        row.pk: row
        for row in rows.exclude(snapshot__sha256=case.snapshot.sha256)[:_CANDIDATES]
        if len(row.snapshot.readable_text) <= _LONGEST
    }
    texts = {pk: fold_for_detection(row.snapshot.readable_text) for pk, row in others.items()}
    near = process.extract(text, texts, scorer=fuzz.ratio, score_cutoff=_MIN_SIMILARITY, limit=MAX_CASES)
    return [*same, *(others[pk] for _, _, pk in near)][: MAX_CASES - 1]


def gather_batch(user: User, pk: Any) -> BulkDecision:
    """Claim the near-duplicates of a case that the user holds and return them as a batch.

    Cases that cannot be claimed are left out. Each claim is a transaction of its own; the audit entry is
    `batch.gathered`. Raise ActionRefused if the user does not hold the case or no other case is like it.
    """
    seed = cases.visible_cases(user).filter(pk=pk, holder=user, lease_until__gt=timezone.now()).first()
    if seed is None:
        raise ActionRefused(cases.CASE_TAKEN)
    found = find_near_duplicates(user, seed)
    if not found:
        raise ActionRefused(gettext("There are no other cases like this one any more."))
    batch = BulkDecision.objects.create(reviewer=user)
    claimed = [seed.pk]
    for row in found:
        try:
            claimed.append(cases.claim_case(user, row.pk).pk)
        except ActionRefused:
            continue
    Case.objects.filter(pk__in=claimed, holder=user).update(batch=batch)
    audit.record_event("batch.gathered", actor=user, subject=f"batch {batch.pk}", cases=len(claimed))
    return batch


def get_own_batch(user: User, pk: Any) -> BulkDecision:
    """Return the batch. Raise ActionRefused if there is none, or if it is another reviewer's."""
    batch = BulkDecision.objects.filter(pk=pk, reviewer=user).first() if user.is_staff and user.is_active else None
    if batch is None:
        raise ActionRefused(gettext("Bulk decision not found."))
    return batch


def preview_batch(user: User, batch: BulkDecision) -> list[Case]:
    """Return the cases of the batch that the user still holds, with their texts. Each gets an audit entry `read`."""
    return [cases.read_case(user, row.pk) for row in _held_cases(user, batch)]


def decide_batch(user: User, batch: BulkDecision, items: Sequence[BatchItem], ruling: DecisionInput) -> BatchResult:
    """Decide each item as `ruling` says and release the other cases of the batch.

    Each decision is a transaction of its own; items whose claim or version no longer holds count as missed. The audit
    entry is `batch.decided`, beside one per case. Raise ActionRefused before any change if the batch is not the user's,
    `items` is empty, the outcome is not allowed or the input incomplete.
    """
    get_own_batch(user, batch.pk)
    if ruling.outcome not in BATCH_OUTCOMES:
        raise ActionRefused(gettext("Choose an action for all of them. Users can only be suspended one at a time."))
    if not items:
        raise ActionRefused(gettext("Select at least one case."))
    validate_input(ruling)
    ours = {str(pk) for pk in _held_cases(user, batch).values_list("pk", flat=True)}
    decided = 0
    for item in items[:MAX_CASES]:
        if item.pk not in ours:
            continue
        try:
            cases.decide_case(user, item.pk, replace(ruling, token=item.token, version=item.version, batch=batch))
            decided += 1
        except ActionRefused:
            continue
    release_batch(user, batch)
    BulkDecision.objects.filter(pk=batch.pk).update(decided=timezone.now())
    done = BatchResult(decided, len(items) - decided)
    audit.record_event("batch.decided", actor=user, subject=f"batch {batch.pk}", decided=decided, missed=done.missed)
    return done


def possible_batch_outcomes(case: Case) -> list[Decision.Outcome]:
    """Return the outcomes that are possible for the case and allowed for a batch."""
    return [one for one in enforcement.possible_outcomes(case) if one in BATCH_OUTCOMES]


def renew_batch(user: User, batch: BulkDecision) -> int:
    """Extend the user's claims that still hold to ten minutes from now and return how many."""
    return _held_cases(user, batch).update(lease_until=timezone.now() + timedelta(seconds=cases.LEASE_S))


def release_batch(user: User, batch: BulkDecision) -> None:
    """Release the cases of the batch that the user still holds, so that they are open again."""
    for row in _held_cases(user, batch):
        with suppress(ActionRefused):
            cases.release_case(user, row.pk, row.lease_token, CaseMove.RELEASE)


def undo_batch(user: User, batch: BulkDecision) -> int:
    """Undo the user's decisions of the batch from the last minute and return how many.

    The user holds the cases again. Each undo is a transaction of its own; the audit entry is `batch.undone`. Raise
    ActionRefused if no decision could be undone.
    """
    taken = 0
    for made in undoable_decisions(user, batch):
        try:
            cases.undo_decision(user, made.case_id, within_s=UNDO_S)
            taken += 1
        except ActionRefused:
            continue
    if not taken:
        raise ActionRefused(gettext("A bulk decision can be undone within a minute, unless the user has appealed."))
    audit.record_event("batch.undone", actor=user, subject=f"batch {batch.pk}", cases=taken)
    return taken


def undoable_decisions(user: User, batch: BulkDecision) -> QuerySet[Decision]:
    """Return the decisions of the batch that the user can undo now: at most a minute old, their cases unchanged."""
    since = timezone.now() - timedelta(seconds=UNDO_S)
    rows = Decision.objects.filter(batch=batch, reviewer=user, undone=None, created__gt=since)
    return rows.filter(case__state=CaseState.DECIDED, case__version=F("case_version") + 1)


def find_undoable_batch(user: User) -> tuple[BulkDecision, int] | None:
    """Return the user's last batch and how many of its decisions can be undone now; None if none can."""
    since = timezone.now() - timedelta(seconds=2 * UNDO_S)
    for batch in BulkDecision.objects.filter(reviewer=user, decided__gt=since).order_by("-decided")[:1]:
        if count := undoable_decisions(user, batch).count():
            return batch, count
    return None


def _held_cases(user: User, batch: BulkDecision) -> QuerySet[Case]:
    rows = cases.visible_cases(user).filter(batch=batch, holder=user, state=CaseState.CLAIMED)
    return rows.filter(lease_until__gt=timezone.now())
