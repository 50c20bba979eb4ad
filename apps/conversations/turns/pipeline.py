"""The spine of an answer. `turns.py` opens the turn before it and closes it after, however it ends."""

from __future__ import annotations

import asyncio

from apps.conversations.attachments import prompt_content
from apps.conversations.image_chat import turn as image_chat_turn
from apps.conversations.tools import availability, loop, slash_commands
from apps.conversations.turns import generation, quotes, retrieval
from apps.conversations.turns.small_talk import reply
from apps.conversations.turns.state import Turn
from apps.conversations.turns.whole_document import reply as whole_document
from apps.documents.search import Found
from apps.engines.base import ChatRequest


async def answer(turn: Turn) -> None:
    """Check question beside search · prompt · gated stream · cite and verify, again after each round of tools that the
    model calls. Small talk is answered before anything is searched, and so is what concerns a whole
    document. Raises Withheld, EngineError.

    The rows of the turn are stored before it begins.
    """
    if (ask := image_chat_turn.wanted(turn)) is not None:
        return await image_chat_turn.draw(turn, ask)
    if (talk := reply.recognise_turn(turn)) is not None and await reply.reply(turn, talk):
        return
    if (wanted := whole_document.recognise_turn(turn)) is not None and await whole_document.reply(turn, wanted):
        return
    if turn.acts and (command := slash_commands.read(turn.opening.text)) is not None:
        await retrieval.check(turn)
        if not await slash_commands.run(turn, command):
            return
        found = None
    else:
        found = await whole_document.compare(turn, wanted) if wanted is not None else None
        found = await _found(turn) if found is None else found
    await prompt_content.look(turn)
    if found is not None and not found.passages and not (turn.kit or turn.attached or turn.called_before):
        return await retrieval.nothing(turn, found)

    request: ChatRequest | None = await generation.request(turn, found)
    if found is not None and await quotes.lacks_quotes(turn, found):
        return await retrieval.nothing(turn, found)
    async with generation.beside(turn, found) as shown:
        while request is not None:
            began = len(turn.text)
            await generation.stream(turn, request, shown)
            request = await loop.following(turn, request, began)
    if found is not None and turn.groundless:
        turn.steps.pop("write", None)  # not a word of it was kept
        await retrieval.nothing(turn, found)


async def _found(turn: Turn) -> Found | None:
    """What the search found; which tools may be called is looked up while it runs."""
    kit = asyncio.create_task(availability.kit(turn))
    try:
        found = await retrieval.found(turn)
        turn.kit = await kit
        return found
    finally:
        kit.cancel()
        await asyncio.wait([kit])
        _ = kit.cancelled() or kit.exception()  # of no interest where the question was withheld
