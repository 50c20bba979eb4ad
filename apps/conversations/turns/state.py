"""A running turn: what it was opened with, what it has so far, and how it speaks."""

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


LOOP_FINISH = "loop"  # the model began to repeat itself, and was stopped


def is_grounded(opening: PreparedTurn) -> bool:
    """Return whether documents are searched for the answer, or a picture is drawn; else nothing in it is checked."""
    return not opening.without_documents or any(row.draws for row in opening.rows)


@dataclass(slots=True, eq=False)
class Turn:
    """Changed by the turn's own tasks only; whatever ends it finds here all there is to keep."""

    opening: PreparedTurn
    records: ClassVar[bool] = True  # what the model weighed, token by token
    acts: ClassVar[bool] = True  # its model may call tools: somebody sees the cards, and can be asked

    vector: PoolTask[Vectors] | None  # of the question, where it was begun already
    renderer: StreamRenderer = field(default_factory=StreamRenderer)
    text: str = ""  # what was let through, exactly as the model wrote it
    measure: Callable[[], ContextUsage] | None = None  # counts the next; when the request has left
    window: ContextUsage | None = None  # what the request takes of the model's
    thoughts: str = ""  # what it thought before, let through
    begun: bool = False  # the model has said something, let through or not
    finish: str = ""  # the server's word for how the stream ended, or LOOP
    repeats: RepetitionDetector = field(default_factory=RepetitionDetector)
    usage: Usage | None = None  # as the server said
    cut: Callable[[], Usage | None] | None = None  # counts what a stream took that has no end
    judged: EvaluationRecord | None = None  # what the gate withheld, and why
    noticed: dict[tuple[str, str], EvaluationRecord] = field(
        default_factory=dict
    )  # what it let through, by stage and clause
    rewritten: asyncio.Task[str] | None = None  # the question, made to stand alone by the model
    found: SearchResult | None = None  # by the search
    request: ChatRequest | None = None  # as the model got it
    sampled: dict[str, Any] = field(default_factory=dict)  # what its words are drawn with, and what is not heeded
    tokens: list[TokenProb] = field(default_factory=list)  # as the model wrote them, let through or not
    pieces: int = 0  # of the answer that passed the gate
    calls: tuple[ToolCall, ...] = ()  # tools that the model wants to be called
    kit: AvailableTools = field(default_factory=dict)  # tools that the model may call
    made: dict[str, ToolCallRecord] = field(default_factory=dict)  # calls in their order, as they now are
    called: set[tuple[str, str]] = field(default_factory=set)  # names and arguments, as the model wrote them
    rounds: int = 0  # in which tools were called
    lines: list[tuple[str, int, int, Spans]] = field(default_factory=list)  # of passages from tools
    notes: list[str] = field(default_factory=list)  # what a tool gave that the person called, for the model
    model: str = ""
    style: str = ""
    shows: str = ""  # which sentences are shown; "": not known yet, or all
    attached: tuple[AttachedPictureView, ...] = ()  # the pictures of the question, their text read
    placed: list[NumberedPassage] = field(default_factory=list)
    stored: bool = False  # `placed` is in the database
    quotes: list[Quote] = field(default_factory=list)
    cites: list[SentenceCitation] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)  # languages of passages near to sentences that stayed unverified
    steps: dict[str, Step] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)  # milliseconds
    nothing: dict[str, Any] | None = None  # what was searched in vain
    started: float = field(default_factory=time.perf_counter)
    id: str = field(init=False)  # of its answer
    verifier: SentenceVerifier = field(init=False)
    interrupt: asyncio.Event = field(default_factory=asyncio.Event)  # set when the process ends

    def __post_init__(self) -> None:
        self.id, self.verifier = str(self.opening.answer), SentenceVerifier(self)

    @property
    def chat(self) -> ChatEngine:
        """The engine of the model that writes. Raises EngineRefused where it was taken away since."""
        return registry.get_chat_engine(self.opening.model)

    @property
    def level(self) -> Strictness:
        """How strictly its question and answer are judged."""
        return parse_strictness(self.opening.assistant.safety)

    @property
    def writer(self) -> str:
        """What people call the model that writes."""
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
        """Return the languages (ISO 639-1) of the answer and of passages near to it that the check of sentences does
        not know; [] where no sentence stayed unverified."""
        if all(cite.found for cite in self.cites):
            return []
        return sorted({*self.unread, find_unread_language(self.text)} - {""})

    @property
    def groundless(self) -> bool:
        """It has searched and found nothing, its model has called no tool, and there is no picture or result to speak
        of: what that says by itself is not shown, since it would read as an answer from the documents."""
        speaks = self.made or self.opening.attached or self.called_before
        return self.found is not None and not self.found.passages and not speaks

    @property
    def results(self) -> list[ToolCallRecord]:
        """What tools gave that are no passages."""
        return [call for call in self.made.values() if call.status == "done" and not call.sources]

    @property
    def called_before(self) -> bool:
        """The exchange before it was a tool that the person called, so the question may be about what that gave."""
        history = self.opening.history
        return bool(history) and history[-1].called

    @property
    def used(self) -> int:
        """Tokens that the model read and wrote; estimated where the stream was cut, four characters each."""
        if self.usage is not None:
            return self.usage.prompt_tokens + self.usage.completion_tokens
        if not self.begun or self.request is None:
            return 0
        return (
            sum(len(message.content) for message in self.request.messages) + len(self.text) + len(self.thoughts)
        ) // 4

    async def say(self, event: Event) -> None:
        """Appends the event to the turn's log."""
        await registry.get_turn_log().append(self.id, encode_event(event, turn=self.id))

    async def tell_others(self) -> None:
        """Other pages of the person learn that something moves in this conversation."""
        await notifications.notify_conversation_changed(self.opening.user.pk, self.opening.conversation)

    async def store_sources(self) -> None:
        """The passages under their numbers are in the database."""
        await in_db(source_numbering.save_sources, self.opening.conversation, self.opening.answer, self.placed)
        self.stored = True

    async def store_calls(self) -> None:
        """The calls of tools, as they now are, are in the database."""
        await in_db(call_cards.save_calls, self.opening.answer, self.opening.lease, self.made.values())

    async def step(self, name: str, words: str, ms: float | None = None) -> None:
        """Says what is being done, or that it is done and how long it took."""
        step = Step(name, words, None if ms is None else round(ms, 1))
        self.steps[name] = step
        await self.say(step)
