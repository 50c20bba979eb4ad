"""What decides over a text: a Protocol, so that rules, classifiers and guard models can stand behind the gate alike.

Chosen by the dotted path `settings.SAFETY_CHECK` and built on first use. A check never calls the gate back.
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
    """The check could not come to a verdict. That is never the same as "safe"."""


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """How a verdict came about: enough to judge the same text again, bit for bit."""

    stage: str
    text: str  # normalised
    outcome: PolicyResult
    signals: tuple[Signal, ...]
    policy: int = 0  # number of the version that judged


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule` names what matched, also where the text is allowed; `words` are calm and meant for the person. The gate
    hands `judged` on only where something was found."""

    allowed: bool
    rule: str = ""
    words: str = ""
    judged: EvaluationRecord | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SuspectSentences:
    """The pieces of passages that a check wants to read one by one: for each passage its own, and what the embedder
    made of them when it read the passage; None where there are none or that is not known."""

    rows: Sequence[Sequence[str]]
    inside: Sequence[SpanEmbeddings | None]


ALLOWED = Verdict(True)


def strictest_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of several texts that go one way together: the first that is not allowed, else the first with
    the hardest action, so that a label or a review of one of them is not lost. Later texts are not judged once one is
    not allowed. Return `ALLOWED` where there is no text."""
    found = ALLOWED
    for verdict in verdicts:
        if not verdict.allowed:
            return verdict
        if _precedence(verdict) > _precedence(found):
            found = verdict
    return found


def _precedence(verdict: Verdict) -> int:
    action = verdict.judged.outcome.action if verdict.judged is not None else None
    return -1 if action is None else ACTION_ORDER.index(action)


UNAVAILABLE_MESSAGE = "The safety check is not available right now. Please try again in a moment."


class SafetyCheck(Protocol):
    """Texts come normalised (`intake.normalise`). Any method may raise CheckUnavailable."""

    async def question(self, text: str, vector: Awaitable[Vectors] | None = None) -> Verdict:
        """What a person asks, whole. `vector` is the embedder's of exactly this text, where it is being made anyway."""

    async def sentence(self, text: str, since: int) -> Verdict:
        """What the model writes: `text[since:]` is new, before it stands the end of what was let through."""

    def passage(self, text: str) -> Verdict:
        """What a document says, when it is read (in the worker). Not allowed means: marked, never hidden."""

    def suspects(self, texts: Sequence[str]) -> list[list[str]]:
        """The pieces of each passage that `passages` wants to read by themselves."""

    def passages(
        self, texts: Sequence[str], vectors: Vectors, suspects: SuspectSentences | None = None
    ) -> list[Verdict]:
        """The same for many at once, with a vector for each: they are computed for the index anyway. `suspects` are
        those of these texts, where somebody asked for them and had them read along."""
