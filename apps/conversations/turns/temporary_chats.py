"""Temporary chats: conversations held only in the memory of this process, which end with their page.

Their turns run the same pipeline as stored turns. They have no rows: no history, search, title, feedback or trace. Rate
limits apply, and the figures of usage count them. Cases of withheld text hold only that text
(`docs/develop/decisions/017-*.md`).

A chat belongs to the sockets of its page. It ends when the page closes, or GRACE_S after its last socket broke.

Entry points: `submit_question`, `reconnect`, `disconnect`, `get_turn_log`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID
from weakref import WeakValueDictionary

from apps.conversations.core.events import Closed, Opened, encode_event
from apps.conversations.core.numbered_sources import SourceNumbers
from apps.conversations.core.requests import AskRequest
from apps.conversations.core.turn_input import PastExchange, TurnIds, TurnInput
from apps.conversations.errors import ConversationBusy, RequestRefused
from apps.conversations.models import Message
from apps.conversations.moderation import findings
from apps.conversations.rendering.answer_renderer import render_question
from apps.conversations.turns import preparation, retrieval, runner, running_turns, temporary_turn
from apps.conversations.turns.ephemeral import charge_usage
from apps.conversations.turns.pipeline import generate_answer
from apps.conversations.turns.state import Turn, is_grounded
from apps.conversations.turns.temporary_turn import MAX_EXCHANGES
from apps.engines.turnlog.memory import MemoryTurnLog
from apps.lib.concurrency.threads import in_db
from apps.lib.ids import new_id
from apps.safety.models.verdict_log import Surface
from apps.safety.verdict_log.recorder import current_surface
from apps.users.i18n import translate_stored
from apps.users.models import User

log = logging.getLogger(__name__)

GRACE_S = 60.0  # seconds for a broken socket to reconnect; a closed or reloaded page has none
RECHECK_S = 2.0  # seconds; a suspension ends an answer within twice this
MAX_CHATS = 5  # of one user at once, in this process
BROKEN = "Something went wrong. Details are in the server log."
NOT_HERE = "This question is no longer in the chat. Ask it again below."
GONE = "This temporary chat has ended. Your next question starts a new one."


@dataclass(eq=False)
class TemporaryChat:
    """Temporary conversation of the user with id `owner`."""

    owner: int
    id: UUID = field(default_factory=new_id)
    exchanges: tuple[tuple[UUID, PastExchange], ...] = ()  # exchanges with the id of their question
    numbers: SourceNumbers = field(default_factory=SourceNumbers)  # numbers of sources
    turns: dict[str, TurnIds] = field(default_factory=dict)  # by client id, in the order of the page
    sockets: set[str] = field(default_factory=set)  # sockets of its page
    log: MemoryTurnLog = field(default_factory=lambda: MemoryTurnLog(keep_s=GRACE_S))
    running: asyncio.Task[None] | None = None
    scheduled_end: asyncio.TimerHandle | None = None

    @property
    def answers(self) -> set[UUID]:
        """Return the ids of all answers of the chat."""
        return {ids.answer_id for ids in self.turns.values()}

    def find_earlier(self, question: UUID | None) -> tuple[dict[str, TurnIds], tuple[tuple[UUID, PastExchange], ...]]:
        """Return the turns and exchanges before that question; all if it is None.

        Raise RequestRefused if it is unknown.
        """
        order = [ids.question_id for ids in self.turns.values()]
        if question is None:
            return dict(self.turns), self.exchanges
        if question not in order:
            raise RequestRefused(NOT_HERE)
        earlier = set(order[: order.index(question)])
        asked = {name: ids for name, ids in self.turns.items() if ids.question_id in earlier}
        return asked, tuple(item for item in self.exchanges if item[0] in earlier)

    def attach(self, socket: str) -> None:
        """Attach the socket to the chat and cancel its scheduled end."""
        if self.scheduled_end is not None:
            self.scheduled_end.cancel()
            self.scheduled_end = None
        self.sockets.add(socket)


_chats: dict[UUID, TemporaryChat] = {}
_locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()  # by user id: one question at a time


async def submit_question(user: User, session_key: str, request: AskRequest, socket: str) -> TurnIds:
    """Start the turn of a question and return its ids; a repeated client id gets the ids of the first.

    A question without a conversation begins a new chat. One with `reworded_question` replaces it and all that
    followed. Raise SessionEnded, RequestRefused, ConversationBusy and RateLimited.
    """
    lock = _locks.setdefault(user.pk, asyncio.Lock())
    async with lock:
        if (known := _find_repeated(user, request)) is not None:
            return known
        running_turns.require_accepting()
        chat = _get_or_create_chat(user, request)
        if chat.running is not None:
            raise ConversationBusy("An answer is still being written in this conversation. Wait for it, or stop it.")
        others = sum(other.running is not None for other in _list_chats(user))
        asked, past = chat.find_earlier(request.reworded_question)
        exchanges = tuple(one for _, one in past)
        prepared = await in_db(
            temporary_turn.prepare_temporary_turn, user, session_key, request, exchanges, chat.numbers, others
        )
        chat.turns, chat.exchanges = asked, past
        _chats[chat.id] = chat
        chat.attach(socket)
        ids = chat.turns[request.client_id] = replace(prepared, conversation_id=chat.id)
        await _start(chat, ids)
    return ids


def reconnect(user: User, pk: UUID, socket: str) -> bool:
    """Attach a new socket to the user's chat. Return False if it has ended or is another user's."""
    if (chat := _chats.get(pk)) is None or chat.owner != user.pk:
        return False
    chat.attach(socket)
    return True


def disconnect(socket: str, *, closed: bool) -> None:
    """Detach the socket. Chats without sockets end at once if the page was `closed`, else after GRACE_S."""
    for chat in [chat for chat in _chats.values() if socket in chat.sockets]:
        chat.sockets.discard(socket)
        if chat.sockets:
            continue
        if closed:
            _end(chat)
        else:
            chat.scheduled_end = asyncio.get_running_loop().call_later(GRACE_S, _end, chat)


def has_chats(socket: str) -> bool:
    """Return whether a chat, which only this process has, belongs to the socket."""
    return any(socket in chat.sockets for chat in _chats.values())


def is_temporary_turn(user: User, turn: UUID) -> bool:
    """Return whether the turn belongs to one of the user's temporary chats."""
    return any(turn in chat.answers for chat in _list_chats(user))


