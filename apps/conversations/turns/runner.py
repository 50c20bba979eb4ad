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

from django.utils import translation
from django.utils.translation import gettext, ngettext

from apps.conversations.core import model_choice, notifications
from apps.conversations.core.events import Closed, Opened, encode_event
from apps.conversations.core.requests import AskRequest, RequestRefused, RetryRequest
from apps.conversations.core.session_user import get_session_user
from apps.conversations.evidence import answer_sources
from apps.conversations.models import Message, ShownSentences
from apps.conversations.moderation import withheld_notice
from apps.conversations.moderation.findings import emit_labels, get_withheld
from apps.conversations.rendering import answer_renderer
from apps.conversations.tools import executor
from apps.conversations.turns import finalization, preparation, queue, recovery, retrieval, titles
from apps.conversations.turns.pipeline import generate_answer
from apps.conversations.turns.preparation import PreparedTurn, SessionEnded, TurnIds
from apps.conversations.turns.state import LOOP_FINISH, Turn, is_grounded
from apps.engines import registry
from apps.engines.types import EngineError, TurnLog
from apps.lib.concurrency.batched_polling import BatchedPoller
from apps.lib.concurrency.threads import PoolTask, in_db
from apps.lib.db import leases
from apps.safety.gate.gate import Withheld
from apps.users import i18n
from apps.users.models import User
from apps.users.rate_limits import RateLimited
from apps.users.templatetags.said import said

if TYPE_CHECKING:
    from apps.engines.types import Vectors

log = logging.getLogger(__name__)

CHECKPOINT_S = 2.0  # the text so far is in the row after this time; the lease is renewed with it
_STOPPED = "You stopped this answer."
FAILURE_REASON = "Something went wrong here. Your question is kept; the log of the server says what happened."
_CUT = {
    "length": "The answer reached its greatest length and ends here.",
    "thoughts": "The model thought until its greatest length and gave no answer. "
    "Allow a greater length under Advanced, or choose another model.",
    LOOP_FINISH: "The model began to repeat itself, so the answer ends here.",
}

_running: dict[UUID, tuple[Turn, asyncio.Task[None]]] = {}


async def submit_request(user: User, key: str | None, wish: AskRequest | RetryRequest, address: str = "") -> TurnIds:
    """The turn of a person's ask in a session (None: from the queue), started unless it had been before. Raises
    SignedOut, Refused, OverLimit."""
    vector = (
        retrieval.embed_question(wish.text) if isinstance(wish, AskRequest) and not wish.without_documents else None
    )
    opened = await in_db(preparation.prepare_turn, user, key, wish, address)
    return await start_turn(opened, vector) if isinstance(opened, PreparedTurn) else opened


async def start_turn(opened: PreparedTurn, vector: PoolTask[Vectors] | None = None) -> TurnIds:
    """Begin the turn's log, store its question and empty answer, then let it run. Return where they are stored: as the
    turn of an earlier ask where this one repeats it, which then does not run.

    Whoever follows the turn from then on misses nothing. Raise Refused, and EngineError where there is no log; nothing
    is stored then. Cancelling the caller does not end the turn.
    """
    name = str(opened.answer)
    begun = Opened(
        str(opened.conversation),
        str(opened.question),
        answer_renderer.render_question(opened.text),
        is_grounded(opened),
    )
    await registry.get_turn_log().append(name, encode_event(begun, turn=name))
    if vector is None and not opened.without_documents:
        vector = retrieval.embed_question(opened.text)
    turn, storing = Turn(opened, vector), asyncio.create_task(in_db(preparation.save_question, opened))
    task = asyncio.create_task(_run(turn, storing), name=f"turn {turn.id}")
    task.add_done_callback(_report_failure)
    _running[turn.opening.answer] = turn, task
    return await asyncio.shield(storing)


async def stop_turn(answer: UUID, log: TurnLog | None = None) -> None:
    """Whichever process runs the turn was asked to end it; `log` is where a temporary one listens."""
    await (log or registry.get_turn_log()).request_stop(str(answer))


def get_status(key: str, turn: UUID) -> str | None:
    """The status of that person's turn; None where it is not theirs, is not there, or was withheld by a reviewer: then
    its row alone says what may be seen. Raises SignedOut."""
    user = get_session_user(key)
    if user is None:
        raise SessionEnded
    rows = Message.objects.visible_to(user).answers().filter(pk=turn, retracted=None)
    return rows.values_list("status", flat=True).first()


