"""Queue and give second reviews: another reviewer judges a text without seeing score or decision.

A share of all decisions is sampled (`is_sampled`), and a reviewer can request one (`request_review`). A second review
changes no case. It measures how far reviewers agree; an administrator can reopen a disputed decision
(`cases.reopen_case`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.lib.db import leases
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models.second_review import SecondReview
from apps.safety.policy.schema import SEALED_CLAUSES

if TYPE_CHECKING:
    from apps.safety.models import Case, Decision
    from apps.users.models import User

LEASE_S = 600.0
REVIEW_GONE = gettext_lazy("Your claim on this second review has expired. Nothing was changed.")


def is_sampled(decision: Decision) -> bool:
    """Return whether the decision is sampled for a second review.

    Decided by the hash of its random key, so that nobody can choose. The share is REVIEW_SECOND_PERCENT.
    """
    number = int.from_bytes(hashlib.sha256(decision.pk.bytes).digest()[:4], "big")
    return number < settings.REVIEW_SECOND_PERCENT / 100 * 2**32


def queue_if_sampled(decision: Decision) -> None:
    """Queue a second review of the decision if it is sampled and its clause is not sealed.

    Call inside the transaction of the decision.
    """
    if decision.clause in SEALED_CLAUSES or not is_sampled(decision):
        return
    case = decision.case
    SecondReview.objects.create(
        cause=SecondReview.Cause.SAMPLE, snapshot_id=case.snapshot_id, clause=decision.clause, case=case,
        decision=decision, owner_id=decision.owner_id, first_reviewer_id=decision.reviewer_id, severity=case.severity,
    )  # fmt: skip


def request_review(user: User, case: Case) -> None:
    """Queue a second review of a case that is not decided yet, by another reviewer than `user`.

    Call inside the transaction that releases the case. Raise ActionRefused for a sealed clause.
    """
    if case.clause in SEALED_CLAUSES:
        raise ActionRefused(
            gettext(
                "Only reviewers with the permission for sealed cases can review this clause. Escalate the case instead."
            )
        )
    SecondReview.objects.create(
        cause=SecondReview.Cause.ASKED, snapshot_id=case.snapshot_id, clause=case.clause, case=case,
        owner_id=case.owner_id, first_reviewer=user, severity=case.severity,
    )  # fmt: skip


def pending_reviews(user: User) -> QuerySet[SecondReview]:
    """Return the second reviews that the user may give: free or their own, never about their own text or decision.

    None for users who do not review. Sealed clauses are left out.
    """
    if not user.is_staff or not user.is_active:
        return SecondReview.objects.none()
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now) | Q(reviewer=user)
    rows = SecondReview.objects.filter(free, submitted=None).exclude(snapshot__text="")
    rows = rows.filter(Q(decision__isnull=True) | Q(decision__undone=None))
    return rows.exclude(clause__in=SEALED_CLAUSES).exclude(owner=user).exclude(first_reviewer=user)


def claim_review(user: User) -> SecondReview | None:
    """Claim the next second review for ten minutes, requested ones first. Return None if none is waiting."""
    begun = pending_reviews(user).filter(reviewer=user, lease_until__gt=timezone.now()).first()
    if begun is not None:
        return begun
    # A requested review delays its case, so it comes first.
    for row in pending_reviews(user).order_by(models.Case(models.When(cause="asked", then=0), default=1), "created")[
        :5
    ]:
        if (mine := _lease(user, row)) is not None:
            return mine
    return None


def read_review(user: User, pk: Any) -> SecondReview:
    """Return the second review with its text and write the audit entry `read`.

    Raise ActionRefused if the user does not hold it.
    """
    row = get_held_review(user, pk)
    seen = {"why": "second", "clause": row.clause}
    audit.record_event("read", actor=user, user=row.owner_id, subject=f"opinion {row.pk}", **seen)
    return row


def submit_review(user: User, pk: Any, token: str, harmful: bool, note: str = "") -> SecondReview:
    """Store whether the text is harmful, once, and return the second review.

    The note is cut to 1000 characters. Change and audit entry `opinion.given` are one transaction. Raise ActionRefused
    if the user does not hold the review by `token`, or the text cannot be read.
    """
    row = get_held_review(user, pk)
    if not row.snapshot.readable:
        raise ActionRefused(str(row.snapshot.text))
    with transaction.atomic():
        rows = SecondReview.objects.filter(reviewer=user, submitted=None, lease_until__gt=timezone.now())
        if not leases.release(rows, pk, token, submitted=timezone.now(), harmful=harmful, note=note[:1000]):
            raise ActionRefused(REVIEW_GONE)
        audit.record_event("opinion.given", actor=user, subject=f"opinion {pk}")
    return SecondReview.objects.get(pk=pk)


def renew_review(user: User, pk: Any, token: str) -> None:
    """Extend the claim to ten minutes from now. Raise ActionRefused if the user no longer holds it."""
    row = get_held_review(user, pk)
    if not leases.renew(SecondReview.objects.filter(submitted=None, reviewer=user), row.pk, token, LEASE_S):
        raise ActionRefused(REVIEW_GONE)


def release_review(user: User, pk: Any, token: str) -> None:
    """Release the second review for other reviewers. Raise ActionRefused if the user does not hold it."""
    get_held_review(user, pk)
    leases.release(SecondReview.objects.filter(reviewer=user, submitted=None), pk, token, reviewer=None)


def disputed_reviews() -> QuerySet[SecondReview]:
    """Return the sampled second reviews that contradict a standing decision."""
    rows = SecondReview.objects.filter(cause=SecondReview.Cause.SAMPLE, submitted__isnull=False, decision__undone=None)
    fine = Q(decision__outcome="allow")
    return rows.filter((fine & Q(harmful=True)) | (~fine & Q(harmful=False))).filter(case__state="decided")


def _lease(user: User, row: SecondReview) -> SecondReview | None:
    token = leases.claim(SecondReview.objects.filter(submitted=None), row.pk, LEASE_S, reviewer=user)
    return SecondReview.objects.get(pk=row.pk) if token else None


def get_held_review(user: User, pk: Any) -> SecondReview:
    """Return the second review. Raise ActionRefused if the user does not hold it."""
    row = (
        pending_reviews(user)
        .filter(pk=pk, reviewer=user, lease_until__gt=timezone.now())
        .select_related("snapshot")
        .first()
    )
    if row is None:
        raise ActionRefused(REVIEW_GONE)
    return row
