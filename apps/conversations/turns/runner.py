"""Run turns, each in a task that outlives every socket, and close them in one place.

Entry points: `submit_request`, `stop_turn`, `shut_down`. A turn ends in one of five statuses:

- complete: the answer ended by itself, also with nothing found
- stopped: the user stopped it; the text so far is stored
- withheld: the safety gate refused the question or a piece of the answer
- failed: an engine raised an error, or the code did
- interrupted: the process ended; if it died, `recovery.py` closes the turn
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext, ngettext

from apps.conversations.core import model_choice, notifications
from apps.conversations.core.events import Closed, Opened, encode_event
from apps.conversations.core.requests import AskRequest, RetryRequest
from apps.conversations.core.session_user import get_session_user
from apps.conversations.core.turn_input import TurnIds, TurnInput
from apps.conversations.errors import RequestRefused, ServerRestarting
from apps.conversations.models import Message
from apps.conversations.moderation import withheld_notice
from apps.conversations.moderation.findings import get_withheld
from apps.conversations.rendering import answer_renderer
from apps.conversations.turns import (
    finalization,
    preparation,
    question_queue,
    recovery,
    retrieval,
    running_turns,
    titles,
)
from apps.conversations.turns.pipeline import generate_answer
from apps.conversations.turns.preparation import SessionEnded
from apps.conversations.turns.repetition import LOOP_FINISH
from apps.conversations.turns.sinks import StoredSink
from apps.conversations.turns.state import Turn, is_grounded
from apps.engines import registry
from apps.engines.types import EngineError, TurnLog
from apps.lib import metrics
from apps.lib.concurrency.batched_polling import BatchedPoller
from apps.lib.concurrency.threads import in_db
from apps.lib.db import leases
from apps.safety.gate.gate import Withheld
from apps.users import i18n
from apps.users.i18n import translate_stored
from apps.users.models import User
from apps.users.rate_limits import RateLimited

log = logging.getLogger(__name__)

CHECKPOINT_S = 2.0  # seconds between checkpoints of the text, which also renew the lease
_STOPPED = "You stopped this answer."
FAILURE_REASON = "Something went wrong. Your question is saved; details are in the server log."
_CUT = {
    "length": "The answer reached its maximum length and ends here.",
    "thoughts": (
        "The model used its maximum length for reasoning and gave no answer. Increase the response length under "
        "Advanced, or choose another model."
    ),
    LOOP_FINISH: "The model started to repeat itself, so the answer ends here.",
}

_running: dict[UUID, tuple[Turn, asyncio.Task[None]]] = {}


async def submit_request(user: User, session_key: str | None, request: AskRequest | RetryRequest) -> TurnIds:
    """Prepare and store the turn of a request, and run it in a task; return its ids.

    A repeated request gets the ids of the first and does not run. `session_key` is None for a question of the queue.
    The turn log is opened first, so a follower misses no event. Raise SessionEnded, RequestRefused, RateLimited,
    EngineError without a log, and ServerRestarting while the process drains; nothing is stored then. Cancelling the
    caller does not end a turn that has begun.
    """
    running_turns.require_accepting()
    vector = None
    if isinstance(request, AskRequest) and not request.without_documents:
        vector = retrieval.embed_question(request.text)
    prepared = await in_db(preparation.prepare_turn, user, session_key, request)
    if not isinstance(prepared, TurnInput):
        return prepared
    name = str(prepared.answer_id)
    begun = Opened(
        str(prepared.conversation_id),
        str(prepared.question_id),
        answer_renderer.render_question(prepared.text),
        is_grounded(prepared),
    )
    await registry.get_turn_log().append(name, encode_event(begun, turn=name))
    if vector is None and not prepared.without_documents:
        vector = retrieval.embed_question(prepared.text)
    turn = Turn(prepared, vector, StoredSink(prepared))
    storing = asyncio.create_task(in_db(preparation.save_question, prepared))
    task = asyncio.create_task(_run(turn, storing), name=f"turn {turn.id}")
    task.add_done_callback(_report_failure)
    _running[turn.input.answer_id] = turn, task
    return await asyncio.shield(storing)


async def stop_turn(answer: UUID, log: TurnLog | None = None) -> None:
    """Ask the process that runs the turn to stop it. `log` is that of a temporary chat; None means the shared one."""
    await (log or registry.get_turn_log()).request_stop(str(answer))


def get_status(session_key: str, turn: UUID) -> str | None:
    """Return the status of the user's answer; None if it is not theirs, is gone, or was retracted by a reviewer.

    Raise SessionEnded. For `in_db`.
    """
    user = get_session_user(session_key)
    if user is None:
        raise SessionEnded
    rows = Message.objects.visible_to(user).answers().filter(pk=turn, retracted=None)
    return rows.values_list("status", flat=True).first()


def get_running_text(answer: UUID) -> str:
    """Return the text so far of a turn of this process; "" if it has ended or runs elsewhere."""
    return _running[answer][0].text if answer in _running else ""


async def shut_down() -> None:
    """Close every turn of this process as interrupted, with the text so far; return when all are closed."""
    while _running:
        for turn, _ in list(_running.values()):
            turn.interrupt.set()  # repeated: the end of one turn may have started another
        await asyncio.wait([task for _, task in _running.values()], return_when=asyncio.FIRST_COMPLETED)


async def wait_until_idle() -> None:
    """Wait until no turn runs in this process (tests)."""
    while _running:
        await asyncio.wait([task for _, task in _running.values()])


async def _run(turn: Turn, storing: asyncio.Task[TurnIds]) -> None:
    """Run the turn once its rows are stored; then finish its log and ask the next queued question."""
    try:
        await asyncio.wait([storing])
        if storing.exception() is None and storing.result() is turn.input:
            with running_turns.track_turn(turn, "chat") as tracked:
                tracked.outcome = await _answer(turn)
    finally:
        try:
            with _ignore_log_errors():
                await registry.get_turn_log().finish(turn.id)
            await notifications.notify_conversation_changed(turn.input.user.pk, turn.input.conversation_id)
        finally:
            try:
                if not turn.interrupt.is_set():
                    await run_next_queued(turn.input.conversation_id)
            finally:  # only now: `wait_until_idle` waits for all of the above
                del _running[turn.input.answer_id]


async def _answer(turn: Turn) -> Message.Status:
    """Generate the answer until the first of the endings, and close the turn unless its lease was lost.

    Return its status; INTERRUPTED if the lease was lost.
    """
    answering = asyncio.create_task(generate_answer(turn))
    ended = await wait_for_ending(
        answering, stop=_wait_for_stop(turn), interrupt=turn.interrupt.wait(), lease=_hold_lease(turn)
    )
    turn.findings.record_withheld(get_withheld(answering))
    if "lease" in ended:
        return Message.Status.INTERRUPTED
    status, reason = determine_ending(turn, ended, answering)
    await _close(turn, status, reason)
    return status


async def wait_for_ending(answering: asyncio.Task[None], **others: Coroutine[Any, Any, Any]) -> list[str]:
    """Wait until the answer or one of the others ends, then end all. Return the names of what had ended by itself."""
    ends = {"answer": answering, **{name: asyncio.create_task(other) for name, other in others.items()}}
    try:
        await asyncio.wait(ends.values(), return_when=asyncio.FIRST_COMPLETED)
        return [name for name, task in ends.items() if task.done()]
    finally:
        for task in ends.values():
            task.cancel()
        await asyncio.wait(ends.values())


async def run_next_queued(conversation_id: UUID) -> None:
    """Ask the next queued question of the conversation, if one waits. Refusals are stored with the question.

    Does nothing while the process drains: the sweeper of another process, or after the restart, asks it.
    """
    if (found := await in_db(question_queue.get_next_question, conversation_id)) is None:
        return
    user, request, row = found
    try:
        with translation.override(i18n.get_chosen_language(user) or translation.get_language()):
            await submit_request(user, None, request)
        await in_db(question_queue.mark_asked, row.pk)
    except ServerRestarting:
        return
    except RateLimited as limit:
        log.info("A question waits on: %s", limit)  # the sweeper asks it again
    except RequestRefused as refusal:
        await in_db(question_queue.mark_refused, row.pk, refusal)
    except EngineError as error:
        log.warning("A queued question waits on: %s", error)
    await notifications.notify_conversation_changed(user.pk, conversation_id)


def _report_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A turn could not be closed; the sweep does it", exc_info=error)


def determine_ending(turn: Turn, ended: list[str], answering: asyncio.Task[Any]) -> tuple[Message.Status, str]:
    """Return the status of the turn, and words for the user.

    An answer that has ended is complete, even if stopped just then, or while the judge had its last sentences.
    """
    if "answer" not in ended and not ("stop" in ended and turn.verifier.waits_for_judge_only):
        return (
            (Message.Status.STOPPED, _STOPPED)
            if "stop" in ended
            else (Message.Status.INTERRUPTED, recovery.RESTART_REASON)
        )
    error = None if answering.cancelled() else answering.exception()
    match error:
        case None:
            return Message.Status.COMPLETE, _CUT.get(_get_finish_reason(turn), "")
        case Withheld():
            return Message.Status.WITHHELD, str(error)
        case EngineError():
            log.warning("An answer failed: %s", error)
            metrics.ENGINE_ERRORS.labels(type(error).__name__).inc()
            return Message.Status.FAILED, str(error)
        case _:
            log.error("An answer failed", exc_info=error)
            return Message.Status.FAILED, FAILURE_REASON


def _get_finish_reason(turn: Turn) -> str:
    """Return the finish reason of the model; "thoughts" if the length limit was reached before any answer text."""
    reason = turn.output.finish_reason
    return "thoughts" if turn.answer.reasoning and not turn.text and reason == "length" else reason


async def _wait_for_stop(turn: Turn) -> None:
    """Return when a stop was requested. While the log is unreachable, no stop is noticed."""
    while True:
        try:
            return await registry.get_turn_log().wait_stop(turn.id)
        except EngineError as error:
            log.warning("Turn %s cannot hear a stop: %s", turn.id, error)
            await asyncio.sleep(CHECKPOINT_S)


async def _hold_lease(turn: Turn) -> None:
    """Renew the lease and checkpoint the text; return when the lease was lost."""
    await _lease_poller.wait_until_over(turn)
    log.error("Turn %s was closed by another process, or deleted, or its user may no longer ask", turn.id)


async def _renew_leases(turns: list[Turn]) -> list[bool]:
    """Renew the leases of all turns of this process and store their texts.

    Return, for each, whether it held its lease.
    """
    # Leases of suspended users and of deleted conversations are not renewed, which ends their turns.
    rows = Message.objects.filter(
        status=Message.Status.WRITING, asked_by__is_active=True, conversation__deleted__isnull=True
    )
    tokens = {turn.input.answer_id: turn.input.lease for turn in turns}
    texts = {
        turn.input.answer_id: {"text": turn.text, "shown_sentences": turn.presented.shown_sentences or ""}
        for turn in turns
    }
    # The lease outlasts several rounds, so a short outage of the database ends no turn.
    renewed = await in_db(leases.renew_all, rows, tokens, preparation.LEASE_S, texts)
    return [turn.input.answer_id in renewed for turn in turns]


_lease_poller = BatchedPoller(lambda: CHECKPOINT_S, _renew_leases)


@contextmanager
def _ignore_log_errors() -> Iterator[None]:
    """Log an EngineError of the turn log. Only the event is lost: the answer row holds everything."""
    try:
        yield
    except EngineError as error:
        log.warning("The log of a turn took nothing: %s", error)


async def _close(turn: Turn, status: Message.Status, reason: str) -> None:
    """Close the turn: render and verify the rest, store the row, send the last event, schedule the title."""
    html = await finish_rendering(turn)
    final = finalization.snapshot_turn(turn, status, reason)
    ended = await in_db(finalization.finish_turn, final)
    # The log of a turn that was redacted (REDACTED) is deleted: its followers fetch the row instead.
    if ended is finalization.FinishOutcome.SAVED:
        with _ignore_log_errors():
            unfinished = Message(**final.fields).unfinished
            ended_html = await render_withheld(turn, status, reason)
            await turn.emit(
                Closed(
                    status,
                    html,
                    translate_stored(reason),
                    unfinished,
                    turn.is_mostly_unsupported,
                    ended_html,
                    turn.only_quotes,
                )
            )
        if status == Message.Status.COMPLETE:
            titles.schedule_title(turn)


async def render_withheld(turn: Turn, status: Message.Status, reason: str) -> str:
    """Return the HTML that stands in the answer's place; empty if nothing was withheld."""
    if status != Message.Status.WITHHELD:
        return ""
    return await in_db(withheld_notice.render_notice, reason, turn.text, turn.findings.withheld_by)