def get_running_text(answer: UUID) -> str:
    """What a turn of this process has written so far; "" where it is over, or runs elsewhere."""
    return _running[answer][0].text if answer in _running else ""


async def shut_down() -> None:
    """Every turn of this process is closed as interrupted, with what it has."""
    while _running:
        for turn, _ in list(_running.values()):
            turn.interrupt.set()  # also of one that the end of another has begun meanwhile
        await asyncio.wait([task for _, task in _running.values()], return_when=asyncio.FIRST_COMPLETED)


async def wait_until_idle() -> None:
    """No turn runs in this process."""
    while _running:
        await asyncio.wait([task for _, task in _running.values()])


async def _run(turn: Turn, storing: asyncio.Task[TurnIds]) -> None:
    """Run the turn once its rows are stored, and end its log and what waits for it."""
    try:
        await asyncio.wait([storing])
        if storing.exception() is None and storing.result() is turn.opening:
            await _answer(turn)
    finally:
        try:
            with _ignore_log_errors():
                await registry.get_turn_log().finish(turn.id)
            await notifications.notify_conversation_changed(turn.opening.user.pk, turn.opening.conversation)
        finally:
            try:
                if not turn.interrupt.is_set():
                    await run_next_queued(turn.opening.conversation)
            finally:  # until then it is at work, and whoever waits for idleness waits for it
                del _running[turn.opening.answer]


async def _answer(turn: Turn) -> None:
    """Answer until the first of the five endings, and close the turn unless another process has."""
    ends = {
        "answer": asyncio.create_task(generate_answer(turn)),
        "stop": asyncio.create_task(_stopped(turn)),
        "interrupt": asyncio.create_task(turn.interrupt.wait()),
        "lease": asyncio.create_task(_hold_lease(turn)),
    }
    await asyncio.wait(ends.values(), return_when=asyncio.FIRST_COMPLETED)
    ended = [name for name, task in ends.items() if task.done()]
    for task in ends.values():
        task.cancel()
    await asyncio.wait(ends.values())
    turn.judged = get_withheld(ends["answer"])
    if "lease" not in ended:
        await _close(turn, *determine_ending(turn, ended, ends["answer"]))


async def run_next_queued(place: UUID) -> None:
    """The next question of that conversation's queue is asked, if one waits and may be asked now."""
    if (found := await in_db(queue.get_next_question, place)) is None:
        return
    user, wish, row = found
    try:
        with translation.override(i18n.get_chosen_language(user) or translation.get_language()):
            await submit_request(user, None, wish)
        await in_db(queue.mark_asked, row.pk)
    except RateLimited as limit:
        log.info("A question waits on: %s", limit)  # the sweep asks it again
    except RequestRefused as refusal:
        await in_db(queue.mark_refused, row.pk, refusal)
    except EngineError as error:
        log.warning("A queued question waits on: %s", error)
    await notifications.notify_conversation_changed(user.pk, place)


def _report_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A turn could not be closed; the sweep does it", exc_info=error)


def determine_ending(turn: Turn, ended: list[str], answering: asyncio.Task[Any]) -> tuple[Message.Status, str]:
    """The status of a turn, and words for the reader. What ended by itself is complete, also if stopped just then."""
    if "answer" not in ended:
        return (
            (Message.Status.STOPPED, _STOPPED)
            if "stop" in ended
            else (Message.Status.INTERRUPTED, recovery.RESTART_REASON)
        )
    error = None if answering.cancelled() else answering.exception()
    match error:
        case None:
            return Message.Status.COMPLETE, _CUT.get(_finish(turn), "")
        case Withheld():
            return Message.Status.WITHHELD, str(error)
        case EngineError():
            log.warning("An answer failed: %s", error)
            return Message.Status.FAILED, str(error)
        case _:
            log.error("An answer failed", exc_info=error)
            return Message.Status.FAILED, FAILURE_REASON


def _finish(turn: Turn) -> str:
    """How the model ended; "thoughts" where it came no further than to think."""
    return "thoughts" if turn.thoughts and not turn.text and turn.finish == "length" else turn.finish


async def _stopped(turn: Turn) -> None:
    """Returns when somebody asked the turn to end; a log that is away for a moment asks nothing."""
    while True:
        try:
            return await registry.get_turn_log().wait_stop(turn.id)
        except EngineError as error:
            log.warning("Turn %s cannot hear a stop: %s", turn.id, error)
            await asyncio.sleep(CHECKPOINT_S)


