"""State of a running turn: its input, its output so far, and the methods that emit events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from apps.conversations.core import model_choice, notifications
from apps.conversations.core.events import Event, Step, encode_event
from apps.conversations.evidence import source_numbering
from apps.conversations.evidence.source_numbering import NumberedPassage, Spans
from apps.conversations.grounding.citer import SentenceCitation, is_mostly_unsupported
from apps.conversations.grounding.lexicons import find_unread_language
from apps.conversations.grounding.quote_selection import Quote
from apps.conversations.models import SMALL_TALK_STEP as SMALL_TALK
from apps.conversations.models import ShownSentences
from apps.conversations.rendering.answer_renderer import StreamRenderer
from apps.conversations.tools import call_cards
from apps.conversations.turns.preparation import PreparedTurn
from apps.conversations.turns.repetition import RepetitionDetector
from apps.conversations.turns.verification import SentenceVerifier
from apps.documents.retrieval.search import SearchResult
from apps.engines import registry
from apps.engines.types import ChatEngine, ChatRequest, TokenProb, ToolCall, Usage
from apps.lib.concurrency.threads import PoolTask, in_db
from apps.safety.models.strictness import Strictness, parse_strictness

if TYPE_CHECKING:
    from apps.conversations.attachments.queries import AttachedPictureView
    from apps.conversations.tools.availability import AvailableTools
    from apps.conversations.tools.base import ToolCallRecord
    from apps.conversations.turns.context_usage import ContextUsage
    from apps.engines.types import Vectors
    from apps.safety.policy.verdicts import EvaluationRecord


LOOP_FINISH = "loop"  # finish reason: the model repeated itself and was stopped


def is_grounded(opening: PreparedTurn) -> bool:
    """Return whether the answer searches documents or draws a picture; nothing is verified otherwise."""
    return not opening.without_documents or any(row.draws for row in opening.rows)


@dataclass(slots=True, eq=False)
class Turn:
    """Mutable state of one turn, changed by its own tasks only.

    `finalization.snapshot_turn` reads what is stored of it.
    """

    opening: PreparedTurn
    records: ClassVar[bool] = True  # token probabilities are recorded
    acts: ClassVar[bool] = True  # the model may call tools: the user sees the cards and can approve

    vector: PoolTask[Vectors] | None  # embedding of the question, if already started
    renderer: StreamRenderer = field(default_factory=StreamRenderer)
    text: str = ""  # approved by the gate, exactly as the model wrote it
    measure: Callable[[], ContextUsage] | None = None  # computes `window`, after the request was sent
    window: ContextUsage | None = None  # context window usage of the request
    thoughts: str = ""  # approved reasoning
    begun: bool = False  # the model has written something, approved or not
    finish: str = ""  # finish reason of the server, or LOOP_FINISH
    repeats: RepetitionDetector = field(default_factory=RepetitionDetector)
    usage: Usage | None = None  # as counted by the server
    cut: Callable[[], Usage | None] | None = None  # counts the tokens of a stream that was cut off
    judged: EvaluationRecord | None = None  # verdict by which the gate withheld
    # Verdicts that the gate reported and let through, by stage and clause.
    noticed: dict[tuple[str, str], EvaluationRecord] = field(default_factory=dict)
    rewritten: asyncio.Task[str] | None = None  # the question, rewritten to stand alone
    hurried: bool = False  # the user asked to be answered before attached files were read
    found: SearchResult | None = None  # result of the search
    request: ChatRequest | None = None  # as sent to the model
    sampled: dict[str, Any] = field(default_factory=dict)  # sampling used, and settings that the server ignores
    tokens: list[TokenProb] = field(default_factory=list)  # as the model wrote them, approved or not
    pieces: int = 0  # number of approved pieces of the answer
    calls: tuple[ToolCall, ...] = ()  # calls that the model asks for
    kit: AvailableTools = field(default_factory=dict)  # tools that the model may call
    made: dict[str, ToolCallRecord] = field(default_factory=dict)  # by id, in order, in their present state
    called: set[tuple[str, str]] = field(default_factory=set)  # (name, arguments) as the model wrote them
    rounds: int = 0  # rounds of tool calls
    # Prompt lines of passages from tools: text, source number, page, spans.
    lines: list[tuple[str, int, int, Spans]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # prompt lines of results of tools that the user called
    model: str = ""
    style: str = ""
    shows: str = ""  # `ShownSentences`; "" if not known yet, or all
    attached: tuple[AttachedPictureView, ...] = ()  # pictures of the question with their recognised text
    placed: list[NumberedPassage] = field(default_factory=list)
    stored: bool = False  # `placed` is in the database
    quotes: list[Quote] = field(default_factory=list)
    cites: list[SentenceCitation] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)  # languages of passages near unverified sentences
    steps: dict[str, Step] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)  # milliseconds
    nothing: dict[str, Any] | None = None  # scope of a search that found nothing
    started: float = field(default_factory=time.perf_counter)
    id: str = field(init=False)  # id of the answer
    verifier: SentenceVerifier = field(init=False)
    interrupt: asyncio.Event = field(default_factory=asyncio.Event)  # set when the process ends

    def __post_init__(self) -> None:
        self.id, self.verifier = str(self.opening.answer), SentenceVerifier(self)

    @property
    def chat(self) -> ChatEngine:
        """Return the engine of the model that writes. Raise EngineRefused if the model was removed meanwhile."""
        return registry.get_chat_engine(self.opening.model)

    @property
    def level(self) -> Strictness:
        """Return the strictness level of the assistant, by which question and answer are judged."""
        return parse_strictness(self.opening.assistant.safety)

    @property
    def writer(self) -> str:
        """Return the display name of the model that writes; "" if the model was removed."""
        model = registry.get_chat_model(self.opening.model)
        return model_choice.get_display_name(model) if model else ""

    @property
    def weak(self) -> bool:
        """Return whether most sentences that the answer shows have no source."""
        return self.shows != ShownSentences.VERIFIED and is_mostly_unsupported(self.cites)

    @property
    def grounded(self) -> bool:
        """Return whether the answer comes from documents or draws a picture; False also for small talk."""
        return is_grounded(self.opening) and SMALL_TALK not in self.steps

    @property
    def unread_languages(self) -> list[str]:
        """Return the languages (ISO 639-1) of the answer and of near passages that the support check does not know.

        [] if every sentence was verified.
        """
        if all(cite.found for cite in self.cites):
            return []
        return sorted({*self.unread, find_unread_language(self.text)} - {""})

    @property
    def groundless(self) -> bool:
        """Return whether the search found nothing and no tool call or picture gives the model anything to answer from.

        The model's text is not shown then, since it would read as an answer from the documents.
        """
        speaks = self.made or self.opening.attached or self.called_before
        return self.found is not None and not self.found.passages and not speaks

    @property
    def results(self) -> list[ToolCallRecord]:
        """Return the finished tool calls that gave text and no passages."""
        return [call for call in self.made.values() if call.status == "done" and not call.sources]

    @property
    def called_before(self) -> bool:
        """Return whether the user had a tool called just before, so that the question may be about its result."""
        history = self.opening.history
        return bool(history) and history[-1].called

    @property
    def used(self) -> int:
        """Return the tokens that the model read and wrote.

        For a stream that was cut off, they are estimated at four characters each.
        """
        if self.usage is not None:
            return self.usage.prompt_tokens + self.usage.completion_tokens
        if not self.begun or self.request is None:
            return 0
        return (
            sum(len(message.content) for message in self.request.messages) + len(self.text) + len(self.thoughts)
        ) // 4

    async def say(self, event: Event) -> None:
        """Append the event to the turn's log. Raise EngineError if the log is unreachable."""
        await registry.get_turn_log().append(self.id, encode_event(event, turn=self.id))

    async def tell_others(self) -> None:
        """Notify the user's other pages that this conversation changed."""
        await notifications.notify_conversation_changed(self.opening.user.pk, self.opening.conversation)

    async def store_sources(self) -> None:
        """Store the numbered passages as sources of the answer."""
        await in_db(source_numbering.save_sources, self.opening.conversation, self.opening.answer, self.placed)
        self.stored = True

    async def store_calls(self) -> None:
        """Store the tool calls in their present state with the answer."""
        await in_db(call_cards.save_calls, self.opening.answer, self.opening.lease, self.made.values())

    async def step(self, name: str, words: str, ms: float | None = None) -> None:
        """Emit a step with its duration in milliseconds; None while it is running."""
        step = Step(name, words, None if ms is None else round(ms, 1))
        self.steps[name] = step
        await self.say(step)