async def finish_rendering(turn: Turn) -> str:
    """Emit and verify the rest of the answer; return the HTML of all of it."""
    with _ignore_log_errors():
        await turn.calls.cancel_open()
        await turn.findings.emit_labels(turn.progress)
        for event in turn.answer.renderer.finish():
            await turn.emit(event)
    with _ignore_log_errors():
        await _verify_rest(turn)
        if turn.passages:
            await turn.emit(turn.build_final_event())
    turn.answer.renderer.links.used_links.clear()  # the final HTML collects its own links
    return render_running_answer(turn)


def render_running_answer(turn: Turn) -> str:
    """Return the HTML of the text so far, as a reload shows it."""
    if not turn.text:
        return ""
    return answer_renderer.render_answer(
        turn.text, turn.citations, turn.id, turn.answer.renderer.links, shown_numbers=turn.shown_numbers,
        only_verified=turn.shows_verified_only, unread_languages=turn.unread_languages,
    )  # fmt: skip


async def _verify_rest(turn: Turn) -> None:
    """Emit the durations of writing and verifying, after every sentence was verified."""
    if not turn.text:
        return
    if turn.model:
        wrote = model_choice.describe_written(turn.model_name, len(turn.text.split()))
        await turn.emit_step("write", wrote, turn.progress.elapsed_ms)
    if turn.passages or turn.calls.text_results:
        await turn.verifier.finish()
    if not turn.model:  # no model wrote: small talk, or excerpts of a document
        return
    if turn.passages:
        count = len(turn.answer.renderer.sentences)
        await turn.emit_step(
            "verify",
            ngettext("Checked %(n)s sentence", "Checked %(n)s sentences", count) % {"n": count},
            turn.verifier.ms,
        )
        if turn.retrieved is not None and turn.presented.no_results is None and turn.shows_no_answer:
            await retrieval.emit_no_results_notice(turn, turn.retrieved)
    elif turn.calls.records and turn.retrieved is not None:  # nothing was found, and the answer came from tools
        await turn.emit_step("verify", gettext("Not checked against documents: no passage was found"), 0.0)