async def _hold_lease(turn: Turn) -> None:
    """Renew the lease and checkpoint the text; return when the lease was lost."""
    await _holding.over(turn)
    log.error("Turn %s was closed by another process, or deleted, or its person may no longer ask", turn.id)


async def _renewed(held: list[Turn]) -> list[bool]:
    """Whether each still holds its row, which then has the text so far; for all turns of this process at once."""
    # For a person who was suspended nothing is written on, nor where the conversation was deleted.
    rows = Message.objects.filter(
        status=Message.Status.WRITING, asked_by__is_active=True, conversation__deleted__isnull=True
    )
    tokens = {turn.opening.answer: turn.opening.lease for turn in held}
    texts = {turn.opening.answer: {"text": turn.text, "shows": turn.shows} for turn in held}
    # The lease outlasts several rounds: a database that is busy or away for a moment costs nothing.
    kept = await in_db(leases.renew_all, rows, tokens, preparation.LEASE_S, texts)
    return [turn.opening.answer in kept for turn in held]


_holding = BatchedPoller(lambda: CHECKPOINT_S, _renewed)


@contextmanager
def _ignore_log_errors() -> Iterator[None]:
    """A log that does not take an event costs that event, never the answer: the row holds all of it."""
    try:
        yield
    except EngineError as error:
        log.warning("The log of a turn took nothing: %s", error)


async def _close(turn: Turn, status: Message.Status, reason: str) -> None:
    """The one exit: the rest is rendered and verified, the row is closed, and the log says so."""
    html = await finish_rendering(turn)
    kept = finalization.snapshot_turn(turn, status, reason)
    ended = await in_db(finalization.finish_turn, kept)
    if (
        ended is finalization.FinishOutcome.KEPT
    ):  # of one that was cut the log is forgotten, and whoever follows it fetches the row
        with _ignore_log_errors():
            unfinished = Message(**kept.fields).unfinished
            ended_html = await render_withheld(turn, status, reason)
            await turn.say(Closed(status, html, said(reason), unfinished, turn.weak, ended_html))
        if status == Message.Status.COMPLETE:
            titles.schedule_title(turn)


async def render_withheld(turn: Turn, status: Message.Status, reason: str) -> str:
    """Return what the page shows in the answer's place; empty where nothing was withheld."""
    if status != Message.Status.WITHHELD:
        return ""
    return await in_db(withheld_notice.render_notice, reason, turn.text, turn.judged)


async def finish_rendering(turn: Turn) -> str:
    """The rest is rendered, shown and verified; the HTML of the whole answer."""
    with _ignore_log_errors():
        await executor.cancel_open_calls(turn)
        await emit_labels(turn)
        for event in turn.renderer.finish():
            await turn.say(event)
    with _ignore_log_errors():
        await _verified(turn)
        if turn.placed:
            await turn.say(answer_sources.build_final_event(turn))
    turn.renderer.links.used.clear()  # addresses that were links while they were being written
    return render_running_answer(turn)


def render_running_answer(turn: Turn) -> str:
    """Return the HTML of what the turn has written, as a reload shows it."""
    if not turn.text:
        return ""
    only_verified = turn.shows == ShownSentences.VERIFIED
    return answer_renderer.render_answer(
        turn.text, turn.cites, turn.id, turn.renderer.links,
        only_verified=only_verified, unread_languages=turn.unread_languages,
    )  # fmt: skip


async def _verified(turn: Turn) -> None:
    """The steps say how long writing and verifying took; every sentence has its finding."""
    if not turn.text:
        return
    if turn.model:
        wrote = model_choice.describe_written(turn.writer, len(turn.text.split()))
        await turn.step("write", wrote, (time.perf_counter() - turn.started) * 1000)
    if turn.placed or turn.results:
        await turn.verifier.done()
    if not turn.model:  # no model's own words: small talk, or what stands in a document
        return
    if turn.placed:
        count = len(turn.renderer.sentences)
        await turn.step(
            "verify",
            ngettext("Checked %(n)s sentence", "Checked %(n)s sentences", count) % {"n": count},
            turn.verifier.ms,
        )
    elif turn.made and turn.found is not None:  # it was searched for an answer, which then came from elsewhere
        await turn.step("verify", gettext("Not checked against documents: no passage was found"), 0.0)
