"""Template tags and filters of review: counts for the user, and labels of codes (`apps.safety.code_labels`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import template
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext

from apps.lib.proportions import format_percent
from apps.safety import code_labels
from apps.safety.analytics.policy_changes import ChangeCount, ListedChange
from apps.safety.models import Case, Notice
from apps.safety.moderation import account_suspensions, appeals, cases, masking
from apps.safety.moderation.decision_notices import cut_appeal_offer
from apps.safety.moderation.suspended_sign_in import has_requested_erasure
from apps.safety.policy_admin.backtest import PreviewedChange
from apps.users.models import User, UserNotice

register = template.Library()
_FILTERS: tuple[Callable[..., Any], ...] = (
    code_labels.clause_label, code_labels.stage_label, code_labels.content_type_label, code_labels.action_label,
    code_labels.effect_label, code_labels.detector_label, code_labels.reason_label, code_labels.version_label,
    code_labels.strictness_label, code_labels.score_label, code_labels.format_score, code_labels.severity_label,
    code_labels.version_change_text,
    code_labels.decision_message, code_labels.outcome_label, code_labels.status_label, code_labels.reading_reason,
    code_labels.trigger_text,
    appeals.get_appeal_deadline,
    masking.mask_text,  # for texts that staff read
)  # fmt: skip
for _filter in _FILTERS:
    register.filter(_filter.__name__, _filter)


@register.simple_tag
def count_unseen(user: User) -> int:
    """Return the number of notices that the user has not seen."""
    of_review = Notice.objects.filter(user=user, seen=None).order_by().values("pk")
    return of_review.union(UserNotice.objects.filter(user=user, seen=None).order_by().values("pk"), all=True).count()


@register.inclusion_tag("safety/_suspension.html", takes_context=True)
def suspension_of(context: dict[str, Any], person: User) -> dict[str, Any]:
    """Show an administrator until when, why and by whom the account of `person` is suspended."""
    decision = account_suspensions.find_suspension(person)
    return {
        "decision": decision,
        "opens_case": decision and cases.visible_cases(context["user"]).filter(pk=decision.case_id).exists(),
        "erasing": has_requested_erasure(person),
    }


@register.filter
def change_label(one: ChangeCount | ListedChange | PreviewedChange) -> str:
    """Return what changed verdicts were and would be, such as "Allowed → Withheld"."""
    return code_labels.change_label(one.change, one.before, one.after)


@register.filter
def notice_text(notice: Notice) -> str:
    """Return the text of a notice without the offer of an appeal, which the page makes itself, with its last day."""
    return cut_appeal_offer(notice.text)


@register.filter
def percent(share: float | None) -> str:
    """Return the share in percent without decimals, such as "83%"; a dash if unknown."""
    return format_percent(share)


@register.filter
def percent_fine(share: float | None) -> str:
    """Return the share in percent, with two decimals below 10%, such as "0.40%"; a dash if unknown."""
    return format_percent(share, 2 if share is not None and share < 0.1 else 0)


@register.filter
def case_title(case: Case) -> str:
    """Return the title of the case, such as "Hate in a question"."""
    return code_labels.case_title(case.clause, case.kind)


@register.filter
def due_text(case: Case) -> str:
    """Return until when the case is to be decided, such as "Due in 2 days" or "Overdue by 3 hours"."""
    if case.due_at < timezone.now():
        return gettext("Overdue by %(time)s") % {"time": timesince(case.due_at, depth=1)}
    return gettext("Due in %(time)s") % {"time": timeuntil(case.due_at, depth=1)}
