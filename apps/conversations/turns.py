"""Running turns: each in a task of its own, which outlives every socket. One exit for the five endings.

complete      the answer ended by itself (also with nothing found)
stopped       the person asked to stop; the text so far is kept
withheld      the safety gate refused the question or a piece of the answer
failed        an engine could not do its part, or something here broke
interrupted   the process ended (or died: then `sweeper.py` closes the turn)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import Error

from apps.conversations import closing, hints, opening, render, shelf, sweeper
from apps.conversations.answer import answer
from apps.conversations.asks import Again, Ask
from apps.conversations.events import Closed, Opened, encode
from apps.conversations.models import Message
from apps.conversations.opening import Kept, Opening
from apps.conversations.turn import LOOP, Turn
from apps.engines import registry
from apps.engines.base import EngineError
from apps.lib import leases
from apps.lib.threads import in_db, in_pool
from apps.safety.gate import Withheld, normalise
from apps.users.models import User

if TYPE_CHECKING:
    from apps.engines.base import Vectors

log = logging.getLogger(__name__)

CHECKPOINT_S = 2.0  # the text so far is in the row after this time; the lease is renewed with it
_STOPPED = "You stopped this answer."
_BROKEN = "Something went wrong here. Your question is kept; the log of the server says what happened."
_CUT = {
    "length": "The answer reached its greatest length and ends here.",
    LOOP: "The model began to repeat itself, so the answer ends here.",
}

_running: dict[UUID, tuple[Turn, asyncio.Task[None]]] = {}


async def ask(user: User, key: str, wish: Ask | Again) -> Kept:
    """The turn of a person's ask in a session, started unless it had been before. Raises SignedOut, Refused."""
    vector = None
    if isinstance(wish, Ask) and not wish.without_documents:
        vector = asyncio.create_task(in_pool(registry.embed().embed_query, normalise(wish.text)))
        vector.add_done_callback(
            lambda task: task.cancelled() or task.exception()
        )  # whoever awaits it hears of a failure
    return await start(await in_db(opening.recall, user, wish), key, vector)


async def start(opened: Opening, key: str, vector: asyncio.Task[Vectors] | None = None) -> Kept:
    """The turn runs, its rows are kept, its log has begun: who follows it now misses nothing. Raises Refused, and
    EngineError where there is no log; then nothing is kept.

    The search begins while the rows are being stored; the model is asked when they are.
    """
    name = str(opened.answer)
    begun = Opened(str(opened.conversation), str(opened.question), render.question_html(opened.text))
    await registry.turnlog().append(name, encode(begun, turn=name))
    turn = Turn(opened, vector, asyncio.create_task(in_db(opening.keep, opened, key)))
    task = asyncio.create_task(_run(turn), name=f"turn {turn.id}")
    task.add_done_callback(_ran)
    _running[turn.opening.answer] = turn, task
    return await asyncio.shield(turn.keeping)


async def stop(answer: UUID) -> None:
    """Whichever process runs the turn was asked to end it."""
    await registry.turnlog().request_stop(str(answer))


async def shut_down() -> None:
    """Every turn of this process is closed as interrupted, with what it has."""
    for turn, _ in list(_running.values()):
        turn.interrupt.set()
    await idle()


async def idle() -> None:
    """No turn runs in this process."""
    while _running:
        await asyncio.wait([task for _, task in _running.values()])


async def _run(turn: Turn) -> None:
    ends = {
        "answer": asyncio.create_task(answer(turn)),
        "stop": asyncio.create_task(_stopped(turn)),
        "interrupt": asyncio.create_task(turn.interrupt.wait()),
        "lease": asyncio.create_task(_keep(turn)),
    }
    try:
        await asyncio.wait(ends.values(), return_when=asyncio.FIRST_COMPLETED)
        ended = [name for name, task in ends.items() if task.done()]
        for task in ends.values():
            task.cancel()
        await asyncio.wait([*ends.values(), turn.keeping])
        if turn.kept and "lease" not in ended:
            await _close(turn, *_ending(ended, ends["answer"], turn.finish))
    finally:
        try:
            with _deaf():
                await registry.turnlog().finish(turn.id)
            await hints.changed(turn.opening.user.pk, turn.opening.conversation)
        finally:
            del _running[turn.opening.answer]


def _ran(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A turn could not be closed; the sweep does it", exc_info=error)


def _ending(ended: list[str], answering: asyncio.Task[Any], finish: str) -> tuple[Message.Status, str]:
    """The status of a turn, and words for the reader. What ended by itself is complete, also if stopped just then."""
    if "answer" not in ended:
        return (Message.Status.STOPPED, _STOPPED) if "stop" in ended else (Message.Status.INTERRUPTED, sweeper.REASON)
    error = None if answering.cancelled() else answering.exception()
    match error:
        case None:
            return Message.Status.COMPLETE, _CUT.get(finish, "")
        case Withheld():
            return Message.Status.WITHHELD, str(error)
        case EngineError():
            log.warning("An answer failed: %s", error)
            return Message.Status.FAILED, str(error)
        case _:
            log.error("An answer failed", exc_info=error)
            return Message.Status.FAILED, _BROKEN


async def _stopped(turn: Turn) -> None:
    """Returns when somebody asked the turn to end; a log that is away for a moment asks nothing."""
    while True:
        try:
            return await registry.turnlog().wait_stop(turn.id)
        except EngineError as error:
            log.warning("Turn %s cannot hear a stop: %s", turn.id, error)
            await asyncio.sleep(CHECKPOINT_S)


async def _keep(turn: Turn) -> None:
    """Renews the lease and checkpoints the text; returns where the lease was lost."""
    # For a person who was suspended nothing is written on.
    rows = Message.objects.filter(status=Message.Status.WRITING, asked_by__is_active=True)
    held = True
    while held:
        await asyncio.sleep(CHECKPOINT_S)
        try:
            held = await in_db(
                leases.renew, rows, turn.opening.answer, turn.opening.lease, opening.LEASE_S, text=turn.text
            )
        except Error as error:  # busy, or away for a moment: the lease outlasts several rounds
            log.warning("Turn %s could not be kept: %s", turn.id, error)
    log.error("Turn %s was closed by another process, or deleted, or its person may no longer ask", turn.id)


@contextmanager
def _deaf() -> Iterator[None]:
    """A log that does not take an event costs that event, never the answer: the row holds all of it."""
    try:
        yield
    except EngineError as error:
        log.warning("The log of a turn took nothing: %s", error)


async def _close(turn: Turn, status: Message.Status, reason: str) -> None:
    """The one exit: the rest is rendered and verified, the row is closed, and the log says so."""
    with _deaf():
        for event in turn.renderer.finish():
            await turn.say(event)
    with _deaf():
        await _verified(turn)
        if turn.placed:
            await turn.say(shelf.parted(turn))
    html = render.answer_html(turn.text, turn.cites, turn.id) if turn.text else ""
    if await in_db(closing.close, closing.snapshot(turn, status, reason)):
        with _deaf():
            await turn.say(Closed(status, html, reason))


async def _verified(turn: Turn) -> None:
    """The steps say how long writing and verifying took; every sentence has its finding."""
    if not turn.text:
        return
    words = len(turn.text.split())
    await turn.step(
        "write", f"Wrote {words} word{'' if words == 1 else 's'}", (time.perf_counter() - turn.started) * 1000
    )
    if turn.placed:
        await turn.verifier.done()
        count = len(turn.renderer.sentences)
        await turn.step("verify", f"Checked {count} sentence{'' if count == 1 else 's'}", turn.verifier.ms)
