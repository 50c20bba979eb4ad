"""Findings of the gate during a turn: verdicts that allowed a text and yet ask for a label, a review or a redaction.

They are collected with the turn and applied when it ends: labels become a step, reviews open cases, and all are
recorded in the trace. Texts that are not stored (API, queue, rewording) get cases of their own.

Entry points: `Findings`, `get_withheld`, `open_cases_for_unstored`, `open_case_for_question`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
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
    from apps.conversations.core.turn_progress import TurnProgress
    from apps.engines.types import Vectors
    from apps.lib.concurrency.threads import PoolTask
    from apps.safety.models.strictness import Strictness
    from apps.safety.policy.verdicts import EvaluationRecord, Verdict
    from apps.users.models import User


@dataclass(slots=True, eq=False)
class Findings:
    """Verdicts on the texts of one turn. Changed by its own methods only, in the tasks of the turn."""

    level: Strictness  # by which question and answer are judged
    withheld_by: EvaluationRecord | None = None  # verdict by which the gate withheld
    # Verdicts that the gate reported and let through, by stage and clause.
    _let_through: dict[tuple[str, str], EvaluationRecord] = field(default_factory=dict)

    def record(self, verdict: Verdict) -> None:
        """Record the verdict on an allowed text; per stage and clause, the strictest one is kept."""
        evaluation = verdict.evaluation
        if evaluation is None or evaluation.result.action is None:
            return
        key = evaluation.stage, evaluation.result.code
        if key not in self._let_through or _weight(self._let_through[key]) < _weight(evaluation):
            self._let_through[key] = evaluation

    def record_withheld(self, evaluation: EvaluationRecord | None) -> None:
        """Record the verdict by which the gate withheld the turn; None if it did not."""
        self.withheld_by = evaluation

    async def check_input(self, text: str, vector: PoolTask[Vectors] | None = None) -> None:
        """Pass the user's input through the gate, and record the finding. Raise Withheld."""
        verdict = await gate.check_question(text, vector, level=self.level)
        if not verdict.allowed:
            raise Withheld(verdict)
        self.record(verdict)

    def list_all(self) -> tuple[EvaluationRecord, ...]:
        """Return the verdict that withheld, if any, then the other findings; each clause of a stage once."""
        if self.withheld_by is None:
            return tuple(self._let_through.values())
        key = self.withheld_by.stage, self.withheld_by.result.code
        return (self.withheld_by, *(one for at, one in self._let_through.items() if at != key))

    async def emit_labels(self, progress: TurnProgress) -> None:
        """Emit steps for clauses that ask for a label, and for redacted personal data or secrets."""
        found = self._let_through.values()
        codes = [one.result.code for one in found if one.result.action is Action.LABEL]
        if codes:
            names = ", ".join(await in_db(lambda: list(dict.fromkeys(map(code_labels.clause_label, codes)))))
            await progress.emit_step(
                "label", gettext("Labelled by the safety check: %(names)s") % {"names": names}, 0.0
            )
        if any(one.result.action is Action.REDACT for one in found):
            await progress.emit_step("label", gettext("Redacted by the safety check: personal data or secrets"), 0.0)

    def make_trace_records(self) -> list[dict[str, Any]]:
        """Return the findings as JSON values for the trace, without any text."""
        return [
            {
                "stage": one.stage, "code": one.result.code, "action": str(one.result.action or ""),
                "score": round(one.result.score, 3),
            }
            for one in self.list_all()
        ]  # fmt: skip


def get_withheld(answering: asyncio.Task[Any]) -> EvaluationRecord | None:
    """Return the verdict by which the gate withheld the finished turn; None if it did not."""
    error = None if answering.cancelled() else answering.exception()
    return error.verdict.evaluation if isinstance(error, Withheld) else None


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
