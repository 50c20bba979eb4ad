"""Write the notices that tell users of holds and decisions, and how to appeal.

The words are stored as they were written, in the user's language of that moment; `translate_notices` shows them in
another one. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, override

from apps.safety.models import Case, Decision, Notice
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
        gettext_lazy("An automatic check had withheld it. You can use it again."),
    ),
    Outcome.BLOCK: (
        gettext_lazy("%(Thing)s is withheld"),
        gettext_lazy(
            "A reviewer decided this under the rule below. It stays withheld unless an appeal overturns the decision."
        ),
    ),
    Outcome.WARN: (
        gettext_lazy("A warning about %(thing)s"),
        gettext_lazy("A reviewer withheld it under the rule below, and warns you not to repeat it."),
    ),
    Outcome.REDACT: (
        gettext_lazy("Part of %(thing)s was redacted"),
        gettext_lazy(
            "A reviewer decided this under the rule below. The part is hidden unless an appeal overturns the decision."
        ),
    ),
    Outcome.BLUR: (
        gettext_lazy("%(Thing)s is shown blurred"),
        gettext_lazy(
            "A reviewer decided this under the rule below. It is shown clearly only after a click, unless an "
            "appeal overturns the decision."
        ),
    ),
    Outcome.RESTRICT: (
        gettext_lazy("Feature restricted: %(feature)s"),
        gettext_lazy(
            "A reviewer restricted this feature for you and withheld %(thing)s under the rule below. The "
            "restriction ends by itself, or earlier if an appeal overturns the decision."
        ),
    ),
    Outcome.SUSPEND: (
        gettext_lazy("Your account is suspended"),
        gettext_lazy(
            "A reviewer suspended it because of %(thing)s, under the rule below. The suspension lasts until "
            "an appeal overturns it or an administrator lifts it."
        ),
    ),
}
_SUSPENDED_UNTIL = (
    _DECIDED[Outcome.SUSPEND][0],
    gettext_lazy(
        "A reviewer suspended it because of %(thing)s, under the rule below. The suspension ends by "
        "itself, or earlier if an appeal overturns it."
    ),
)
_SUSPENDED_BY_ADMINISTRATOR = {
    False: (
        _DECIDED[Outcome.SUSPEND][0],
        gettext_lazy(
            "An administrator suspended it for this reason: “%(reason)s”. The suspension lasts until an "
            "appeal overturns it or an administrator lifts it."
        ),
    ),
    True: (
        _SUSPENDED_UNTIL[0],
        gettext_lazy(
            "An administrator suspended it for this reason: “%(reason)s”. The suspension ends by itself, or "
            "earlier if an appeal overturns it."
        ),
    ),
}
_RULED = {
    Outcome.UPHOLD: (
        gettext_lazy("Your appeal was not successful"),
        gettext_lazy("Another reviewer looked at %(thing)s and upheld the decision."),
    ),
    Outcome.OVERTURN: (
        gettext_lazy("Your appeal was successful"),
        gettext_lazy("Another reviewer looked at %(thing)s and overturned the decision. Everything is as before."),
    ),
}
_HELD = (
    gettext_lazy("%(Thing)s is waiting for review"),
    gettext_lazy(
        "An automatic check withheld it under the rule below. A reviewer will decide. You do not need to do anything."
    ),
)
_HELD_UNTIL = (  # for a hold that ends without a decision
    _HELD[0],
    gettext_lazy(
        "An automatic check withheld it under the rule below. A reviewer will decide. If none decides in time, "
        "you can use it again. You do not need to do anything."
    ),
)
_LAPSED = (
    gettext_lazy("%(Thing)s is no longer withheld"),
    gettext_lazy(
        "No reviewer decided in time, so you can use it again. You will be told if a reviewer decides otherwise later."
    ),
)
_SEEN = {  # for content that was let through
    "held": (
        gettext_lazy("A reviewer will look at %(thing)s"),
        gettext_lazy("Nothing changes until then. You do not need to do anything."),
    ),
    Outcome.ALLOW: (
        gettext_lazy("A reviewer looked at %(thing)s"),
        gettext_lazy("The reviewer found no problem. Nothing changes."),
    ),
}
_REPORTED = {  # for the user who reported the content
    "held": (
        gettext_lazy("Your report was sent to the reviewers"),
        gettext_lazy("A reviewer will look at %(thing)s that you reported. You do not need to do anything."),
    ),
    Outcome.ALLOW: (
        gettext_lazy("%(Thing)s that you reported was allowed"),
        gettext_lazy("A reviewer looked at it and found no violation. It stays as it is."),
    ),
    Outcome.REDACT: (
        gettext_lazy("Part of %(thing)s that you reported was redacted"),
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
_OBJECT = gettext_lazy("You can appeal within 30 days; another reviewer will then decide.")
_Words = tuple["StrOrPromise", "StrOrPromise"]
_ALL_WORDS: tuple[_Words, ...] = (
    *_DECIDED.values(), _SUSPENDED_UNTIL, *_SUSPENDED_BY_ADMINISTRATOR.values(), *_RULED.values(), _HELD, _HELD_UNTIL,
    _LAPSED, *_SEEN.values(), *_REPORTED.values(), _HELP,
)  # fmt: skip


def notify_held(case: Case) -> None:
    """Tell the owner that a check held or flagged their content.

    Sends nothing under the self-harm clause, or if the content has no owner.
    """
    if case.owner_id is None or case.clause == SELF_HARM:
        return
    words = _SEEN["held"] if case.snapshot.action == Action.REVIEW else _HELD_UNTIL if case.hold_expires_at else _HELD
    _send_notice(case, None, _REPORTED["held"] if case.clause == REPORTED else words)


def notify_hold_ended(case: Case) -> None:
    """Tell the owner that the hold ended without a decision."""
    _send_notice(case, None, _LAPSED)


def notify_decision(decision: Decision) -> None:
    """Tell the owner, or the user who reported the content, of the decision.

    Under the self-harm clause only a decision other than ALLOW is told, in words of support. Call inside the
    transaction of the decision.
    """
    if decision.case.clause == REPORTED and decision.outcome in _REPORTED:
        return _send_notice(decision.case, decision, _REPORTED[Outcome(decision.outcome)])
    if decision.case.clause == SELF_HARM:
        if decision.outcome != Outcome.ALLOW:  # the owner was not told of the finding either
            _send_notice(decision.case, decision, _HELP, _OBJECT)
        return
    if decision.outcome == Outcome.ALLOW:
        seen = decision.case.snapshot.action == Action.REVIEW
        return _send_notice(decision.case, decision, _SEEN[Outcome.ALLOW] if seen else _DECIDED[Outcome.ALLOW])
    words = _DECIDED[Outcome(decision.outcome)]
    if decision.case.clause == ACCOUNT:
        words = _SUSPENDED_BY_ADMINISTRATOR[decision.until is not None]
    elif decision.outcome == Outcome.SUSPEND and decision.until is not None:
        words = _SUSPENDED_UNTIL
    _send_notice(decision.case, decision, words, _OBJECT)


def notify_appeal_decision(decision: Decision) -> None:
    """Tell the owner whether the appeal was upheld or overturned the decision. Call inside its transaction."""
    _send_notice(decision.case, decision, _RULED[Outcome(decision.outcome)])


def cut_appeal_offer(text: str) -> str:
    """Return the text of a notice without the sentence that offers an appeal, in whichever language it was stored."""
    for code, _ in settings.LANGUAGES:
        with override(code):
            text = text.removesuffix(str(_OBJECT))
    return text.rstrip()


def translate_notices(rows: Iterable[Notice]) -> None:
    """Put the words of the notices, which must not be saved, into the active language.

    Words that this version does not write stay as they are stored; so does a clause that the policy has changed since.
    """
    policy = versions.load_fresh_policy()
    describe = cache(lambda clause, _language: versions.describe_clause(clause, policy))
    for notice in rows:
        said = _find_words(notice)
        if said is not None:
            title, text = _fill_in(notice.case, notice.decision, said[0])
            notice.title, notice.text = title, f"{text} {_OBJECT}" if said[1] else text
        for code, _ in settings.LANGUAGES:
            with override(code):
                known = describe(notice.case.clause, code) == notice.clause
            if known:
                notice.clause = describe(notice.case.clause, get_language())
                break


def _find_words(notice: Notice) -> tuple[_Words, bool] | None:
    """Return the words of a stored notice, and whether they offer an appeal; None if no language has them."""
    for code, _ in settings.LANGUAGES:
        with override(code):
            for words in _ALL_WORDS:
                title, text = _fill_in(notice.case, notice.decision, words)
                if notice.title == title and notice.text in (text, f"{text} {_OBJECT}"):
                    return words, notice.text != text
    return None


def _fill_in(case: Case, decision: Decision | None, words: _Words) -> tuple[str, str]:
    """Return title and text in the active language."""
    thing = str(reviewable.get_reviewable(case.kind).name)
    said = {
        "thing": thing,
        "Thing": thing[:1].upper() + thing[1:],
        "care": crisis_support_line(),
        "feature": decision.get_feature_display() if decision is not None else "",
        "reason": decision.note.rstrip(". ") if decision is not None and case.clause == ACCOUNT else "",
    }
    title, text = (str(part) % said for part in words)
    return title, text


def _send_notice(case: Case, decision: Decision | None, words: _Words, further: StrOrPromise = "") -> None:
    """Store the notice in the owner's language and schedule an email if the account is suspended.

    Older unread notices of the case are marked as seen. Does nothing if the content has no owner.
    """
    if case.owner is None:
        return
    with use_language_of(case.owner):
        title, text = _fill_in(case, decision, words)
        Notice.objects.filter(person=case.owner, case=case, seen=None).update(seen=timezone.now())  # it is outdated
        notice = Notice.objects.create(
            person=case.owner, case=case, decision=decision, title=title, text=f"{text} {further}".strip(),
            clause=versions.describe_clause(case.clause),
        )  # fmt: skip
    if case.decisions.filter(undone=None, outcome=Outcome.SUSPEND).exists():
        notice_emails.schedule_email(notice)  # a suspended user cannot sign in to read it