def get_turn_log(turn: UUID) -> MemoryTurnLog | None:
    """Return the log of the turn; None if no temporary chat has it. Callers must check `is_temporary_turn` before."""
    return next((chat.log for chat in _chats.values() if turn in chat.answers), None)


def end_all() -> None:
    """End all temporary chats (tests, and the end of the process)."""
    for chat in list(_chats.values()):
        _end(chat)


def _list_chats(user: User) -> Iterator[TemporaryChat]:
    return (chat for chat in _chats.values() if chat.owner == user.pk)


def _find_repeated(user: User, request: AskRequest) -> TurnIds | None:
    return next((ids for chat in _list_chats(user) if (ids := chat.turns.get(request.client_id))), None)


def _get_or_create_chat(user: User, request: AskRequest) -> TemporaryChat:
    if request.conversation is None:
        if sum(1 for _ in _list_chats(user)) >= MAX_CHATS:
            raise RequestRefused("You have %(chats)s temporary chats open. Close one of them first.", chats=MAX_CHATS)
        return TemporaryChat(user.pk)
    if (chat := _chats.get(request.conversation)) is None or chat.owner != user.pk:
        raise RequestRefused(GONE)
    return chat


def _end(chat: TemporaryChat) -> None:
    """Forget the chat and cancel its running turn."""
    _chats.pop(chat.id, None)
    if chat.scheduled_end is not None:
        chat.scheduled_end.cancel()
    if chat.running is not None:
        chat.running.cancel()


async def _start(chat: TemporaryChat, prepared: TurnInput) -> None:
    vector = None if prepared.without_documents else retrieval.embed_question(prepared.text)
    turn = temporary_turn.make_temporary_turn(prepared, vector, chat.log)
    begun = Opened(str(chat.id), str(prepared.question_id), render_question(prepared.text), is_grounded(prepared))
    await chat.log.append(turn.id, encode_event(begun, turn=turn.id))
    chat.running = asyncio.create_task(_run(chat, turn), name=f"temporary {turn.id}")
    chat.running.add_done_callback(lambda done: _finish_run(chat, done))


def _finish_run(chat: TemporaryChat, task: asyncio.Task[None]) -> None:
    if chat.running is task:
        chat.running = None
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A temporary chat could not go on", exc_info=error)


async def _run(chat: TemporaryChat, turn: Turn) -> None:
    """Run the turn and emit its last event, whose status says how it ended, as `runner.py` does for stored turns."""
    current_surface.set(Surface.UNRECORDED)  # for this task and its children: no verdict log
    with running_turns.track_turn(turn, "temporary") as tracked:
        tracked.outcome = await _answer(chat, turn)


async def _answer(chat: TemporaryChat, turn: Turn) -> Message.Status:
    """Generate the answer, emit its last event and return its status."""
    answering = asyncio.create_task(generate_answer(turn))
    suspended = temporary_turn.wait_for_suspension(turn.input.user, RECHECK_S)
    try:
        ended = await runner.wait_for_ending(answering, stop=chat.log.wait_stop(turn.id), suspended=suspended)
    finally:
        await charge_usage(turn)
    try:
        status, reason = runner.determine_ending(turn, ended, answering)
        turn.findings.record_withheld(findings.get_withheld(answering))
        await in_db(findings.open_cases_for_unstored, chat.owner, *turn.findings.list_all())
        html = await runner.finish_rendering(turn)
        if status in preparation.PROMPTED_STATUSES and (turn.text or turn.quotes):
            exchange = turn.input.question_id, temporary_turn.make_exchange(turn)
            chat.exchanges = (*chat.exchanges, exchange)[-MAX_EXCHANGES:]
            chat.numbers = temporary_turn.get_numbers(turn)
        chat.running = None  # before the last event: its receiver may ask the next question
        reason = BROKEN if reason == runner.FAILURE_REASON else reason
        ended_html = await runner.render_withheld(turn, status, reason)
        shown = turn.is_mostly_unsupported, ended_html, turn.only_quotes
        await turn.emit(Closed(status, html, translate_stored(reason), False, *shown))
        return status
    finally:
        await chat.log.finish(turn.id)
