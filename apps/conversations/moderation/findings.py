"""Findings of the gate during a turn: verdicts that allowed a text and yet ask for a label, a review or a redaction.

They are collected with the turn and applied when it ends: labels become a step, reviews open cases, and all are
recorded in the trace. Texts that are not stored (API, queue, rewording) get cases of their own.

Entry points: `record_finding`, `check_input`, `list_findings`, `emit_labels`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from apps.conversations.moderation import message_cases
from apps.lib.concurrency.threads import in_db
from apps.safety import code_labels
from apps.safety.gate import gate
from apps.safety.gate.gate import Withheld
from apps.safety.moderation import cases as moderation_cases
from apps.safety.policy.schema import ACTION_ORDER, Action

if TYPE_CHECKING:
    from apps.conversations.core.turn_parts import FindingsPart
    from apps.engines.types import Vectors
    from apps.lib.concurrency.threads import PoolTask
    from apps.safety.policy.verdicts import EvaluationRecord, Verdict
    from apps.users.models import User


def record_finding(turn: FindingsPart, verdict: Verdict) -> None:
    """Record with the turn the verdict on an allowed text; per stage and clause, the strictest one is kept."""
    evaluation = verdict.evaluation
    if evaluation is None or evaluation.result.action is None:
        return
    key = evaluation.stage, evaluation.result.code
    if key not in turn.findings or _weight(turn.findings[key]) < _weight(evaluation):
        turn.findings[key] = evaluation


async def check_input(turn: FindingsPart, text: str, vector: PoolTask[Vectors] | None = None) -> None:
    """Pass the user's input through the gate at the strictness of the turn, and record the finding. Raise Withheld."""
    verdict = await gate.check_question(text, vector, level=turn.strictness)
    if not verdict.allowed:
        raise Withheld(verdict)
    record_finding(turn, verdict)


def get_withheld(answering: asyncio.Task[Any]) -> EvaluationRecord | None:
    """Return the verdict by which the gate withheld the finished turn; None if it did not."""
    error = None if answering.cancelled() else answering.exception()
    return error.verdict.evaluation if isinstance(error, Withheld) else None


def list_findings(turn: FindingsPart) -> tuple[EvaluationRecord, ...]:
    """Return the verdict that withheld, if any, then the other findings; each clause of a stage once."""
    if turn.withheld_by is None:
        return tuple(turn.findings.values())
    key = turn.withheld_by.stage, turn.withheld_by.result.code
    return (turn.withheld_by, *(one for at, one in turn.findings.items() if at != key))


async def emit_labels(turn: FindingsPart) -> None:
    """Emit steps for clauses that ask for a label, and for redacted personal data or secrets."""
    codes = [one.result.code for one in turn.findings.values() if one.result.action is Action.LABEL]
    if codes:
        names = ", ".join(await in_db(lambda: list(dict.fromkeys(map(code_labels.clause_label, codes)))))
        await turn.emit_step("label", gettext("Labelled by the safety check: %(names)s") % {"names": names}, 0.0)
    if any(one.result.action is Action.REDACT for one in turn.findings.values()):
        await turn.emit_step("label", gettext("Redacted by the safety check: personal data or secrets"), 0.0)


def make_trace_records(turn: FindingsPart) -> list[dict[str, Any]]:
    """Return the findings as JSON values for the trace, without any text."""
    return [
        {
            "stage": one.stage, "code": one.result.code, "action": str(one.result.action or ""),
            "score": round(one.result.score, 3),
        }
        for one in list_findings(turn)
    ]  # fmt: skip


def open_cases_for_unstored(user_id: int, *evaluations: EvaluationRecord) -> None:
    """Open a case for each text that is not stored and whose policy asks for a review. For `in_db`."""
    for one in evaluations:
        moderation_cases.flag_unstored(message_cases.get_case_kind(one), user_id, one)


async def open_case_for_question(user: User, verdict: Verdict) -> None:
    """Open a case for a question that is not stored, if the policy asks for a review."""
    if verdict.evaluation is not None and verdict.evaluation.result.reviewed:
        await in_db(open_cases_for_unstored, user.pk, verdict.evaluation)


def _weight(evaluation: EvaluationRecord) -> tuple[int, float]:
    action = evaluation.result.action
    return (-1 if action is None else ACTION_ORDER.index(action)), evaluation.result.score
