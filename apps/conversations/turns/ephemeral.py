"""Answers that are heard and not kept: for programs, whose own client keeps the conversation.

Such a turn runs the same spine as any other: gate, search within what the person may read, prompt, gated stream, cite
and verify. It has no rows, no log and no second hearer, and it ends when nobody listens any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar, TypeVar
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations.assistants import assistant_choice, collection_choice
from apps.conversations.assistants.instructions import build_instructions
from apps.conversations.core import model_choice
from apps.conversations.core.events import Event, Nothing, Quotes, Text, Waiting
from apps.conversations.errors import NotFoundOrForbidden
from apps.conversations.evidence import source_numbering
from apps.conversations.models import Assistant, Conversation
from apps.conversations.moderation import findings
from apps.conversations.turns import model_queue, reasoning, retrieval
from apps.conversations.turns.pipeline import generate_answer
from apps.conversations.turns.preparation import PastExchange, PreparedTurn
from apps.conversations.turns.state import Turn
from apps.documents.models import Collection
from apps.engines.types import ChatRequest, EngineRefused, EngineUnavailable, Usage
from apps.lib.concurrency.threads import in_db, in_pool
from apps.lib.ids import new_id
from apps.safety.gate import gate
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource

P = TypeVar("P")
RECHECK_S = 2.0  # a suspension ends an answer within twice this
_AWAY = "The model server does not answer. Try again in a moment."


@dataclass(slots=True, eq=False, weakref_slot=True)
class EphemeralTurn(Turn):
    """What it says is heard by `hear` and nowhere else."""

    records: ClassVar[bool] = False
    acts: ClassVar[bool] = False

    heard: asyncio.Queue[Event | None] = field(default_factory=asyncio.Queue)

    async def say(self, event: Event) -> None:
        """A program is not kept waiting for a server that is away: it knows best when to try again."""
        if isinstance(event, Waiting):
            raise EngineUnavailable(_AWAY)
        self.heard.put_nowait(event)

    async def tell_others(self) -> None:
        """There is no list in which it stands."""

    async def store_sources(self) -> None:
        """There is no row that they belong to."""


async def prepare_ephemeral_turn(
    user: User, question: str, history: Sequence[PastExchange], collections: tuple[UUID, ...],
    *, assistant: Assistant | None = None, instructions: str = "", without_documents: bool = False, address: str = "",
    model: str | None = None,
) -> EphemeralTurn:  # fmt: skip
    """A turn that is ready to be heard; `assistant` may be one that is not stored, `instructions` are heeded instead of
    those of the site's own one. Raises Missing where a collection may not be read, and OverLimit."""
    opening = await in_db(
        _opening, user, question, tuple(history), collections, assistant, instructions, without_documents, address
    )
    name, gone = model_choice.resolve_model(opening.place, opening.assistant, model)
    opening = replace(opening, model=name, gone=gone)
    return EphemeralTurn(opening, None if without_documents else retrieval.embed_question(question))


async def stream_events(turn: EphemeralTurn) -> AsyncGenerator[Event, None]:
    """The events of the answer, its last sentence verified. Raises Withheld, EngineError as the spine does.

    Closing it ends the turn: the model stops writing.
    """
    task = asyncio.create_task(_run(turn))
    task.add_done_callback(lambda _: turn.heard.put_nowait(None))
    try:
        while (event := await turn.heard.get()) is not None:
            yield event
        await task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        turn.judged = findings.get_withheld(task)
        await charge_usage(turn)
        await open_cases(turn)


async def _run(turn: EphemeralTurn) -> None:
    await generate_answer(turn)
    for event in turn.renderer.finish():
        await turn.say(event)
    if turn.placed and turn.text:
        await turn.verifier.done()


def _opening(
    user: User,
    question: str,
    history: tuple[PastExchange, ...],
    collections: tuple[UUID, ...],
    asked: Assistant | None,
    instructions: str,
    without_documents: bool,
    address: str,
) -> PreparedTurn:
    readable = Collection.objects.visible_to(user).filter(pk__in=collections)
    if readable.count() != len(set(collections)):
        raise NotFoundOrForbidden(gettext("One of the collections is not there, or you may not read it."))
    rate_limits.check_limits(user, LimitedResource.TOKENS)
    rate_limits.consume(user, LimitedResource.MESSAGES)
    place, assistant = Conversation(owner=user), asked or Assistant.default()
    if not (asked or collections or without_documents):
        collections = collection_choice.get_assistant_collections(user, assistant)
    if instructions:  # of this client, for this answer
        assistant = Assistant(
            name=assistant.name, instructions=instructions, style=assistant.style, shows=assistant.shows,
            model=assistant.model, preset=assistant.preset, sampling=assistant.sampling, safety=assistant.safety,
        )  # fmt: skip
    return PreparedTurn(
        user, place.pk, new_id(), new_id(), question, collections, without_documents, "", history,
        source_numbering.SourceNumbers(), assistant, place, True, (), None,
        sampling=assistant_choice.resolve_sampling(place, assistant), instructions=build_instructions(assistant),
    )  # fmt: skip


