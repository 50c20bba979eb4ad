"""While the model writes: the request to it, sources and quotes beside it, and each sentence verified as it stands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps.conversations import door, hints, prompt, quotes, shelf, sources, style
from apps.conversations.models import ModelProfile, Style
from apps.conversations.turn import Turn
from apps.documents.search import Found
from apps.engines import registry
from apps.engines.base import ChatRequest, EngineRefused, Sampling
from apps.lib.threads import in_db, in_pool

_REQUEST_FIRST_S = 0.003  # what is done beside the model begins after its request has left
_LEAST_ANSWER = 32  # tokens; a window without so much room cannot hold the question


async def request(turn: Turn, found: Found | None) -> ChatRequest:
    """The request, its passages numbered. Raises EngineRefused where the window cannot hold the question."""
    start = time.perf_counter()
    info = await door.model(turn)
    opening, count = turn.opening, registry.chat().count
    instructions = opening.assistant.instructions
    kept = prompt.keep(opening.history, info.context_tokens, count, instructions=instructions)
    turn.placed = sources.place(found.passages, opening.numbers, kept.given) if found else []
    laid_out = prompt.compose(
        opening.text,
        opening.history,
        kept,
        turn.placed,
        info.context_tokens,
        count,
        instructions=instructions,
        free=found is None,
    )
    if laid_out.max_tokens < _LEAST_ANSWER:
        raise EngineRefused(
            "The question is too long for this model. Shorten it, or put the long part into a collection as a file."
        )
    turn.model = info.name
    turn.timings["prompt"] = (time.perf_counter() - start) * 1000
    # People do not share a prefix cache: its timing would tell what others read.
    return ChatRequest(laid_out.messages, Sampling(max_tokens=laid_out.max_tokens), cache_salt=str(opening.user.pk))


async def _style(turn: Turn) -> str:
    info = await registry.chat().info()
    profile = await in_db(_profile, info.name)
    return str(style.resolve(turn.opening.assistant, profile, info))


def _profile(name: str) -> ModelProfile:
    return ModelProfile.objects.filter(name=name).first() or ModelProfile(name=name)


async def write(turn: Turn, piece: str) -> None:
    """The approved piece is part of the answer, and on the page."""
    if not turn.text:
        turn.timings["first_text"] = (time.perf_counter() - turn.started) * 1000
    turn.text += piece
    for event in turn.renderer.feed(piece):
        await turn.say(event)


@asynccontextmanager
async def beside(turn: Turn, found: Found | None) -> AsyncIterator[asyncio.Task[None]]:
    """Stores and shows sources and quotes while the model reads; whoever needs them on the page awaits the task."""
    task = asyncio.create_task(_shown(turn, found))
    try:
        yield task
        await task  # also where the model said nothing at all
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])


async def _shown(turn: Turn, found: Found | None) -> None:
    await asyncio.sleep(_REQUEST_FIRST_S)
    await turn.step("write", "Writing")
    await hints.changed(turn.opening.user.pk, turn.opening.conversation)
    if found is None:
        return
    turn.style = await _style(turn)
    passages = {item.number: item.passage for item in turn.placed}
    choosing = asyncio.ensure_future(
        in_pool(quotes.choose, turn.opening.text, found.vector, passages, found.idf)
        if turn.style == Style.QUOTES
        else _none()
    )
    await in_db(sources.store, turn.opening.conversation, turn.opening.answer, turn.placed)
    turn.stored = True
    await turn.say(shelf.retrieved(turn))
    turn.quotes = await choosing
    if turn.quotes:
        await turn.say(shelf.quoted(turn))


async def _none() -> list[quotes.Quote]:
    return []
