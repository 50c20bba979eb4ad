"""What the checks let through, sampled at random and read by people: the only way to know what they miss.

Off unless the operator turns it on (`REVIEW_AUDIT_PER_MILLE`). Drawn only from people who agreed to that, with personal
data masked; each reading is in the log and the person sees it. What is found harmful becomes a case.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from apps.lib import leases
from apps.lib.encrypted import Unopened
from apps.safety import audit, exposure, policies, policy, review, reviewable, sealed
from apps.safety.folding import Outcome
from apps.safety.masking import mask_forms
from apps.safety.models import Audited
from apps.safety.policy import Action, Clause
from apps.safety.transitions import Refused
from apps.users.models import User

LEASE_S = 600.0
KEPT_DAYS = 28  # unread
WAITING = 200  # unread at most; more than people can read is not kept
GONE = "This text is no longer yours to judge. Nothing was changed."


def drawn() -> bool:
    """Whether the next text that is let through is one of them."""
    return secrets.randbelow(1000) < settings.REVIEW_AUDIT_PER_MILLE


def keep(kind: str, subject: str, stage: str, text: str, owner: int) -> None:
    """A drawn text waits to be read. Call inside the transaction that stores it."""
    if text.strip() and Audited.objects.filter(given=None).count() < WAITING:
        chance = settings.REVIEW_AUDIT_PER_MILLE / 1000
        Audited.objects.create(
            kind=kind, subject=subject, stage=stage, text=mask_forms(text), chance=chance, owner_id=owner
        )


def sweep() -> int:
    """Unread texts that are gone or sealed, whose person took the consent back, or that nobody read in time: how many
    went."""
    rows = Audited.objects.filter(given=None)
    old = timezone.now() - timedelta(days=KEPT_DAYS)
    over = ~Q(owner__read_at_random=True) | Q(created__lt=old) | Q(subject__in=sealed.subjects())
    stale = list(rows.filter(over).values_list("pk", flat=True))
    for row in rows.exclude(pk__in=stale):
        if not reviewable.of(row.kind).exists(row.subject):
            stale.append(row.pk)
    Audited.objects.filter(pk__in=stale, given=None).delete()
    return len(stale)


def waiting(user: User) -> QuerySet[Audited]:
    """Those that this person may read: not their own, of nobody who took their consent back, and nothing sealed."""
    if not user.is_staff or not user.is_active:
        return Audited.objects.none()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now()) | Q(reviewer=user)
    rows = Audited.objects.filter(free, given=None, owner__read_at_random=True, owner__is_active=True)
    return rows.exclude(owner=user).exclude(subject__in=sealed.subjects())


def take(user: User) -> Audited | None:
    """The next text is this person's for ten minutes."""
    sweep()
    for row in waiting(user)[:WAITING]:
        if isinstance(row.text, Unopened):
            continue  # it waits for its key
        if row.reviewer_id == user.pk and row.lease_until and row.lease_until > timezone.now():
            return row
        if leases.claim(Audited.objects.filter(given=None), row.pk, LEASE_S, reviewer=user):
            return Audited.objects.get(pk=row.pk)
    return None


def read(user: User, pk: Any) -> Audited:
    """The text, for who holds it; the person can see that it was read. Raises Refused."""
    row = _held(user, pk)
    why = "a random check of what was let through"
    audit.record("read", actor=user, person=row.owner_id, subject=f"audit {row.pk}", why=why)
    exposure.left(user)
    return row


def clauses(row: Audited) -> Mapping[str, Clause]:
    """Those that its person's texts are judged by, by their codes."""
    return policy.read(policies.live().body).clauses


def give(user: User, pk: Any, token: str, clause: str) -> None:
    """It is judged, once; `clause` is empty where it is harmless. What is harmful is a case now. Raises Refused."""
    row, found = _held(user, pk), None
    if isinstance(row.text, Unopened):  # nobody has read it, and its words are not lost for that
        raise Refused(str(row.text))
    if clause and (found := clauses(row).get(clause)) is None:
        raise Refused(gettext("Choose the clause that it is against."))
    with transaction.atomic():
        rows = Audited.objects.filter(reviewer=user, given=None, lease_until__gt=timezone.now())
        if not leases.release(rows, pk, token, given=timezone.now(), clause=clause, text=""):
            raise Refused(GONE)
        audit.record("audit.given", actor=user, subject=f"audit {pk}", clause=clause)
        if found is not None:
            outcome = Outcome(Action.REVIEW, clause, found.severity)
            review.flag(review.Flagged(row.kind, row.subject, row.stage, row.text, row.owner_id, outcome))


def renew(user: User, pk: Any, token: str) -> None:
    """Somebody is at it: it is theirs for ten minutes from now. Raises Refused."""
    row = _held(user, pk)
    if not leases.renew(Audited.objects.filter(given=None, reviewer=user), row.pk, token, LEASE_S):
        raise Refused(GONE)


def leave(user: User, pk: Any, token: str) -> None:
    leases.release(Audited.objects.filter(reviewer=user, given=None), pk, token, reviewer=None)


def _held(user: User, pk: Any) -> Audited:
    row = waiting(user).filter(pk=pk, reviewer=user, lease_until__gt=timezone.now()).first()
    if row is None:
        raise Refused(GONE)
    return row
