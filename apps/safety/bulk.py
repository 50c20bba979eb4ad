"""Many cases decided at once: only near-duplicates under one clause and one version of the policy, each text seen in a
preview, each with a decision of its own, and one way back for all of them.
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

from apps.safety import audit, effects, review
from apps.safety.intake import folded
from apps.safety.models import Batch, Case, Decision
from apps.safety.policy import SEALED
from apps.safety.review import Ruling
from apps.safety.transitions import Move, Refused, State
from apps.users.models import User

MOST = 200  # cases of a batch
UNDO_S = 60  # a batch takes longer to look through than one decision
OUTCOMES = (Decision.Outcome.ALLOW, Decision.Outcome.BLOCK, Decision.Outcome.WARN)  # nobody is suspended in bulk
_ALIKE = 88  # of 100, the share of characters in order that two texts have in common (indel ratio)
_CANDIDATES = 2000
_LONGEST = 4000  # characters; longer texts are alike only where they are the same


@dataclass(frozen=True, slots=True)
class Item:
    """A case of a preview, as the page had it."""

    pk: str
    token: str
    version: int


@dataclass(frozen=True, slots=True)
class Done:
    decided: int
    missed: int  # somebody else had them by then, or the claim had run out


def alike(user: User, case: Case) -> list[Case]:
    """Open cases whose text is nearly that of this one, under its clause and version of the policy; nearest first."""
    if case.area in SEALED or case.state != State.CLAIMED:
        return []
    rows = review.queue(user).filter(
        state=State.OPEN, kind=case.kind, area=case.area, snapshot__policy=case.snapshot.policy,
        snapshot__stage=case.snapshot.stage,
    )  # fmt: skip
    same = list(rows.filter(snapshot__sha256=case.snapshot.sha256).exclude(pk=case.pk)[:MOST])
    text = folded(case.snapshot.words)
    if len(text) > _LONGEST or not text.strip():
        return same
    others = {
        row.pk: row
        for row in rows.exclude(snapshot__sha256=case.snapshot.sha256)[:_CANDIDATES]
        if len(row.snapshot.words) <= _LONGEST
    }
    texts = {pk: folded(row.snapshot.words) for pk, row in others.items()}
    near = process.extract(text, texts, scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=MOST)
    return [*same, *(others[pk] for _, _, pk in near)][: MOST - 1]


def gather(user: User, pk: Any) -> Batch:
    """The case that this person holds and those like it are theirs, to be looked through. Raises Refused."""
    seed = review.queue(user).filter(pk=pk, holder=user, lease_until__gt=timezone.now()).first()
    if seed is None:
        raise Refused(review.TAKEN)
    found = alike(user, seed)
    if not found:
        raise Refused(gettext("No other case is like this one any more."))
    batch = Batch.objects.create(reviewer=user)
    claimed = [seed.pk]
    for row in found:
        try:
            claimed.append(review.claim(user, row.pk).pk)
        except Refused:
            continue
    Case.objects.filter(pk__in=claimed, holder=user).update(batch=batch)
    audit.record("batch.gathered", actor=user, subject=f"batch {batch.pk}", cases=len(claimed))
    return batch


def mine(user: User, pk: Any) -> Batch:
    """Return the batch. Raise Refused where it is another reviewer's or there is none."""
    batch = Batch.objects.filter(pk=pk, reviewer=user).first() if user.is_staff and user.is_active else None
    if batch is None:
        raise Refused(gettext("There is no such batch."))
    return batch


def preview(user: User, batch: Batch) -> list[Case]:
    """The cases that are still this person's, with their texts; each reading is recorded."""
    return [review.look(user, row.pk) for row in _held(user, batch)]


def decide(user: User, batch: Batch, items: Sequence[Item], ruling: Ruling) -> Done:
    """Decide each of the items and put the other cases of the batch back. Raise Refused."""
    mine(user, batch.pk)
    if ruling.outcome not in OUTCOMES:
        raise Refused(gettext("Choose what is to happen to all of them; people are suspended one at a time."))
    if not items:
        raise Refused(gettext("Tick the cases that this decision is for."))
    review.sound(ruling)
    ours = {str(pk) for pk in _held(user, batch).values_list("pk", flat=True)}
    decided = 0
    for item in items[:MOST]:
        if item.pk not in ours:
            continue
        try:
            review.decide(user, item.pk, replace(ruling, token=item.token, version=item.version, batch=batch))
            decided += 1
        except Refused:
            continue
    leave(user, batch)
    Batch.objects.filter(pk=batch.pk).update(decided=timezone.now())
    done = Done(decided, len(items) - decided)
    audit.record("batch.decided", actor=user, subject=f"batch {batch.pk}", decided=decided, missed=done.missed)
    return done


def possible(case: Case) -> list[Decision.Outcome]:
    """What it, and those like it, can be decided to together."""
    return [one for one in effects.possible(case) if one in OUTCOMES]


def keep(user: User, batch: Batch) -> int:
    """The claims that still hold last ten minutes from now; how many."""
    return _held(user, batch).update(lease_until=timezone.now() + timedelta(seconds=review.LEASE_S))


def leave(user: User, batch: Batch) -> None:
    """What was not decided is open again."""
    for row in _held(user, batch):
        with suppress(Refused):
            review.leave(user, row.pk, row.lease_token, Move.RELEASE)


def undo(user: User, batch: Batch) -> int:
    """Every decision of the last minute is taken back; the cases are this person's again. How many."""
    taken = 0
    for made in decisions(user, batch):
        try:
            review.undo(user, made.case_id, within_s=UNDO_S)
            taken += 1
        except Refused:
            continue
    if not taken:
        raise Refused(gettext("A batch can be taken back within a minute, and each case until somebody appeals."))
    audit.record("batch.undone", actor=user, subject=f"batch {batch.pk}", cases=taken)
    return taken


def decisions(user: User, batch: Batch) -> QuerySet[Decision]:
    """Those that can be taken back now."""
    since = timezone.now() - timedelta(seconds=UNDO_S)
    rows = Decision.objects.filter(batch=batch, reviewer=user, undone=None, created__gt=since)
    return rows.filter(case__state=State.DECIDED, case__version=F("case_version") + 1)


def undoable(user: User) -> tuple[Batch, int] | None:
    """This person's last batch, and how many of its decisions can be taken back now."""
    since = timezone.now() - timedelta(seconds=2 * UNDO_S)
    for batch in Batch.objects.filter(reviewer=user, decided__gt=since).order_by("-decided")[:1]:
        if count := decisions(user, batch).count():
            return batch, count
    return None


def _held(user: User, batch: Batch) -> QuerySet[Case]:
    rows = review.queue(user).filter(batch=batch, holder=user, state=State.CLAIMED)
    return rows.filter(lease_until__gt=timezone.now())
