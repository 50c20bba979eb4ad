"""What an answer's place shows where something was not let through: what happened, by which rule, and how to object."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string

from apps.safety import helplines, wording
from apps.safety.policy import Stage
from apps.safety.withheld import is_care

if TYPE_CHECKING:
    from apps.safety.check import Judged


class Kind(StrEnum):
    CARE = "care"  # somebody speaks of hurting themselves: help, and no word of withholding
    REST = "rest"  # of an answer whose beginning is shown
    ANSWER = "answer"  # of which nothing is shown
    QUESTION = "question"  # it was not answered


def record(judged: Judged | None) -> dict[str, Any]:
    """Return what a row's `usage` keeps of what was withheld; empty where nothing was."""
    if judged is None:
        return {}
    return {"withheld": str(judged.stage), "rule": judged.outcome.code, "reviewed": judged.outcome.reviewed}


def withheld(reason: str, text: str, usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of `conversations/_withheld.html`."""
    kind = Kind.REST if text else Kind.ANSWER if usage.get("withheld") == Stage.ANSWER else Kind.QUESTION
    if is_care(reason):
        return {"kind": Kind.CARE, "help": helplines.in_language(), "asked": kind is Kind.QUESTION}
    rule = usage.get("rule", "")
    return {
        "kind": kind, "reason": reason, "rule": wording.clause(rule) if rule else "",
        "reviewed": bool(usage.get("reviewed")),
    }  # fmt: skip


def withheld_html(reason: str, text: str, judged: Judged | None) -> str:
    """Return the same as a page shows it when the turn ends. For `in_db`."""
    return render_to_string("conversations/_withheld.html", withheld(reason, text, record(judged)))
