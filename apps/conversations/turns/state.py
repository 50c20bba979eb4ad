"""State of a running turn: its input, its output so far, and the methods that emit events."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.conversations.assistants.reading_budget import ReadingLimits, resolve_limits
from apps.conversations.core import model_choice
from apps.conversations.core.events import Event, Sources
from apps.conversations.core.numbered_sources import NumberedPassage
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.core.turn_progress import TurnProgress
from apps.conversations.core.turn_sink import TurnSink
from apps.conversations.evidence import answer_sources
from apps.conversations.evidence.running_sources import RunningSources
from apps.conversations.models import SMALL_TALK_STEP as SMALL_TALK
from apps.conversations.models import ShownSentences
from apps.conversations.moderation.findings import Findings
from apps.conversations.tools.running_calls import RunningCalls
from apps.conversations.turns.model_output import AnswerText, ModelOutput
from apps.conversations.turns.step_results import Presented, Prompted, Retrieved, Verified, Written
from apps.conversations.turns.verification import SentenceVerifier
from apps.engines import registry
from apps.engines.types import ChatEngine, EngineError
from apps.grounding.citer import SentenceCitation, is_mostly_unsupported
from apps.grounding.lexicons import find_unread_language
from apps.grounding.quote_selection import Quote
from apps.lib.concurrency.threads import PoolTask
from apps.safety.models.strictness import Strictness, parse_strictness

if TYPE_CHECKING:
    from apps.engines.types import Vectors


def is_grounded(prepared: TurnInput) -> bool:
    """Return whether the answer searches documents or draws a picture; nothing is verified otherwise."""
    return not prepared.without_documents or any(row.picture_request for row in prepared.rows)


@dataclass(slots=True, eq=False, weakref_slot=True)
class Turn:
    """Running turn: its input, the results of its steps so far, and the objects that collect while it runs.

    Only `retrieved`, `prompted` and `presented` are replaced: `retrieved` and `prompted` by `pipeline`, and by
    `whole_document` for its requests; `presented` by `generation` and `retrieval` as they show something. Everything
    else is changed by the methods of the object that it is. `finalization.snapshot_turn` reads what is stored of it.
    """

    input: TurnInput
    vector: PoolTask[Vectors] | None  # embedding of the question, if already started
    sink: TurnSink  # receiver of events, sources and tool calls
    retrieved: Retrieved | None = None  # None before the search, and without documents
    prompted: Prompted | None = None  # None if no model was asked
    presented: Presented = field(default_factory=Presented)
    output: ModelOutput = field(default_factory=ModelOutput)
    answer: AnswerText = field(default_factory=AnswerText)
    interrupt: asyncio.Event = field(default_factory=asyncio.Event)  # set when the process ends
    id: str = field(init=False)  # id of the answer
    progress: TurnProgress = field(init=False)
    findings: Findings = field(init=False)
    sources: RunningSources = field(init=False)
    calls: RunningCalls = field(init=False)
    verifier: SentenceVerifier = field(init=False)
    _reading_limits: ReadingLimits | None = None  # of the model; None until `get_reading_limits`

    def __post_init__(self) -> None:
        self.id = str(self.input.answer_id)
        self.progress = TurnProgress(self.sink)
        self.findings = Findings(parse_strictness(self.input.assistant.strictness))
        self.sources = RunningSources(self.input, self.sink)
        self.calls = RunningCalls(self.input, self.sink, self.findings, self.sources)
        self.verifier = SentenceVerifier(self)

    @property
    def chat(self) -> ChatEngine:
        """Return the engine of the model that writes. Raise EngineRefused if the model was removed meanwhile."""
        return registry.get_chat_engine(self.input.model)

    @property
    def strictness(self) -> Strictness:
        """Return the strictness level of the assistant, by which question and answer are judged."""
        return self.findings.level

    @property
    def passages(self) -> tuple[NumberedPassage, ...]:
        """Return the numbered passages of the answer."""
        return self.sources.passages

    @property
    def shown_numbers(self) -> dict[int, int]:
        """Return the numbers that the answer shows, by source number."""
        return answer_sources.number_turn_sources(self.passages, self.quotes, self.citations)

    @property
    def model_name(self) -> str:
        """Return the display name of the model that writes; "" if the model was removed."""
        model = registry.get_chat_model(self.input.model)
        return model_choice.get_display_name(model) if model else ""

    @property
    def model(self) -> str:
        """Return the name of the model as its server gives it; "" if no model was asked."""
        return self.prompted.model if self.prompted is not None else ""

    @property
    def text(self) -> str:
        """Return the text of the answer so far, approved by the gate."""
        return self.answer.text

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """Return the quotes that the answer shows."""
        return self.presented.quotes

    @property
    def citations(self) -> list[SentenceCitation]:
        """Return the citations of the sentences verified so far."""
        return self.verifier.citations

    @property
    def written(self) -> Written:
        """Return what the model has written so far."""
        answer, output = self.answer, self.output
        return Written(
            text=answer.text,
            reasoning=answer.reasoning,
            piece_count=answer.piece_count,
            tokens=tuple(output.tokens),
            finish_reason=output.finish_reason,
            usage=output.usage,
        )

    @property
    def verified(self) -> Verified:
        """Return what the comparison with the sources has found so far."""
        return Verified(
            citations=tuple(self.verifier.citations),
            unread_languages=self.unread_languages,
            ms=self.verifier.ms,
        )

    @property
    def shows_verified_only(self) -> bool:
        """Return whether sentences are shown only once they are verified, the others folded."""
        return self.presented.shown_sentences == ShownSentences.VERIFIED

    @property
    def is_mostly_unsupported(self) -> bool:
        """Return whether most sentences that the answer shows have no source."""
        return not self.shows_verified_only and is_mostly_unsupported(self.citations)

    @property
    def is_grounded(self) -> bool:
        """Return whether the answer comes from documents or draws a picture; False also for small talk."""
        return is_grounded(self.input) and SMALL_TALK not in self.progress.steps

    @property
    def unread_languages(self) -> tuple[str, ...]:
        """Return the languages (ISO 639-1) of the answer and of near passages that the support check does not know.

        () if every sentence was verified.
        """
        if all(cite.is_verified for cite in self.citations):
            return ()
        return tuple(sorted({*self.verifier.unread_near, find_unread_language(self.text)} - {""}))

    @property
    def has_no_evidence(self) -> bool:
        """Return whether the search found nothing and no tool call or picture gives the model anything to answer from.

        The model's text is not shown then, since it would read as an answer from the documents.
        """
        speaks = self.calls.records or self.input.attached or self.follows_tool_call
        return self.retrieved is not None and not self.retrieved.has_passages and not speaks

    @property
    def shows_no_answer(self) -> bool:
        """Return whether the page shows nothing of a finished answer from passages: no quote, no verified sentence."""
        if not self.passages or not self.output.finish_reason or not self.shows_verified_only:
            return False
        speaks = (
            self.quotes
            or self.calls.records
            or self.input.attached
            or self.follows_tool_call
            or self.findings.withheld_by
        )
        return not speaks and not any(cite.is_verified for cite in self.citations)

    @property
    def only_quotes(self) -> bool:
        """Return whether the quotes are the whole answer so far, and no model was asked."""
        return bool(self.quotes) and self.presented.no_results is None and not (self.text or self.model)

    @property
    def follows_tool_call(self) -> bool:
        """Return whether the user had a tool called just before, so that the question may be about its result."""
        history = self.input.history
        return bool(history) and history[-1].only_called_tool

    @property
    def tokens_used(self) -> int:
        """Return the tokens that the model read and wrote.

        For a stream that was cut off, they are estimated at four characters each.
        """
        if (usage := self.output.usage) is not None:
            return usage.prompt_tokens + usage.completion_tokens
        if not self.output.has_begun or self.prompted is None:
            return 0
        read = sum(len(message.content) for message in self.prompted.request.messages)
        return (read + len(self.text) + len(self.answer.reasoning)) // 4

    async def get_reading_limits(self) -> ReadingLimits:
        """Return the limits of the turn's model, resolved once per turn; the small ones while its server is away."""
        if self._reading_limits is None:
            with suppress(EngineError, TimeoutError):
                self._reading_limits = await resolve_limits(self.input.model, self.chat)
        return self._reading_limits or ReadingLimits()

    def build_final_event(self) -> Sources:
        """Return the event with the sources, divided into used and other ones."""
        return answer_sources.build_final_event(
            self.input, self.passages, self.quotes, self.citations, nearest=self.presented.no_results is not None
        )

    async def emit(self, event: Event) -> None:
        """Pass the event to the sink. Raise EngineError if its receiver is unreachable."""
        await self.sink.emit(event)

    async def notify_pages(self) -> None:
        """Notify the user's other pages that this conversation changed."""
        await self.sink.notify()

    async def emit_step(self, name: str, words: str, ms: float | None = None) -> None:
        """Emit a step with its duration in milliseconds; None while it is running."""
        await self.progress.emit_step(name, words, ms)
