"""The spine of an answer. `turns.py` opens the turn before it and closes it after, however it ends."""

from __future__ import annotations

from contextlib import aclosing

from apps.conversations import door, finding, writing
from apps.conversations.turn import LOOP, Turn
from apps.safety import gate


async def answer(turn: Turn) -> None:
    """Check question · search · prompt · gated stream · cite and verify. Raises Withheld, EngineError.

    Search and the storing of the opened turn overlap; a model is asked only when both are done.
    """
    await finding.check(turn)
    found = None if turn.opening.without_documents else await finding.search(turn)
    await turn.opened()
    if found is not None and not found.passages:
        return await finding.nothing(turn, found)

    request = await writing.request(turn, found)
    async with writing.beside(turn, found) as shown, aclosing(gate.gated(door.deltas(turn, request))) as pieces:
        async for piece in pieces:
            await shown  # sources and quotes stand before the first word
            if turn.repeats.loops(piece):
                turn.finish = LOOP
                break
            await writing.write(turn, piece)
            turn.verifier.sentences()
