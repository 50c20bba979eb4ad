"""Suspend accounts as an administrator, and end every suspension whose duration is over.

`suspend_account` makes a case that is decided at once, with the notice, email, page and appeal of a reviewer's
decision. `end_expired_suspensions` is a periodic job of the worker. Reviewers suspend an account within a case, by
`cases.decide_case`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import AppliedEffect, Case, Decision, Snapshot
from apps.safety.models.case_states import CaseState
from apps.safety.models.feature_restrictions import DURATION_DAYS
from apps.safety.moderation import decision_notices, enforcement
from apps.safety.moderation.reviewable import ContextItem
from apps.safety.policy import separation_of_duties, versions
from apps.safety.policy.evaluation import ACCOUNT
from apps.safety.text.normalization import hash_text
from apps.users import accounts
from apps.users.i18n import use_language_of
from apps.users.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

KIND = "account"
MIN_REASON_CHARACTERS, MAX_REASON_CHARACTERS = 10, 400  # the suspended user reads the reason
UNLIMITED = 0  # days; the suspension lasts until an administrator lifts it
DURATION_CHOICES = (*DURATION_DAYS, UNLIMITED)
_AT_ONCE = 50


class AccountReviewable:
    """`Reviewable` for cases about an account. It withholds no content: the suspension is an effect of the decision."""

    name: StrOrPromise = gettext_lazy("your account")

    def exists(self, subject: str) -> bool:
        return User.objects.filter(pk=int(subject)).exists()

    def context(self, subject: str) -> list[ContextItem]:
        return []

    def withhold(self, subject: str, message: str) -> dict[str, Any]:
        return {}

    def restore(self, subject: str, restore_data: dict[str, Any]) -> None:
        """Do nothing, as `withhold` changes nothing."""


def suspend_account(by: User, user: User, reason: str, days: int) -> Decision:
    """Suspend `user` for `days`, or until an administrator lifts it (UNLIMITED), and return the decision.

    The suspended user is signed out at once, told the reason and the end, and can appeal. A reason that is too long is
    cut. Case, decision, effects, notice and the audit entry `case.decided` are one transaction. Raise ActionRefused
    unless `by` is another active administrator, the reason has MIN_REASON_CHARACTERS, `days` is one of
    DURATION_CHOICES and the account is active.
    """
    separation_of_duties.require_administrator(by)
    reason = reason.strip()[:MAX_REASON_CHARACTERS]
    if by.pk == user.pk:
        raise ActionRefused(gettext("You cannot suspend your own account."))
    if len(reason) < MIN_REASON_CHARACTERS:
        raise ActionRefused(gettext("Write a sentence about why. The user will read it."))
    if days not in DURATION_CHOICES:
        raise ActionRefused(gettext("Choose how long."))
    if not User.objects.filter(pk=user.pk, is_active=True).exists():
        raise ActionRefused(gettext("This account is already suspended."))
    now, policy = timezone.now(), versions.get_live_version()
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
            stage=KIND, text=reason, sha256=hash_text(reason), code=ACCOUNT, policy=policy
        )
        case = Case.objects.create(
            kind=KIND, subject=str(user.pk), clause=ACCOUNT, owner=user, snapshot=snapshot, severity=2, due_at=now,
            state=CaseState.DECIDED, version=2,
        )  # fmt: skip
        decision = Decision.objects.create(
            case=case, case_version=1, reviewer=by, owner=user, outcome=Decision.Outcome.SUSPEND, clause=ACCOUNT,
            policy=policy, reason="other", note=reason, until=now + timedelta(days=days) if days else None,
        )  # fmt: skip
        audit.record_event("case.decided", actor=by, user=user.pk, subject=f"case {case.pk}", clause=ACCOUNT,
                     outcome=decision.outcome, reason="other", days=days)  # fmt: skip
        with use_language_of(user):
            enforcement.apply_effects(decision, "")
        decision_notices.notify_decision(decision)
    return decision


def find_suspension(user: User) -> Decision | None:
    """Return the latest decision whose suspension of the user is in force; None if no decision suspended the user."""
    applied = AppliedEffect.objects.filter(name="suspend", state=AppliedEffect.State.APPLIED).values("decision")
    rows = Decision.objects.filter(owner=user, outcome=Decision.Outcome.SUSPEND, pk__in=applied)
    return rows.select_related("case", "reviewer").order_by("-created").first()


def end_expired_suspensions() -> int:
    """End up to 50 suspensions whose time is over and return how many.

    The account stays closed while another suspension of it is in force. One transaction and one audit entry
    `suspension.ended` per suspension. A periodic job of the worker.
    """
    ended = 0
    rows = AppliedEffect.objects.filter(
        name="suspend", state=AppliedEffect.State.APPLIED, decision__until__lte=timezone.now()
    )
    for effect in rows.select_related("decision__owner").order_by("pk")[:_AT_ONCE]:
        with transaction.atomic():
            if not AppliedEffect.objects.filter(pk=effect.pk, state=AppliedEffect.State.APPLIED).update(
                state=AppliedEffect.State.REVERTED
            ):
                continue  # another worker ended it
            ended += 1
            owner = effect.decision.owner
            if owner is None:
                continue
            standing = AppliedEffect.objects.filter(
                Q(decision__until=None) | Q(decision__until__gt=timezone.now()),
                name="suspend", state=AppliedEffect.State.APPLIED, decision__owner=owner,
            ).first()  # fmt: skip
            audit.record_event("suspension.ended", user=owner.pk, subject=f"case {effect.decision.case_id}")
            if standing is not None:
                AppliedEffect.objects.filter(pk=standing.pk).update(
                    restore_data={**standing.restore_data, **effect.restore_data}
                )
            elif effect.restore_data.get("was_active"):
                accounts.reinstate_user(owner)
    return ended
