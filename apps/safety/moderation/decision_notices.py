"""Write the notices that tell users of holds and decisions, and how to appeal.

A notice stores its words as they were sent, in the user's language of that moment, and the key of its message, by which
`translate_notices` shows it in another language. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy, override

from apps.safety.models import Case, Decision, Notice, PolicyVersion
from apps.safety.moderation import notice_emails, reviewable
from apps.safety.policy import versions
from apps.safety.policy.evaluation import ACCOUNT, REPORTED, SELF_HARM
from apps.safety.policy.schema import Action, parse_policy
from apps.safety.policy.user_messages import crisis_support_line
from apps.users.i18n import use_language_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Outcome = Decision.Outcome
_Words = tuple["StrOrPromise", "StrOrPromise"]  # title and text
_SUSPENDED = gettext_lazy("Your account is suspended")
_WAITING = gettext_lazy("%(Thing)s is waiting for review")
_MESSAGES: Mapping[str, _Words] = {  # the keys are stored
    "allow": (
        gettext_lazy("A reviewer allowed %(thing)s"),
        gettext_lazy("An automatic check had withheld it. You can use it again."),
    ),
    "block": (
        gettext_lazy("%(Thing)s is withheld"),
        gettext_lazy(
            "A reviewer decided this under the rule below. It stays withheld unless an appeal overturns the decision."
        ),
    ),
    "warn": (
        gettext_lazy("A warning about %(thing)s"),
        gettext_lazy("A reviewer withheld it under the rule below, and warns you not to repeat it."),
    ),
    "redact": (
        gettext_lazy("Part of %(thing)s was redacted"),
        gettext_lazy(
            "A reviewer decided this under the rule below. The part is hidden unless an appeal overturns the decision."
        ),
    ),
    "blur": (
        gettext_lazy("%(Thing)s is shown blurred"),
        gettext_lazy(
            "A reviewer decided this under the rule below. It is shown clearly only after a click, unless an "
            "appeal overturns the decision."
        ),
    ),
    "restrict": (
        gettext_lazy("Feature restricted: %(feature)s"),
        gettext_lazy(
            "A reviewer restricted this feature for you and withheld %(thing)s under the rule below. The "
            "restriction ends by itself, or earlier if an appeal overturns the decision."
        ),
    ),
    "suspend": (
        _SUSPENDED,
        gettext_lazy(
            "A reviewer suspended it because of %(thing)s, under the rule below. The suspension lasts until "
            "an appeal overturns it or an administrator lifts it."
        ),
    ),
    "suspend_until": (
        _SUSPENDED,
        gettext_lazy(
            "A reviewer suspended it because of %(thing)s, under the rule below. The suspension ends by "
            "itself, or earlier if an appeal overturns it."
        ),
    ),
    "suspend_by_administrator": (
        _SUSPENDED,
        gettext_lazy(
            "An administrator suspended it for this reason: “%(reason)s”. The suspension lasts until an "
            "appeal overturns it or an administrator lifts it."
        ),
    ),
    "suspend_by_administrator_until": (
        _SUSPENDED,
        gettext_lazy(
            "An administrator suspended it for this reason: “%(reason)s”. The suspension ends by itself, or "
            "earlier if an appeal overturns it."
        ),
    ),
    "uphold": (
        gettext_lazy("Your appeal was not successful"),
        gettext_lazy("Another reviewer looked at %(thing)s and upheld the decision."),
    ),
    "overturn": (
        gettext_lazy("Your appeal was successful"),
        gettext_lazy("Another reviewer looked at %(thing)s and overturned the decision. Everything is as before."),
    ),
    "overturn_question": (  # it was never answered
        gettext_lazy("Your appeal was successful"),
        gettext_lazy("Another reviewer looked at %(thing)s and overturned the decision. You can ask it again."),
    ),
    "uphold_by_same": (  # no other reviewer could decide
        gettext_lazy("Your appeal was not successful"),
        gettext_lazy(
            "The reviewer who had decided looked at %(thing)s again, as there is no other, and upheld the decision."
        ),
    ),
    "overturn_by_same": (
        gettext_lazy("Your appeal was successful"),
        gettext_lazy(
            "The reviewer who had decided looked at %(thing)s again, as there is no other, and overturned the "
            "decision. Everything is as before."
        ),
    ),
    "overturn_by_same_question": (
        gettext_lazy("Your appeal was successful"),
        gettext_lazy(
            "The reviewer who had decided looked at %(thing)s again, as there is no other, and overturned the "
            "decision. You can ask it again."
        ),
    ),
    "held": (
        _WAITING,
        gettext_lazy(
            "An automatic check withheld it under the rule below. A reviewer will decide. You can appeal after the "
            "reviewer's decision."
        ),
    ),
    "held_until": (  # for a hold that ends without a decision
        _WAITING,
        gettext_lazy(
            "An automatic check withheld it under the rule below. A reviewer will decide. If none decides in time, "
            "it is released. You can appeal after the reviewer's decision."
        ),
    ),
    "held_until_question": (
        _WAITING,
        gettext_lazy(
            "An automatic check withheld it under the rule below. A reviewer will decide. If none decides in time, "
            "it will be answered when you ask it again. You can appeal after the reviewer's decision."
        ),
    ),
    "hold_ended": (
        gettext_lazy("%(Thing)s is no longer withheld"),
        gettext_lazy(
            "No reviewer decided in time, so it was released. You will be told if a reviewer decides otherwise later."
        ),
    ),
    "hold_ended_question": (
        gettext_lazy("%(Thing)s is no longer withheld"),
        gettext_lazy(
            "No reviewer decided in time, so it will be answered when you ask it again. You will be told if a "
            "reviewer decides otherwise later."
        ),
    ),
    "flagged": (  # for content that was let through
        gettext_lazy("A reviewer will look at %(thing)s"),
        gettext_lazy("Nothing changes until then. You do not need to do anything."),
    ),
    "flagged_allow": (
        gettext_lazy("A reviewer looked at %(thing)s"),
        gettext_lazy("The reviewer found no problem. Nothing changes."),
    ),
    "reported": (  # for the user who reported the content
        gettext_lazy("Your report was sent to the reviewers"),
        gettext_lazy("A reviewer will look at %(thing)s that you reported. You do not need to do anything."),
    ),
    "reported_allow": (
        gettext_lazy("%(Thing)s that you reported was allowed"),
        gettext_lazy("A reviewer looked at it and found no violation. It stays as it is."),
    ),
    "reported_redact": (
        gettext_lazy("Part of %(thing)s that you reported was redacted"),
        gettext_lazy("A reviewer agreed with you. Thank you."),
    ),
    "reported_block": (
        gettext_lazy("%(Thing)s that you reported is withheld"),
        gettext_lazy("A reviewer agreed with you. Thank you."),
    ),
    "support": (  # for a user who speaks of self-harm
        gettext_lazy("You do not have to carry it alone"),
        gettext_lazy("A reviewer hid %(thing)s. Nobody blames you for it. %(care)s"),
    ),
}
_OBJECT = gettext_lazy("You can appeal within 30 days; a reviewer will then look at it again.")
_FORMER_OBJECT = gettext_lazy("You can appeal within 30 days; another reviewer will then decide.")  # in stored notices


def notify_held(case: Case) -> None:
    """Tell the owner that a check held or flagged their content.

    Sends nothing under the self-harm clause, or if the content has no owner.
    """
    if case.owner_id is None or case.clause == SELF_HARM:
        return
    held = "held_until" if case.hold_expires_at else "held"
    message = "flagged" if case.snapshot.action == Action.REVIEW else held
    _send_notice(case, None, "reported" if case.clause == REPORTED else message)


def notify_hold_ended(case: Case) -> None:
    """Tell the owner that the hold ended without a decision."""
    _send_notice(case, None, "hold_ended")


def notify_decision(decision: Decision) -> None:
    """Tell the owner, or the user who reported the content, of the decision.

    Under the self-harm clause only a decision other than ALLOW is told, in words of support. Call inside the
    transaction of the decision.
    """
    message = str(decision.outcome)
    if decision.case.clause == REPORTED and f"reported_{message}" in _MESSAGES:
        return _send_notice(decision.case, decision, f"reported_{message}")
    if decision.case.clause == SELF_HARM:
        if decision.outcome != Outcome.ALLOW:  # the owner was not told of the finding either
            _send_notice(decision.case, decision, "support", offers_appeal=True)
        return
    if decision.outcome == Outcome.ALLOW:
        flagged = decision.case.snapshot.action == Action.REVIEW
        return _send_notice(decision.case, decision, "flagged_allow" if flagged else message)
    if decision.case.clause == ACCOUNT:
        message = "suspend_by_administrator"
    if decision.outcome == Outcome.SUSPEND and decision.until is not None:
        message += "_until"
    _send_notice(decision.case, decision, message, offers_appeal=True)


def notify_appeal_decision(decision: Decision, first: Decision) -> None:
    """Tell the owner whether the appeal against `first` was upheld or overturned it, and whether somebody else decided.

    Call inside its transaction.
    """
    by_same = decision.reviewer_id is not None and decision.reviewer_id == first.reviewer_id
    _send_notice(decision.case, decision, f"{decision.outcome}_by_same" if by_same else str(decision.outcome))


def cut_appeal_offer(text: str) -> str:
    """Return the text of a notice without the sentence that offers an appeal, in whichever language it was stored."""
    for code, _ in settings.LANGUAGES:
        with override(code):
            text = text.removesuffix(str(_OBJECT)).removesuffix(str(_FORMER_OBJECT))
    return text.rstrip()


def translate_notices(rows: Iterable[Notice]) -> None:
    """Put the words of the notices, which must not be saved, into the active language.

    The clause is that of the policy at the time. Notices of former releases name no message and stay as stored.
    """
    load_policy = cache(lambda pk: parse_policy(PolicyVersion.objects.get(pk=pk).body))
    for notice in rows:
        if notice.message not in _MESSAGES:
            continue
        notice.title, notice.text = _fill_in(notice.case, notice.decision, notice.message)
        if notice.offers_appeal:
            notice.text = f"{notice.text} {_OBJECT}"
        policy = (notice.decision or notice.case.snapshot).policy_id
        notice.clause = versions.describe_clause(notice.case.clause, load_policy(policy) if policy else None)


def _fill_in(case: Case, decision: Decision | None, message: str) -> tuple[str, str]:
    """Return title and text of the message in the active language."""
    thing = str(reviewable.get_reviewable(case.kind).name)
    values = {
        "thing": thing,
        "Thing": thing[:1].upper() + thing[1:],
        "care": crisis_support_line(),
        "feature": decision.get_feature_display() if decision is not None else "",
        "reason": decision.note.rstrip(". ") if decision is not None and case.clause == ACCOUNT else "",
    }
    words = _MESSAGES.get(f"{message}_{case.kind}", _MESSAGES[message])
    title, text = (str(part) % values for part in words)
    return title, text


def _send_notice(case: Case, decision: Decision | None, message: str, *, offers_appeal: bool = False) -> None:
    """Store the notice in the owner's language and schedule an email if the account is suspended.

    Older unread notices of the case are marked as seen. Does nothing if the content has no owner.
    """
    if case.owner is None:
        return
    with use_language_of(case.owner):
        title, text = _fill_in(case, decision, message)
        text = f"{text} {_OBJECT}" if offers_appeal else text
        Notice.objects.filter(user=case.owner, case=case, seen=None).update(seen=timezone.now())  # it is outdated
        notice = Notice.objects.create(
            user=case.owner, case=case, decision=decision, message=message, offers_appeal=offers_appeal,
            title=title, text=text, clause=versions.describe_clause(case.clause),
        )  # fmt: skip
    if case.decisions.filter(undone=None, outcome=Outcome.SUSPEND).exists():
        notice_emails.schedule_email(notice)  # a suspended user cannot sign in to read it
