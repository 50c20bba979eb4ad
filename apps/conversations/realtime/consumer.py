"""Socket of a page, `/ws/chat/`: JSON objects in text frames, both ways.

Messages of the page:

    {"do": "ask", "client_id": "…", "conversation": uuid or null, "text": "…", "collections": [uuid, …],
     "filters": {…}, "without_documents": false, "after": uuid or null, "reworded_question": uuid or null}
    {"do": "typing", "text": "…", …}                as "ask", when typing pauses: starts a prefetch; an empty text
                                                    cancels it. Nothing is answered or stored
    {"do": "resume", "turn": uuid, "after": seq}    replays what came after that number, then follows to the end
    {"do": "stop", "turn": uuid}                    from any tab; the turn ends as "stopped"
    {"do": "answer_now", "turn": uuid}              a question stops waiting for files that are being ingested
    {"do": "decide", "turn": uuid, "call": "1", "allow": true}     decision on a tool call that asks
    {"do": "retry", "turn": uuid, "client_id": "…", "sampling": {…}, "filters": {…}}
                                                    the same question again: a new answer beside it
    {"do": "answer_without_documents", "turn", …}   as "retry", and marked as not from documents
    {"do": "let_model_write", "turn", …}            as "retry", and a model writes that rests below quotes
    {"do": "continue", "turn": uuid, …}             continues an unfinished answer, which is replaced
    {"do": "queue", "position", …}                  like "ask": waits until the answer there has ended
    {"do": "queue_now" or "unqueue", "queued": id}  asks it at once, stopping the running answer; removes it
    {"do": "seen", "conversation": uuid}            marks the conversation as read
    {"do": "look", "conversation": uuid}            asks for retracted answers, which a page may have missed
    {"do": "watch", "secret": "…"}                  the page shows that shared link
    {"do": "stay", "conversation": uuid}            the page shows that temporary chat: asks have `temporary`
    {"do": "reword", "question": uuid, "text": "…", "client_id": "…"}
                                                    replaces the text of the question; its answers stay

`client_id` has up to 40 characters and is made by the page: a repeated ask posts once. `collections: []` searches all
that are visible, `filters` are those of `documents/retrieval/filters.py`; left out, the conversation's own hold.
`after` is the answer that is followed, `reworded_question` the question that is reworded. Messages to the page, besides
the events of `core/events.py`:

    {"type": "accepted", "client_id", "turn", "conversation", "question"}
                                                    the turn runs; its events follow on this socket by themselves
    {"type": "refused", "client_id", "text"}        nothing was stored; text for the user (id "" if unreadable)
    {"type": "reworded", "client_id", "html"}       the question as it reads now
    {"type": "queued" or "first" or "unqueued", …}  replies to those; the last with "text" and "position"
    {"type": "gone", "conversation"}                that temporary chat has ended
    {"type": "unknown", "turn"}                     cannot be followed (ended, foreign, unknown): fetch the page
    {"type": "retracted", "turn", "reason", …}      a reviewer withheld that answer: remove its text at once
    {"type": "released", "turn", …}                 a reviewer restored it, or it changed: fetch it
    {"type": "picture", "picture", "held"}          that picture is held, or released again
    {"type": "standing", "conversation", "retracted": [{"turn", "reason", "question"}]}   the reply to "look"
    {"type": "hint", "conversation"}                a turn began or ended there ("turn": ended): refresh

Close codes: 4401 signed out, 4429 too many sockets, 1009 a message too large, 1012 the server restarts (connect
again and resume). A page that reads nothing for ten seconds is dropped. Turns run in tasks of their own
(`turns/runner.py`); the socket only reads their log.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from contextlib import suppress
from typing import Any
from uuid import UUID

import orjson
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.db import InterfaceError, OperationalError
from django.urls import path

from apps.conversations.core import requests
from apps.conversations.core.session_user import activate_language, check_sessions, get_session_key, get_session_user
from apps.conversations.errors import RequestRefused
from apps.conversations.history import branching, conversation_actions
from apps.conversations.models import Message
from apps.conversations.moderation import findings, retraction
from apps.conversations.realtime.subscriptions import TurnSubscriptions
from apps.conversations.rendering.answer_renderer import render_question
from apps.conversations.sharing import links
from apps.conversations.tools import approvals
from apps.conversations.turns import prefetch, question_queue, retrieval, runner, temporary_chats
from apps.conversations.turns.preparation import SessionEnded
from apps.engines.types import EngineError
from apps.lib import metrics, websocket_push
from apps.lib.concurrency.batched_polling import BatchedPoller
from apps.lib.concurrency.threads import in_db
from apps.safety.gate import gate
from apps.users.i18n import translate_stored
from apps.users.models import User
from apps.users.rate_limits import RateLimited

log = logging.getLogger(__name__)

SIGNED_OUT, TOO_MANY, TOO_LARGE, RESTARTING = 4401, 4429, 1009, 1012
DELIBERATE_CLOSE_CODES = {1000, 1001}  # sent by a page that was closed or left
MAX_SOCKETS = 10  # open at once per user, in this process
MAX_FRAME_BYTES = 256 * 1024  # a question of 20,000 characters has at most 120 KB in JSON
RECHECK_S = 4.0  # seconds; a sign-out, suspension or new password closes the socket within this time
SEND_S = 10.0  # seconds; a client that reads nothing for so long is dropped

_open: Counter[int] = Counter()
_pages: set[ChatConsumer] = set()  # open sockets of this process
_sessions = BatchedPoller(lambda: RECHECK_S, check_sessions)  # for all sockets of this process


def _get_outage_errors() -> tuple[type[Exception], ...]:
    """Return the types of errors while Redis or the database is away."""
    return (*websocket_push.get_layer_errors(), OperationalError, InterfaceError)


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Socket of one page. Handlers are short; followed turns run in tasks, so that a stop is received at once."""

    user: User | None = None
    attached = False  # between `connect` and `_detach`
    watch: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the socket, and detach it however it ends.

        Channels calls `disconnect` only if the client closes the socket: not if a handler raises, nor if the channel
        layer does. While Redis or the database is away, the socket closes as at a restart: its groups may be forgotten,
        and the page connects again.
        """
        try:
            await super().__call__(scope, receive, send)
        except _get_outage_errors() as error:
            log.warning("A socket closes, since Redis or the database is away: %s", error)
            await self.close(RESTARTING)
        finally:
            await self._detach(closed=False)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the handler as Channels does, without its hop to a shared thread; `in_db` manages database
        connections.
        """
        handler = getattr(self, message["type"].replace(".", "_"), None)
        if handler is None:
            raise ValueError(f"No handler for {message['type']!r}")
        await handler(message)

    async def connect(self) -> None:
        """Accept the socket of a signed-in user, up to MAX_SOCKETS each; otherwise close it with a code."""
        self.session_key = get_session_key(self.scope["headers"])
        self.following = TurnSubscriptions(self.session_key, self._send_text, self._send)
        self.groups_joined: set[str] = set()
        self.attached = True
        user = await in_db(get_session_user, self.session_key)
        await self.accept()  # a refused handshake would not carry the close code to the page
        if user is None or _open[user.pk] >= MAX_SOCKETS:
            await self.close(SIGNED_OUT if user is None else TOO_MANY)
            return
        self.user = activate_language(user, self.scope["headers"])
        _pages.add(self)
        _open[user.pk] += 1
        metrics.SOCKETS.inc()
        await self._join(websocket_push.get_user_channel(user.pk))
        self.watch = asyncio.create_task(self._watch())

    async def disconnect(self, code: int) -> None:
        """Detach everything that belongs to the socket."""
        await self._detach(closed=code in DELIBERATE_CLOSE_CODES)
        raise StopConsumer

    async def _detach(self, *, closed: bool) -> None:
        """Detach everything that belongs to the socket, once. It counts as closed first, whatever fails after that.

        `closed`: the page was closed or left, and will not reconnect.
        """
        if not self.attached:
            return
        self.attached = False
        _pages.discard(self)
        if self.user is not None:
            _open[self.user.pk] -= 1
            metrics.SOCKETS.dec()
        temporary_chats.disconnect(self.channel_name, closed=closed)
        self.following.end()
        if self.watch is not None:
            self.watch.cancel()
        if self.user is not None:
            prefetch.cancel_prefetch(self.user)
            self.user = None
            await self._leave_groups()

    async def _leave_groups(self) -> None:
        """Leave the channel groups; those of a layer that is away forget the channel when it expires."""
        layer = get_channel_layer()
        try:
            for group in self.groups_joined if layer is not None else ():
                await layer.group_discard(group, self.channel_name)
        except Exception as error:  # noqa: BLE001 - whatever the layer raises, the socket is closed
            log.warning("A closed socket could not leave its groups: %s", error)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle one frame; refusals are sent as "refused"."""
        if self.user is None:
            return
        if len(bytes_data or (text_data or "").encode()) > MAX_FRAME_BYTES:
            await self.close(TOO_LARGE)
            return
        client_id = ""
        try:
            message = requests.parse_frame(text_data)
            client_id = requests.parse_client_id(message)
            await self._handle_message(self.user, message, client_id)
        except (RequestRefused, RateLimited, EngineError) as error:
            await self._send({"type": "refused", "client_id": client_id, "text": translate_stored(error)})
        except SessionEnded:
            await self.close(SIGNED_OUT)

    async def drop(self, message: dict[str, Any]) -> None:
        """End the consumer without a close frame; the server closes the connection."""
        await self.disconnect(1011)

    async def tell(self, message: dict[str, Any]) -> None:
        """Send a message that all pages of the user, or readers of a link, receive.

        After "retracted", no further event of that turn is sent, even if already read from its log.
        """
        event = message["message"]
        if event["type"] == "retracted":
            self.following.leave(event["turn"])
        await self._send(event)

    async def _handle_message(self, user: User, message: dict[str, Any], client_id: str) -> None:
        if message.get("do") == "typing":
            return self._prefetch_draft(user, message)
        match requests.parse_command(message):
            case requests.AskCommand(action="queue") as ask:
                await self._advance_queue(await question_queue.queue_question(user, ask, message), client_id)
            case requests.AskCommand() as ask:
                prefetch.cancel_prefetch(user)
                await self._ask(user, ask)
            case requests.RetryCommand() as retry:
                await self._ask(user, retry)
            case requests.QueuedCommand() as queued:
                await self._advance_queue(await question_queue.change_queue(user, queued), client_id)
            case requests.RewordCommand(question=question, text=text):
                await self._reword(user, question, text, client_id)
            case requests.ResumeCommand(turn=turn, after=after):
                await self._resume(turn, after)
            case requests.TurnCommand(action="stop", turn=turn):
                await self._stop(turn)
            case requests.TurnCommand(turn=turn):
                retrieval.skip_file_wait(user, turn)
            case requests.DecideCommand(turn=turn, call=call, allow=allow):
                await in_db(approvals.save_decision, user, turn, call, allow)
            case requests.WatchCommand(secret=secret):
                await self._join(*await in_db(links.get_subscribed_groups, secret))
            case requests.ConversationCommand(action="look", conversation=conversation):
                standing = await in_db(retraction.list_retracted, user, conversation)
                await self._send({"type": "standing", "conversation": str(conversation), "retracted": standing})
            case requests.ConversationCommand(action="seen", conversation=conversation):
                await in_db(conversation_actions.mark_read, user, conversation)
            case requests.ConversationCommand(conversation=conversation):
                await self._reconnect_chat(user, conversation)

    async def _ask(self, user: User, request: requests.AskCommand | requests.RetryCommand) -> None:
        if isinstance(request, requests.AskCommand) and request.temporary:
            ids = await temporary_chats.submit_question(user, self.session_key, request, self.channel_name)
        else:
            ids = await runner.submit_request(user, self.session_key, request)
        await self._send(
            {
                "type": "accepted",
                "client_id": request.client_id,
                "turn": str(ids.answer_id),
                "conversation": str(ids.conversation_id),
                "question": str(ids.question_id),
            }
        )
        self.following.begin(ids.answer_id, 0)

    async def _join(self, *groups: str) -> None:
        """Join the channel groups."""
        layer = get_channel_layer()
        for group in groups if layer is not None else ():
            await layer.group_add(group, self.channel_name)
            self.groups_joined.add(group)

    async def _reconnect_chat(self, user: User, conversation: UUID) -> None:
        if not temporary_chats.reconnect(user, conversation, self.channel_name):
            await self._send({"type": "gone", "conversation": str(conversation)})

    def _prefetch_draft(self, user: User, message: dict[str, Any]) -> None:
        """Start a prefetch for the draft. Invalid drafts are ignored, since they may become valid."""
        prefetch.cancel_prefetch(user)
        with suppress(RequestRefused):
            prefetch.start_prefetch(user, self.session_key, requests.parse_ask(message))

    async def _advance_queue(self, reply: dict[str, Any], client_id: str) -> None:
        """Send the reply, then stop the running answer after a move to the front; else ask the next if none runs."""
        await self._send({"client_id": client_id, **reply})
        if reply.get("turn"):
            await runner.stop_turn(reply["turn"])
        else:
            await runner.run_next_queued(UUID(reply["conversation"]))

    async def _reword(self, user: User, question: UUID, text: str, client_id: str) -> None:
        verdict = await gate.check_question(text, level=await in_db(branching.get_rewording_level, user, question))
        if not verdict.allowed:
            await findings.open_case_for_question(user, verdict)
            raise RequestRefused(verdict.message)
        await in_db(branching.reword_question, user, question, text, verdict.evaluation)
        await self._send({"type": "reworded", "client_id": client_id, "html": render_question(text)})

    async def _resume(self, turn: UUID, after: int) -> None:
        if await self._status(turn) is None:
            return await self._send({"type": "unknown", "turn": str(turn)})
        self.following.begin(turn, after)

    async def _stop(self, turn: UUID) -> None:
        status = await self._status(turn)
        if status is None:
            await self._send({"type": "unknown", "turn": str(turn)})
        elif status == Message.Status.WRITING:
            await runner.stop_turn(turn, temporary_chats.get_turn_log(turn))

    async def _status(self, turn: UUID) -> str | None:
        if self.user is not None and temporary_chats.is_temporary_turn(self.user, turn):
            return Message.Status.WRITING  # the log knows whether the turn has ended
        return await in_db(runner.get_status, self.session_key, turn)

    @property
    def is_movable(self) -> bool:
        """Return whether another process can serve the page as well: it shows no temporary chat."""
        return not temporary_chats.has_chats(self.channel_name)

    async def _watch(self) -> None:
        """Close the socket soon after its user signed out, was suspended, or changed the password."""
        await _sessions.wait_until_over(self.session_key)
        await self.close(SIGNED_OUT)

    async def _send(self, value: dict[str, Any]) -> None:
        await self._send_text(orjson.dumps(value))

    async def _send_text(self, data: bytes) -> None:
        """Send one frame; drop a client that does not read."""
        try:
            async with asyncio.timeout(SEND_S):
                await self.send(text_data=data.decode())
        except TimeoutError:
            # A close frame would wait behind unread frames, so the consumer itself has to end.
            await get_channel_layer().send(self.channel_name, {"type": "drop"})
        except OSError:
            log.debug("A page left while it was told something")


async def move_pages(within_s: float) -> None:
    """Tell the pages that are connected now to connect again, at random moments within that many seconds.

    A proxy sends them to another process. Pages that come back to this one stay.
    """
    pages = list(_pages)
    random.shuffle(pages)
    for page in pages:
        await asyncio.sleep(within_s / len(pages))
        if page.attached and page.is_movable:
            await page.close(RESTARTING)


websocket_urlpatterns: list[Any] = [path("ws/chat/", ChatConsumer.as_asgi())]
