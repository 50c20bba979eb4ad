"""The spine of an answer. `turns.py` opens the turn before it and closes it after, however it ends."""

from __future__ import annotations

import asyncio

from apps.conversations import finding, pictures, quoting, writing
from apps.conversations.attached import seeing
from apps.conversations.small_talk import replying
from apps.conversations.tools import commands, offering, rounds
from apps.conversations.turn import Turn
from apps.conversations.whole_document import replying as whole_document
from apps.documents.search import Found
from apps.engines.base import ChatRequest


async def answer(turn: Turn) -> None:
    """Check question beside search · prompt · gated stream · cite and verify, again after each round of tools that the
    model calls. Small talk is answered before anything is searched, and so is what concerns a whole
    document. Raises Withheld, EngineError.

    The rows of the turn are stored before it begins.
    """
    if (ask := pictures.wanted(turn)) is not None:
        return await pictures.draw(turn, ask)
    if (talk := replying.recognise_turn(turn)) is not None and await replying.reply(turn, talk):
        return
    if (wanted := whole_document.recognise_turn(turn)) is not None and await whole_document.reply(turn, wanted):
        return
    if turn.acts and (command := commands.read(turn.opening.text)) is not None:
        await finding.check(turn)
        if not await commands.run(turn, command):
            return
        found = None
    else:
        found = await whole_document.compare(turn, wanted) if wanted is not None else None
        found = await _found(turn) if found is None else found
    await seeing.look(turn)
    if found is not None and not found.passages and not (turn.kit or turn.attached or turn.called_before):
        return await finding.nothing(turn, found)

    request: ChatRequest | None = await writing.request(turn, found)
    if found is not None and await quoting.lacks_quotes(turn, found):
        return await finding.nothing(turn, found)
    async with writing.beside(turn, found) as shown:
        while request is not None:
            began = len(turn.text)
            await writing.stream(turn, request, shown)
            request = await rounds.following(turn, request, began)
    if found is not None and turn.groundless:
        turn.steps.pop("write", None)  # not a word of it was kept
        await finding.nothing(turn, found)


async def _found(turn: Turn) -> Found | None:
    """What the search found; which tools may be called is looked up while it runs."""
    kit = asyncio.create_task(offering.kit(turn))
    try:
        found = await finding.found(turn)
        turn.kit = await kit
        return found
    finally:
        kit.cancel()
        await asyncio.wait([kit])
        _ = kit.cancelled() or kit.exception()  # of no interest where the question was withheld
