"""State of a running turn: its input, its output so far, and the methods that emit events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

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
from apps.conversations.rendering.answer_renderer import StreamRenderer
from apps.conversations.tools.running_calls import RunningCalls
from apps.conversations.turns.repetition import RepetitionDetector
from apps.conversations.turns.verification import SentenceVerifier
from apps.documents.retrieval.search import SearchResult
from apps.engines import registry
from apps.engines.types import ChatEngine, ChatRequest, EngineError, TokenProb, ToolCall, Usage
from apps.grounding.citer import SentenceCitation, is_mostly_unsupported
from apps.grounding.lexicons import find_unread_language
from apps.grounding.quote_selection import Quote, QuoteSelection
from apps.lib.concurrency.threads import PoolTask
from apps.safety.models.strictness import Strictness, parse_strictness

if TYPE_CHECKING:
    from apps.conversations.turns.context_usage import ContextUsage
    from apps.engines.types import Vectors


def is_grounded(prepared: TurnInput) -> bool:
    """Return whether the answer searches documents or draws a picture; nothing is verified otherwise."""
    return not prepared.without_documents or any(row.picture_request for row in prepared.rows)


@dataclass(slots=True, eq=False, weakref_slot=True)
class Turn:
    """Mutable state of one turn, changed by its own tasks only.

    `finalization.snapshot_turn` reads what is stored of it.
    """

    input: TurnInput
    vector: PoolTask[Vectors] | None  # embedding of the question, if already started
    sink: TurnSink  # receiver of events, sources and tool calls
    renderer: StreamRenderer = field(default_factory=StreamRenderer)
    text: str = ""  # approved by the gate, exactly as the model wrote it
    measure_window: Callable[[], ContextUsage] | None = None  # computes `window` after the request was sent
    reading_limits: ReadingLimits | None = None  # of the model; None until `get_reading_limits`
    window: ContextUsage | None = None  # context window usage of the request
    reasoning: str = ""  # approved reasoning
    has_output: bool = False  # the model has written something, approved or not
    finish_reason: str = ""  # finish reason of the server, or `repetition.LOOP_FINISH`
    repetition: RepetitionDetector = field(default_factory=RepetitionDetector)
    usage: Usage | None = None  # as counted by the server
    count_partial_usage: Callable[[], Usage | None] | None = None  # counts the tokens of a stream that was cut off
    rewriting: asyncio.Task[str] | None = None  # the question, rewritten to stand alone
    search_result: SearchResult | None = None  # result of the search
    searched_collections: tuple[UUID, ...] = ()  # collections of the last search; (): all that the user may read
    request: ChatRequest | None = None  # as sent to the model
    sampling_used: dict[str, Any] = field(default_factory=dict)  # sampling used, and settings that the server ignores
    tokens: list[TokenProb] = field(default_factory=list)  # as the model wrote them, approved or not
    piece_count: int = 0  # number of approved pieces of the answer
    requested_calls: tuple[ToolCall, ...] = ()  # calls that the model asks for
    model: str = ""
    style: str = ""
    shown_sentences: str = ""  # `ShownSentences`; "" if not known yet, or all
    quote_selection: QuoteSelection | None = None  # begun before the model is asked, for the search result
    quotes: list[Quote] = field(default_factory=list)
    citations: list[SentenceCitation] = field(default_factory=list)
    unread_near: set[str] = field(default_factory=set)  # languages of passages near unverified sentences
    no_results: dict[str, Any] | None = None  # scope of a search that found nothing
    id: str = field(init=False)  # id of the answer
    progress: TurnProgress = field(init=False)
    findings: Findings = field(init=False)
    sources: RunningSources = field(init=False)
    calls: RunningCalls = field(init=False)
    verifier: SentenceVerifier = field(init=False)
    interrupt: asyncio.Event = field(default_factory=asyncio.Event)  # set when the process ends

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
    def is_mostly_unsupported(self) -> bool:
        """Return whether most sentences that the answer shows have no source."""
        return self.shown_sentences != ShownSentences.VERIFIED and is_mostly_unsupported(self.citations)

    @property
    def is_grounded(self) -> bool:
        """Return whether the answer comes from documents or draws a picture; False also for small talk."""
        return is_grounded(self.input) and SMALL_TALK not in self.progress.steps

    @property
    def unread_languages(self) -> list[str]:
        """Return the languages (ISO 639-1) of the answer and of near passages that the support check does not know.

        [] if every sentence was verified.
        """
        if all(cite.is_verified for cite in self.citations):
            return []
        return sorted({*self.unread_near, find_unread_language(self.text)} - {""})

    @property
    def has_no_evidence(self) -> bool:
        """Return whether the search found nothing and no tool call or picture gives the model anything to answer from.

        The model's text is not shown then, since it would read as an answer from the documents.
        """
        speaks = self.calls.records or self.input.attached or self.follows_tool_call
        return self.search_result is not None and not self.search_result.passages and not speaks

    @property
    def shows_no_answer(self) -> bool:
        """Return whether the page shows nothing of a finished answer from passages: no quote, no verified sentence."""
        if not self.passages or not self.finish_reason or self.shown_sentences != ShownSentences.VERIFIED:
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
    def follows_tool_call(self) -> bool:
        """Return whether the user had a tool called just before, so that the question may be about its result."""
        history = self.input.history
        return bool(history) and history[-1].only_called_tool

    @property
    def tokens_used(self) -> int:
        """Return the tokens that the model read and wrote.

        For a stream that was cut off, they are estimated at four characters each.
        """
        if self.usage is not None:
            return self.usage.prompt_tokens + self.usage.completion_tokens
        if not self.has_output or self.request is None:
            return 0
        return (
            sum(len(message.content) for message in self.request.messages) + len(self.text) + len(self.reasoning)
        ) // 4

    async def get_reading_limits(self) -> ReadingLimits:
        """Return the limits of the turn's model, resolved once per turn; the small ones while its server is away."""
        if self.reading_limits is None:
            with suppress(EngineError, TimeoutError):
                self.reading_limits = await resolve_limits(self.input.model, self.chat)
        return self.reading_limits or ReadingLimits()

    def build_final_event(self) -> Sources:
        """Return the event with the sources, divided into used and other ones."""
        return answer_sources.build_final_event(
            self.input, self.passages, self.quotes, self.citations, nearest=self.no_results is not None
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