async def stream_raw_model(turn: EphemeralTurn, request: ChatRequest) -> AsyncGenerator[str, None]:
    """The model's own answer to a request that a program composed, gated like any other; nothing is searched.

    What the model wants to call is in `turn.calls` at the end. Raises Withheld, EngineError.
    """
    try:
        await retrieval.check_question(turn)
        async with aclosing(model_queue.stream_model(turn, request)) as deltas:
            said = reasoning.ReasoningSplitter(deltas)
            # Thoughts are not handed out.
            async with aclosing(
                gate.moderate_stream(said.text(), partial(findings.record_finding, turn), level=turn.level)
            ) as pieces:
                async for piece in pieces:
                    turn.text += piece
                    yield piece
    except gate.Withheld as error:
        turn.judged = error.verdict.judged
        raise
    finally:
        await charge_usage(turn)
        await open_cases(turn)


async def stream_text(turn: EphemeralTurn) -> AsyncGenerator[str, None]:
    """The answer as plain text: quotes first where the style has them, then the model's words; or that nothing was
    found. Raises Withheld, EngineError."""
    said = 0
    async with aclosing(stream_events(turn)) as events:
        async for event in events:
            match event:
                case Quotes():
                    yield "".join(f"> {' '.join(quote.text.split())} [{quote.source}]\n\n" for quote in turn.quotes)
                case Nothing():
                    yield _nothing(turn)
                case Text() if len(turn.text) > said:
                    piece, said = turn.text[said:], len(turn.text)
                    yield piece
    if len(turn.text) > said:
        yield turn.text[said:]


async def stream_while_allowed(turn: EphemeralTurn, pieces: AsyncGenerator[P, None]) -> AsyncGenerator[P, None]:
    """The pieces, as long as their person may still sign in; that is asked again all the time. Raises EngineRefused."""
    step: asyncio.Future[P] | None = None
    asked = time.monotonic()
    try:
        while True:
            step = asyncio.ensure_future(anext(pieces))
            while not step.done():
                await asyncio.wait([step], timeout=RECHECK_S)
                if time.monotonic() - asked >= RECHECK_S:
                    asked = time.monotonic()
                    if not await in_db(can_ask, turn.opening.user.pk):
                        raise EngineRefused("This account is suspended.")
            try:
                piece = step.result()
            except StopAsyncIteration:
                return
            yield piece
    finally:
        if step is not None and not step.done():
            step.cancel()
            await asyncio.wait([step])
        await pieces.aclose()


def can_ask(pk: int) -> bool:
    """Whether that person may still sign in."""
    return User.objects.filter(pk=pk, is_active=True).exists()


async def count_usage(turn: EphemeralTurn) -> Usage | None:
    """What the model read and wrote: as its server said, and of a stream that was cut as many tokens as its texts
    have."""
    return turn.usage if turn.cut is None else model_queue.add_usage(turn.usage, await in_pool(turn.cut))


async def charge_usage(turn: EphemeralTurn) -> None:
    """What the model read and wrote is counted."""
    if (used := await count_usage(turn)) is not None:
        await in_db(
            rate_limits.charge, turn.opening.user, LimitedResource.TOKENS, used.prompt_tokens + used.completion_tokens
        )


async def open_cases(turn: EphemeralTurn) -> None:
    """A case is open where the policy asks for people: it holds the question, or the piece of the answer, alone."""
    if found := [one for one in findings.list_findings(turn) if one.outcome.reviewed]:
        await in_db(findings.open_cases_for_unstored, turn.opening.user.pk, *found)


def _nothing(turn: EphemeralTurn) -> str:
    searched = (turn.nothing or {}).get("searched") or []
    where = f" Searched: {', '.join(searched)}." if searched else ""
    return f"Nothing in your documents speaks to this question.{where}"
