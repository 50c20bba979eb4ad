"""Parts of a running turn that modules below `turns` are given, as Protocols. `turns.state.Turn` has all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from apps.conversations.core.attached_picture import AttachedPictureView
from apps.conversations.core.events import Event
from apps.conversations.core.numbered_sources import NumberedPassage
from apps.conversations.core.turn_input import TurnInput
from apps.grounding.citer import SentenceCitation
from apps.grounding.quote_selection import Quote
from apps.safety.models.strictness import Strictness

if TYPE_CHECKING:
    from apps.safety.policy.verdicts import EvaluationRecord


class FindingsPart(Protocol):
    """Verdicts of the gate on the texts of a turn."""

    findings: dict[tuple[str, str], EvaluationRecord]  # verdicts that let a text through, by stage and clause

    @property
    def withheld_by(self) -> EvaluationRecord | None:
        """Return the verdict by which the gate withheld; None if it did not."""

    @property
    def strictness(self) -> Strictness:
        """Return the strictness level by which question and answer are judged."""

    async def emit_step(self, name: str, words: str, ms: float | None = None) -> None:
        """Emit a step with its duration in milliseconds; None while it is running."""


class PicturesPart(FindingsPart, Protocol):
    """Pictures that are attached to the question of a turn."""

    attached: tuple[AttachedPictureView, ...]  # with their recognised text, once loaded
    timings: dict[str, float]  # milliseconds

    @property
    def prepared(self) -> TurnInput:
        """Return the input of the turn."""


class EvidencePart(Protocol):
    """Passages, quotes and citations of an answer. Read only."""

    @property
    def prepared(self) -> TurnInput:
        """Return the input of the turn."""

    @property
    def passages(self) -> Sequence[NumberedPassage]:
        """Return the numbered passages."""

    @property
    def quotes(self) -> Sequence[Quote]:
        """Return the quotes that the answer shows."""

    @property
    def citations(self) -> Sequence[SentenceCitation]:
        """Return the citations of the sentences verified so far."""

    @property
    def no_results(self) -> dict[str, Any] | None:
        """Return the scope of a search that found nothing; None if there was none."""

    @property
    def model(self) -> str:
        """Return the name of the model that writes."""


class PictureRequestPart(FindingsPart, Protocol):
    """Part of a turn that requests pictures: its input, its times and its events."""

    id: str  # id of the answer
    timings: dict[str, float]  # milliseconds

    @property
    def prepared(self) -> TurnInput:
        """Return the input of the turn."""

    async def emit(self, event: Event) -> None:
        """Pass the event on. Raise EngineError if its receiver is unreachable."""
