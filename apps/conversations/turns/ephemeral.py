"""Turns of API clients: streamed to one listener and never stored, since the client keeps the conversation.

They run the same pipeline as stored turns: gate, search within what the user may read, prompt, gated stream, citations.
There are no rows and no turn log. A turn ends when its stream is closed.

Entry points: `prepare_ephemeral_turn`, then `stream_events`, `stream_text` or `stream_raw_model`;
`stream_while_allowed` wraps any of these.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations.assistants import assistant_choice, collection_choice
from apps.conversations.assistants.instructions import build_instructions
from apps.conversations.core import model_choice
from apps.conversations.core.events import Event, NothingFound, Quotes, Text
from apps.conversations.core.turn_input import PastExchange, TurnInput
from apps.conversations.errors import NotFoundOrForbidden
from apps.conversations.evidence import source_list
from apps.conversations.models import Assistant, Conversation
from apps.conversations.moderation import findings
from apps.conversations.turns import model_queue, reasoning, retrieval, running_turns
from apps.conversations.turns.inside_collections import keep_inside
from apps.conversations.turns.pipeline import generate_answer
from apps.conversations.turns.sinks import ListenerSink
from apps.conversations.turns.state import Turn
from apps.documents.models import Collection
from apps.engines.types import ChatRequest, EngineRefused, EngineUnavailable
from apps.lib import draining
from apps.lib.concurrency.threads import in_db
from apps.lib.ids import new_id
from apps.safety.gate import gate
from apps.users import rate_limits, usage
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource

P = TypeVar("P")
RECHECK_S = 2.0  # seconds; a suspension ends an answer within twice this
_CUT_OFF = "The server is restarting, and this answer was cut off. Ask again in a minute."


async def prepare_ephemeral_turn(
    user: User, question: str, history: Sequence[PastExchange], collections: tuple[UUID, ...],
    *, assistant: Assistant | None = None, instructions: str = "", without_documents: bool = False,
    model: str | None = None,
) -> Turn:  # fmt: skip
    """Return a turn that is ready to be streamed; one message of the rate limit is consumed.

    `assistant` may be unsaved; None means the site's own. `instructions` replace those of the assistant. `model` is a
    name of the settings; None means the assistant's. Raise NotFoundOrForbidden for a collection that the user may not
    read, RequestRefused for a model that the user may not use, RateLimited, and ServerRestarting.
    """
    running_turns.require_accepting()
    prepared = await in_db(
        _make_turn_input,
        user,
        question,
        tuple(history),
        collections,
        assistant,
        instructions,
        without_documents,
    )
    prepared = await in_db(_choose_model, prepared, model)
    await in_db(model_choice.consume_question, user, prepared.model)
    vector = None if without_documents else retrieval.embed_question(question)
    return Turn(prepared, vector, ListenerSink())


def _choose_model(prepared: TurnInput, requested: str | None) -> TurnInput:
    name, gone = model_choice.resolve_model(prepared.user, prepared.conversation, prepared.assistant, requested)
    return keep_inside(replace(prepared, model=name, missing_model=gone))


async def stream_events(turn: Turn) -> AsyncGenerator[Event, None]:
    """Yield the events of the answer until its last sentence is verified. Raise Withheld and EngineError.

    Closing the generator stops the model. In every case the tokens are charged and required cases opened.
    """
    if not isinstance(turn.sink, ListenerSink):
        raise TypeError("Only turns of `prepare_ephemeral_turn` have a listener")
    queue = turn.sink.events
    with running_turns.track_turn(turn, "api"):
        task = asyncio.create_task(_run(turn))
        task.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
            turn.findings.record_withheld(findings.get_withheld(task))
            await charge_usage(turn)
            await open_cases(turn)


async def _run(turn: Turn) -> None:
    await generate_answer(turn)
    for event in turn.answer.renderer.finish():
        await turn.emit(event)
    if turn.passages and turn.text:
        await turn.verifier.finish()


def _make_turn_input(
    user: User,
    question: str,
    history: tuple[PastExchange, ...],
    collections: tuple[UUID, ...],
    asked: Assistant | None,
    instructions: str,
    without_documents: bool,
) -> TurnInput:
    readable = Collection.objects.visible_to(user).filter(pk__in=collections)
    if readable.count() != len(set(collections)):
        raise NotFoundOrForbidden(gettext("One of the collections does not exist, or you do not have access to it."))
    conversation, assistant = Conversation(owner=user), asked or Assistant.default()
    if not (asked or collections or without_documents):
        collections = collection_choice.get_assistant_collections(user, assistant)
    if instructions:  # sent by the client, for this answer only
        assistant = Assistant(
            name=assistant.name, instructions=instructions, style=assistant.style,
            shown_sentences=assistant.shown_sentences, model=assistant.model, preset=assistant.preset,
            sampling=assistant.sampling, strictness=assistant.strictness,
        )  # fmt: skip
    return TurnInput(
        user=user,
        conversation_id=conversation.pk,
        question_id=new_id(),
        answer_id=new_id(),
        text=question,
        collections=collections,
        without_documents=without_documents,
        history=history,
        assistant=assistant,
        conversation=conversation,
        sampling=assistant_choice.resolve_sampling(conversation, assistant),
        instructions=build_instructions(assistant),
    )


async def stream_raw_model(turn: Turn, request: ChatRequest) -> AsyncGenerator[str, None]:
    """Yield the model's gated text for a request that the client composed; nothing is searched or cited.

    Reasoning is dropped. After the last piece, `turn.output.requested_calls` holds the tool calls that the model asked
    for. Raise Withheld and EngineError.
    """
    with running_turns.track_turn(turn, "api"):
        async with aclosing(_stream_checked(turn, request)) as pieces:
            async for piece in pieces:
                yield piece


async def _stream_checked(turn: Turn, request: ChatRequest) -> AsyncGenerator[str, None]:
    try:
        await retrieval.check_question(turn)
        async with aclosing(model_queue.stream_model(turn, request)) as deltas:
            splitter = reasoning.ReasoningSplitter(deltas)
            # API clients get the answer without reasoning.
            async with aclosing(
                gate.moderate_stream(splitter.iter_text(), turn.findings.record, level=turn.strictness)
            ) as pieces:
                async for piece in pieces:
                    turn.answer.add_text(piece)
                    yield piece
    except gate.Withheld as error:
        turn.findings.record_withheld(error.verdict.evaluation)
        raise
    finally:
        await charge_usage(turn)
        await open_cases(turn)


async def stream_text(turn: Turn) -> AsyncGenerator[str, None]:
    """Yield the answer as Markdown: quotes first if the style has them, then the model's text, or "nothing found".

    Raise Withheld and EngineError.
    """
    sent_length = 0
    async with aclosing(stream_events(turn)) as events:
        async for event in events:
            match event:
                case Quotes():
                    yield "".join(f"> {' '.join(quote.text.split())} [{quote.source}]\n\n" for quote in turn.quotes)
                case NothingFound():
                    yield _describe_no_results(turn)
                case Text() if len(turn.text) > sent_length:
                    piece, sent_length = turn.text[sent_length:], len(turn.text)
                    yield piece
    if len(turn.text) > sent_length:
        yield turn.text[sent_length:]


async def stream_while_allowed(turn: Turn, pieces: AsyncGenerator[P, None]) -> AsyncGenerator[P, None]:
    """Yield the pieces while the account is active, which is read every RECHECK_S seconds. Raise EngineRefused once
    suspended, and EngineUnavailable once the process has to end.
    """
    step: asyncio.Future[P] | None = None
    asked = time.monotonic()
    try:
        while True:
            step = asyncio.ensure_future(anext(pieces))
            while not step.done():
                await asyncio.wait([step], timeout=RECHECK_S)
                if draining.is_over():
                    raise EngineUnavailable(_CUT_OFF)
                if time.monotonic() - asked >= RECHECK_S:
                    asked = time.monotonic()
                    if not await in_db(can_ask, turn.input.user.pk):
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
    """Return whether the account is active. For `in_db`."""
    return User.objects.filter(pk=pk, is_active=True).exists()


async def charge_usage(turn: Turn) -> None:
    """Charge the turn's tokens to the user's rate limit, and record what was used."""
    used = await turn.output.count_usage()
    model = turn.model or (turn.chat.served_name if used else "")  # a request of the client's has no `Prompted`
    await in_db(_charge, turn.input.user, model, used.prompt_tokens + used.completion_tokens if used else 0)


def _charge(user: User, model: str, tokens: int) -> None:
    rate_limits.charge(user, LimitedResource.TOKENS, tokens)
    usage.record_usage(user, model=model, questions=1, tokens=tokens)


async def open_cases(turn: Turn) -> None:
    """Open moderation cases where the policy requires a review. A case holds only the question or the piece of the
    answer.
    """
    if found := [one for one in turn.findings.list_all() if one.result.reviewed]:
        await in_db(findings.open_cases_for_unstored, turn.input.user.pk, *found)


def _describe_no_results(turn: Turn) -> str:
    if turn.presented.quotes:  # they follow
        return f"{gettext(source_list.NEAREST_NOTICE)}\n\n"
    searched = (turn.presented.no_results or {}).get("searched") or []
    where = f" Searched: {', '.join(searched)}." if searched else ""
    return f"Nothing in your documents speaks to this question.{where}"
