"""Build the notice that replaces a withheld answer or question: the kind, the reason, the rule and how to appeal."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string

from apps.safety import code_labels
from apps.safety.policy import helplines
from apps.safety.policy.schema import Stage
from apps.safety.policy.user_messages import is_crisis_support

if TYPE_CHECKING:
    from apps.safety.policy.verdicts import EvaluationRecord


class NoticeKind(StrEnum):
    """Kind of notice, by the part of the turn that was withheld."""

    CARE = "care"  # the user speaks of self-harm: helplines, without mention of withholding
    REST = "rest"  # the rest of an answer whose beginning is shown
    ANSWER = "answer"  # an answer of which nothing is shown
    QUESTION = "question"  # a question that was not answered


def make_notice_record(evaluation: EvaluationRecord | None) -> dict[str, Any]:
    """Return the keys that a withheld turn adds to `Message.usage`: withheld (the stage), rule, reviewed.

    {} if `evaluation` is None.
    """
    if evaluation is None:
        return {}
    return {"withheld": str(evaluation.stage), "rule": evaluation.result.code, "reviewed": evaluation.result.reviewed}


def build_notice_context(reason: str, text: str, usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of `conversations/turn/_withheld_notice.html` for a withheld turn.

    `text` is the part of the answer that is shown, `usage` holds the keys of `make_notice_record`. A care reason gives
    helplines, and neither a rule nor a reason.
    """
    kind = (
        NoticeKind.REST if text else NoticeKind.ANSWER if usage.get("withheld") == Stage.ANSWER else NoticeKind.QUESTION
    )
    if is_crisis_support(reason):
        return {"kind": NoticeKind.CARE, "help": helplines.select_helplines(), "asked": kind is NoticeKind.QUESTION}
    rule = usage.get("rule", "")
    return {
        "kind": kind,
        "reason": reason,
        "rule": code_labels.clause_label(rule) if rule else "",
        "reviewed": bool(usage.get("reviewed")),
    }


def render_notice(reason: str, text: str, evaluation: EvaluationRecord | None) -> str:
    """Render `conversations/turn/_withheld_notice.html` for a turn that has just ended. For `in_db`."""
    return render_to_string(
        "conversations/turn/_withheld_notice.html", build_notice_context(reason, text, make_notice_record(evaluation))
    )
