"""Protocol of safety checks, and their verdicts.

The check is chosen by the dotted path `settings.SAFETY_CHECK` and built on first use. A check never calls the gate.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from apps.safety.policy.schema import ACTION_ORDER

if TYPE_CHECKING:
    from apps.engines.embed.protocol import SpanEmbeddings
    from apps.engines.types import Vectors
    from apps.safety.policy.evaluation import PolicyResult, Signal


class CheckUnavailable(Exception):
    """No verdict could be reached. Never treated as allowed."""


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """Signals and result of a verdict: enough to recompute it exactly."""

    stage: str
    text: str  # normalised
    result: PolicyResult
    signals: tuple[Signal, ...]
    policy_number: int = 0  # number of the policy version that judged


@dataclass(frozen=True, slots=True)
class Verdict:
    """Verdict on a text or picture.

    `code` names the clause that matched, also if the text is allowed. `message` is shown to the user. The gate returns
    `evaluation` only if something was found.
    """

    allowed: bool
    code: str = ""
    message: str = ""
    evaluation: EvaluationRecord | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SuspectSentences:
    """Sentences of passages that the check scores one by one.

    `sentences` holds them per passage; `embeddings` holds those that came with the embedding of the passage, None if it
    has no such sentences or they are unknown.
    """

    sentences: Sequence[Sequence[str]]
    embeddings: Sequence[SpanEmbeddings | None]


ALLOWED = Verdict(True)


def strictest_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on several texts that are shown together.

    The first that is not allowed, else the first with the strictest action, so that no label or review is lost. Stops
    at the first that is not allowed. `ALLOWED` if there are no texts.
    """
    strictest = ALLOWED
    for verdict in verdicts:
        if not verdict.allowed:
            return verdict
        if _precedence(verdict) > _precedence(strictest):
            strictest = verdict
    return strictest


def _precedence(verdict: Verdict) -> int:
    action = verdict.evaluation.result.action if verdict.evaluation is not None else None
    return -1 if action is None else ACTION_ORDER.index(action)


UNAVAILABLE_MESSAGE = "The safety check is not available right now. Try again in a moment."


class SafetyCheck(Protocol):
    """Check of texts. Texts are normalised (`normalise`). Any method may raise CheckUnavailable."""

    async def question(self, text: str, vector: Awaitable[Vectors] | None = None) -> Verdict:
        """Return the verdict on a whole question.

        `vector` is the embedding of exactly this text, if it is computed anyway.
        """

    async def sentence(self, text: str, since: int) -> Verdict:
        """Return the verdict on a piece of an answer: `text[since:]` is new; the text before was approved."""

    def passage(self, text: str) -> Verdict:
        """Return the verdict on a passage of a document, in the worker. Not allowed means marked, never hidden."""

    def suspects(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the sentences of each passage that `passages` scores one by one."""

    def passages(
        self, texts: Sequence[str], vectors: Vectors, suspects: SuspectSentences | None = None
    ) -> list[Verdict]:
        """Return the verdict on each passage, in order. `vectors` are their embeddings, one row each.

        `suspects` are the embedded sentences of these texts, if they were requested before.
        """
