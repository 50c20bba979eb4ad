"""Translated labels of all codes of review: clauses, stages, actions, states, reasons.

Every page that shows a code uses these functions. A code without a label is shown as words, without underscores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, gettext_lazy

from apps.safety.break_glass.access_requests import Ground
from apps.safety.models import Decision
from apps.safety.models.strictness import Strictness
from apps.safety.policy import versions
from apps.safety.policy.evaluation import ACCOUNT, REPORTED, UNCHECKED, SignalStatus
from apps.safety.policy.schema import Action, Stage
from apps.safety.verdict_log.shadow import VerdictChange
from apps.users.i18n import lower_label, translate_stored

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from apps.safety.models import PolicyVersion
    from apps.safety.moderation.highlights import Trigger
    from apps.safety.verdict_log.detector_versions import VersionChange

CodeLabels = Mapping[str, "StrOrPromise"]

EXTRA_CLAUSE_LABELS: CodeLabels = {  # codes of cases that are no clause of the policy
    REPORTED: gettext_lazy("User report"),
    UNCHECKED: gettext_lazy("Not checked"),
    ACCOUNT: gettext_lazy("Administrator’s decision"),
}
# Kinds of content that are no stage.
CONTENT_TYPE_LABELS: CodeLabels = {"document": gettext_lazy("Document"), "account": gettext_lazy("Account")}
SEVERITY_LABELS = (  # 0 … 4
    gettext_lazy("Very low"),
    gettext_lazy("Low"),
    gettext_lazy("Medium"),
    gettext_lazy("High"),
    gettext_lazy("Very high"),
)
EFFECT_LABELS: CodeLabels = {
    "withhold": gettext_lazy("Withheld"),
    "allow": gettext_lazy("Text allowed from now on"),
    "release": gettext_lazy("Shown"),
    "stop": gettext_lazy("Text no longer allowed"),
    "redact": gettext_lazy("Part redacted"),
    "blur": gettext_lazy("Shown blurred"),
    "restrict": gettext_lazy("Feature restricted"),
    "suspend": gettext_lazy("Account suspended"),
}
DONE_LABELS: CodeLabels = {  # what a decision with the outcome did
    Decision.Outcome.ALLOW: gettext_lazy("Allowed"),
    Decision.Outcome.BLOCK: gettext_lazy("Withheld"),
    Decision.Outcome.WARN: gettext_lazy("Warning sent"),
    Decision.Outcome.REDACT: gettext_lazy("Redacted"),
    Decision.Outcome.BLUR: gettext_lazy("Shown blurred"),
    Decision.Outcome.RESTRICT: gettext_lazy("Feature restricted"),
    Decision.Outcome.SUSPEND: gettext_lazy("Account suspended"),
    Decision.Outcome.UPHOLD: gettext_lazy("Decision upheld"),
    Decision.Outcome.OVERTURN: gettext_lazy("Decision overturned"),
}
DETECTOR_LABELS: CodeLabels = {
    "rules": gettext_lazy("Rules"),
    "text": gettext_lazy("Text classifiers"),
    "planted": gettext_lazy("Instructions in documents"),
    "personal": gettext_lazy("Passwords and personal data"),
    "pictures": gettext_lazy("Picture classifier"),
    "guard": gettext_lazy("Guard model"),
    "lists": gettext_lazy("Blocklists"),
    "canary": gettext_lazy("System prompt marker"),
    "malware": gettext_lazy("Malware scanner"),
}
READING_LABELS: CodeLabels = {  # reasons of readings; `reading_reason` builds those of reviews
    "a random check of what was let through": gettext_lazy("random check of an allowed text"),
    "feedback on an answer": gettext_lazy("feedback on an answer"),
    "export of rated answers": gettext_lazy("export of rated answers"),
    "export of decided texts": gettext_lazy("export of reviewed texts"),
}
_ABOUT: CodeLabels = {
    "question": gettext_lazy("%(clause)s in a question"),
    "answer": gettext_lazy("%(clause)s in an answer"),
    "document": gettext_lazy("%(clause)s in a document"),
    "picture": gettext_lazy("%(clause)s in a picture"),
}


def clause_label(code: str) -> str:
    """Return the title of the clause in the live policy."""
    if code in EXTRA_CLAUSE_LABELS:
        return str(EXTRA_CLAUSE_LABELS[code])
    found = versions.load_fresh_policy().clause(code)
    return translate_stored(found.title) if found else humanize_code(code)


def strictness_label(code: str) -> str:
    """Return the label of a level of `Strictness`."""
    return choice_label(Strictness, code)


def stage_label(code: str) -> str:
    """Return the label of a stage."""
    return choice_label(Stage, code)


def content_type_label(kind: str) -> str:
    """Return the label of a kind of content."""
    return str(CONTENT_TYPE_LABELS[kind]) if kind in CONTENT_TYPE_LABELS else choice_label(Stage, kind)


def action_label(code: object) -> str:
    """Return the label of an action; "Allowed" for none."""
    return choice_label(Action, str(code)) if code else gettext("Allowed")


def severity_label(severity: int) -> str:
    """Return a severity from 0 to 4 as number and word, such as "3 · High"."""
    return f"{severity} · {SEVERITY_LABELS[severity]}"


def effect_label(name: str) -> str:
    """Return the label of an effect of a decision."""
    return _of(EFFECT_LABELS, name)


def detector_label(name: str) -> str:
    """Return the label of a detector."""
    return _of(DETECTOR_LABELS, name)


def change_label(change: str, before: str | None, after: str | None) -> str:
    """Return what a changed verdict was and would be, such as "Allowed → Withheld". Actions of None: its kind."""
    if before is None or after is None:
        return choice_label(VerdictChange, change)
    if change == VerdictChange.CLAUSE:
        return gettext("%(action)s, under another clause") % {"action": action_label(after)}
    moved = f"{action_label(before)} → {action_label(after)}"
    if change == VerdictChange.WOULD_ALLOW_UNCLASSIFIED:
        return gettext("%(change)s by the rules; the classifiers were not asked") % {"change": moved}
    return moved


def score_label(score: float) -> str:
    """Return a threshold with two decimals, or with all that it is stored with if they are more."""
    return number_format(score, 2 if round(score, 2) == score else None)


def format_score(score: float) -> str:
    """Return a score with three decimals, cut off so that it never seems to reach a threshold that it does not."""
    return number_format(score, 3)


def version_change_text(change: VersionChange) -> str:
    """Return a warning that thresholds were set for scores of an earlier version of the detector."""
    message = gettext(
        "“%(detector)s” has had a new version since %(day)s (%(now)s instead of %(before)s). The "
        "thresholds were set for the old one: check what it flags and change them if needed."
    )
    day = date_format(change.since, gettext("j F Y"))
    return message % {
        "detector": detector_label(change.name),
        "day": day,
        "now": change.after[-12:],
        "before": change.before[-12:],
    }


def trigger_text(trigger: Trigger, action: str) -> str:
    """Return why a check flagged a text, such as "Text classifiers: score 0.960, threshold 0.85 for “Withheld”".

    `action` is what was done with the text. It is named if the threshold alone did not ask for it.
    """
    reason = _describe_trigger(trigger)
    if trigger.score is None or not action or (trigger.threshold and trigger.threshold.action == action):
        return reason
    if trigger.threshold is None:
        return f"{reason} · {action_label(action)}"
    other = gettext("another clause or check led to “%(action)s”") % {"action": action_label(action)}
    return f"{reason}; {other}"


def _describe_trigger(trigger: Trigger) -> str:
    check = detector_label(trigger.detector)
    if trigger.blocklist:
        return gettext("%(check)s: “%(name)s” matched") % {"check": check, "name": trigger.blocklist}
    if trigger.score is None:
        return gettext("%(check)s: a rule matched") % {"check": check}
    if trigger.threshold is None:
        return gettext("%(check)s: score %(score)s") % {"check": check, "score": format_score(trigger.score)}
    return gettext("%(check)s: score %(score)s, threshold %(threshold)s for “%(action)s”") % {
        "check": check,
        "score": format_score(trigger.score),
        "threshold": score_label(trigger.threshold.min_score),
        "action": action_label(trigger.threshold.action),
    }


def status_label(code: str) -> str:
    """Return the label of a detector's status."""
    return gettext("slow") if code == "slow" else choice_label(SignalStatus, code)


