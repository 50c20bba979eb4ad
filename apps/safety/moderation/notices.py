"""Write the notices that tell users of holds and decisions, and how to appeal.

The text is stored as it was shown, in the user's language. Nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.safety.models import Case, Decision, Notice
from apps.safety.models.feature_restrictions import format_day
from apps.safety.moderation import notice_emails, reviewable
from apps.safety.policy import versions
from apps.safety.policy.evaluation import ACCOUNT, REPORTED, SELF_HARM
from apps.safety.policy.schema import Action
from apps.safety.policy.user_messages import crisis_support_line
from apps.users.i18n import use_language_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Outcome = Decision.Outcome
_DECIDED = {
    Outcome.ALLOW: (
        gettext_lazy("A reviewer allowed %(thing)s"),
        gettext_lazy("It was held by an automatic check. You can use it as before."),
    ),
    Outcome.BLOCK: (
        gettext_lazy("%(Thing)s stays withheld"),
        gettext_lazy("A reviewer looked at it. It stands until an appeal overturns it."),
    ),
    Outcome.WARN: (
        gettext_lazy("A warning about %(thing)s"),
        gettext_lazy("A reviewer looked at it. It is withheld; please do not repeat it."),
    ),
    Outcome.REDACT: (
        gettext_lazy("A part of %(thing)s was taken out"),
        gettext_lazy("A reviewer looked at it. A gap stands in its place until an appeal overturns it."),
    ),
    Outcome.BLUR: (
        gettext_lazy("%(Thing)s is shown blurred"),
        gettext_lazy("A reviewer looked at it. Who wants to see it has to ask, until an appeal overturns that."),
    ),
    Outcome.RESTRICT: (
        gettext_lazy("Closed for you for a time: %(feature)s"),
        gettext_lazy(
            "A reviewer closed it for a time because of %(thing)s, which is withheld. It opens again by itself then, "
            "or at once where an appeal overturns it."
        ),
    ),
    Outcome.SUSPEND: (
        gettext_lazy("Your account is suspended"),
        gettext_lazy("A reviewer suspended it for %(thing)s, until an appeal or an administrator lifts it."),
    ),
}
_SUSPENDED_UNTIL = (
    _DECIDED[Outcome.SUSPEND][0],
    gettext_lazy(
        "A reviewer suspended it for %(thing)s. It opens again by itself, or before if an appeal is successful."
    ),
)
_SUSPENDED_BY_ADMINISTRATOR = {
    False: (
        _DECIDED[Outcome.SUSPEND][0],
        gettext_lazy(
            "An administrator suspended it, until an appeal or an administrator lifts it. Their reason: %(reason)s"
        ),
    ),
    True: (
        _SUSPENDED_UNTIL[0],
        gettext_lazy(
            "An administrator suspended it. It opens again by itself, or before if an appeal is successful. "
            "Their reason: %(reason)s"
        ),
    ),
}
_RULED = {
    Outcome.UPHOLD: (
        gettext_lazy("Your appeal was turned down"),
        gettext_lazy("Somebody else looked at %(thing)s. The decision stands."),
    ),
    Outcome.OVERTURN: (
        gettext_lazy("Your appeal was successful"),
        gettext_lazy("Somebody else looked at %(thing)s. Everything is as before."),
    ),
}
_HELD = (
    gettext_lazy("%(Thing)s is waiting for a person"),
    gettext_lazy("An automatic check found it. A reviewer looks at it; you need do nothing."),
)
_HELD_UNTIL = (  # for a hold that ends without a decision
    _HELD[0],
    gettext_lazy(
        "An automatic check found it. A reviewer looks at it, or the hold ends by itself; you need do nothing."
    ),
)
_LAPSED = (
    gettext_lazy("The hold of %(thing)s has ended"),
    gettext_lazy("Nobody looked at it in time. It can be used now; you are told if a reviewer decides otherwise."),
)
_SEEN = {  # for content that was let through
    "held": (
        gettext_lazy("A reviewer will look at %(thing)s"),
        gettext_lazy("It stays as it is until then; you need do nothing."),
    ),
    Outcome.ALLOW: (
        gettext_lazy("A reviewer looked at %(thing)s"),
        gettext_lazy("It may stand, and stays as it is."),
    ),
}
_REPORTED = {  # for the user who reported the content
    "held": (
        gettext_lazy("Your report is with the reviewers"),
        gettext_lazy("One of them looks at %(thing)s that you reported; you need do nothing."),
    ),
    Outcome.ALLOW: (
        gettext_lazy("%(Thing)s that you reported stays"),
        gettext_lazy("A reviewer looked at it and found that it may stand."),
    ),
    Outcome.REDACT: (
        gettext_lazy("A part of %(thing)s that you reported was taken out"),
        gettext_lazy("A reviewer agreed with you. Thank you."),
    ),
    Outcome.BLOCK: (
        gettext_lazy("%(Thing)s that you reported is withheld"),
        gettext_lazy("A reviewer agreed with you. Thank you."),
    ),
}
_HELP = (  # for a user who speaks of self-harm
    gettext_lazy("You do not have to carry it alone"),
    gettext_lazy("A reviewer hid %(thing)s. Nobody blames you for it. %(care)s"),
)
_OBJECT = gettext_lazy("You can object within 30 days; somebody else then decides.")
_Words = tuple["StrOrPromise", "StrOrPromise"]


def notify_held(case: Case) -> None:
    """Tell the owner that a check held or flagged their content.

    Sends nothing under the self-harm clause, or if the content has no owner.
    """
    if case.owner_id is None or case.area == SELF_HARM:
        return
    words = _SEEN["held"] if case.snapshot.action == Action.REVIEW else _HELD_UNTIL if case.held_until else _HELD
    _send_notice(case, None, _REPORTED["held"] if case.area == REPORTED else words)


def notify_hold_ended(case: Case) -> None:
    """Tell the owner that the hold ended without a decision."""
    _send_notice(case, None, _LAPSED)


def notify_decision(decision: Decision) -> None:
    """Tell the owner, or the user who reported the content, of the decision.

    Under the self-harm clause only a decision other than ALLOW is told, in words of support. Call inside the
    transaction of the decision.
    """
    if decision.case.area == REPORTED and decision.outcome in _REPORTED:
        return _send_notice(decision.case, decision, _REPORTED[Outcome(decision.outcome)])
    if decision.case.area == SELF_HARM:
        if decision.outcome != Outcome.ALLOW:  # the owner was not told of the finding either
            _send_notice(decision.case, decision, _HELP, _OBJECT)
        return
    if decision.outcome == Outcome.ALLOW:
        seen = decision.case.snapshot.action == Action.REVIEW
        return _send_notice(decision.case, decision, _SEEN[Outcome.ALLOW] if seen else _DECIDED[Outcome.ALLOW])
    words = _DECIDED[Outcome(decision.outcome)]
    if decision.case.area == ACCOUNT:
        words = _SUSPENDED_BY_ADMINISTRATOR[decision.until is not None]
    elif decision.outcome == Outcome.SUSPEND and decision.until is not None:
        words = _SUSPENDED_UNTIL
    _send_notice(decision.case, decision, words, _OBJECT)


def notify_appeal_decision(decision: Decision) -> None:
    """Tell the owner whether the appeal was upheld or overturned the decision. Call inside its transaction."""
    _send_notice(decision.case, decision, _RULED[Outcome(decision.outcome)])


def _send_notice(case: Case, decision: Decision | None, words: _Words, further: StrOrPromise = "") -> None:
    """Store the notice in the owner's language and schedule an email if the account is suspended.

    Older unread notices of the case are marked as seen. Does nothing if the content has no owner.
    """
    if case.owner is None:
        return
    with use_language_of(case.owner):
        thing = str(reviewable.get_reviewable(case.kind).name)
        said = {
            "thing": thing,
            "Thing": thing[:1].upper() + thing[1:],
            "care": crisis_support_line(),
            "feature": decision.get_feature_display() if decision is not None else "",
            "until": format_day(decision.until) if decision is not None and decision.until else "",
            "reason": decision.note if decision is not None and case.area == ACCOUNT else "",
        }
        title, text = (str(part) % said for part in words)
        Notice.objects.filter(person=case.owner, case=case, seen=None).update(seen=timezone.now())  # it is outdated
        notice = Notice.objects.create(
            person=case.owner, case=case, decision=decision, title=title, text=f"{text} {further}".strip(),
            clause=versions.describe_clause(case.area),
        )  # fmt: skip
    if case.decisions.filter(undone=None, outcome=Outcome.SUSPEND).exists():
        notice_emails.schedule_email(notice)  # a suspended user cannot sign in to read it