def reason_label(code: str) -> str:
    """Return the label of a decision's reason."""
    return choice_label(Decision.Reason, code)


def outcome_label(outcome: str) -> str:
    """Return what a decision with the outcome did, such as "Withheld"."""
    return _of(DONE_LABELS, outcome)


def decision_message(decision: Decision) -> str:
    """Return what was decided, and that the user has been told if a notice was sent. One query."""
    done = outcome_label(decision.outcome)
    if not decision.notices.exists():
        return f"{done}."
    if decision.outcome in (Decision.Outcome.UPHOLD, Decision.Outcome.OVERTURN):  # cannot be undone
        return gettext("%(done)s; the user has been told.") % {"done": done}
    return gettext("%(done)s; the user has been told. Undo deletes the notice.") % {"done": done}


def case_title(area: str, kind: str) -> str:
    """Return the title of a case, such as "Hate in a question"."""
    if area == REPORTED:
        return gettext("User report: %(thing)s") % {"thing": lower_label(content_type_label(kind))}
    if area == ACCOUNT:
        return gettext("Suspension by an administrator")
    if kind in _ABOUT:
        return str(_ABOUT[kind]) % {"clause": clause_label(area)}
    return gettext("%(clause)s in: %(thing)s") % {
        "clause": clause_label(area),
        "thing": lower_label(content_type_label(kind)),
    }


def reading_reason(payload: Mapping[str, Any]) -> str:
    """Return why content was read, from the payload of the audit entry."""
    match reason := str(payload.get("why", "")):
        case "review":
            title = case_title(str(payload.get("clause", "")), str(payload.get("thing", "")))
            return gettext("review (%(about)s)") % {"about": title}
        case "second":
            return gettext("second review (%(clause)s)") % {"clause": clause_label(str(payload.get("clause", "")))}
        case "break_glass":
            return gettext("emergency access (%(ground)s)") % {
                "ground": lower_label(ground_label(str(payload.get("ground", ""))))
            }
        case _:
            return str(READING_LABELS.get(reason, reason))


def ground_label(code: str) -> str:
    """Return the label of the ground of a break-glass request."""
    return choice_label(Ground, code)


def version_label(row: PolicyVersion) -> str:
    """Return the label of a policy version."""
    return gettext("Policy %(number)s") % {"number": row.number}


def humanize_code(code: str) -> str:
    """Return a code without a label as words."""
    return code.replace("_", " ").replace(".", ": ").capitalize()


def _of(labels: CodeLabels, code: str) -> str:
    return str(labels[code]) if code in labels else humanize_code(code)


def choice_label(kinds: type[models.TextChoices], code: str) -> str:
    """Return the label of a code of `kinds`; words for a code that a former release stored."""
    return str(kinds(code).label) if code in kinds.values else humanize_code(code)
