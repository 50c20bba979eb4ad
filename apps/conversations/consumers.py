"""The one socket of a page, `/ws/chat/`: JSON objects in text frames, both ways.

A page asks:

    {"do": "ask", "client_id": "…", "conversation": uuid or null, "text": "…",
     "collections": [uuid, …], "without_documents": false}
    {"do": "resume", "turn": uuid, "after": seq}    replays what came after that number, then follows to the end
    {"do": "stop", "turn": uuid}                    from any tab; the turn ends as "stopped"
    {"do": "retry", "turn": uuid, "client_id": "…"}
                                                    the same question again: a new answer beside it
    {"do": "answer_without_documents", "turn": uuid, "client_id": "…"}
                                                    likewise, and marked as not from the documents

`client_id` has up to 40 characters and is made by the page: a repeated ask posts once. `collections: []` searches all
that are visible; left out, the conversation's own are searched. The page is told, besides the events of `events.py`:

    {"type": "accepted", "client_id", "turn", "conversation", "question"}
                                                    the turn runs; its events follow on this socket by themselves
    {"type": "refused", "client_id", "words"}       nothing was kept; words for the person (id "" where none was read)
    {"type": "unknown", "turn"}                     cannot be followed (over, not yours, never was): fetch the page
    {"type": "hint", "conversation"}                a turn began or ended there, in any tab: refresh lists

Close codes: 4401 signed out, 4429 too many sockets, 1009 a message too large, 1012 the server restarts (connect
again and resume). A page that reads nothing for ten seconds is dropped. A turn runs in a task of its own (`turns.py`);
a socket only reads its log.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import aclosing
from typing import Any
from uuid import UUID

import orjson
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.urls import path

from apps.conversations import asks, hints, turns
from apps.conversations.asks import Refused
from apps.conversations.models import Message
from apps.conversations.opening import Kept, SignedOut
from apps.conversations.session import session_key, signed_in
from apps.engines import registry
from apps.engines.base import EngineError
from apps.lib.threads import in_db
from apps.users.models import User

log = logging.getLogger(__name__)

SIGNED_OUT, TOO_MANY, TOO_LARGE = 4401, 4429, 1009
SOCKETS = 10  # open at once per person, in this process
FOLLOWED = 20  # turns that one socket follows at once
LARGEST = 256 * 1024  # bytes of a message; a question of 20,000 characters has at most 120 KB in JSON
RECHECK_S = 4.0  # a sign-out, a deactivation or a new password closes the socket within this time
SEND_S = 10.0  # a client that reads nothing for so long is dropped
_UNREADABLE = "The page sent something that cannot be read. Reload it and ask again."

_open: Counter[int] = Counter()


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One socket. Its own handlers are short; what it follows runs in tasks, so that a stop is heard at once."""

    user: User | None = None

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As in Channels, without its hop to a shared thread before each message: `in_db` looks after connections."""
        handler = getattr(self, message["type"].replace(".", "_"), None)
        if handler is None:
            raise ValueError(f"No handler for {message['type']!r}")
        await handler(message)

    async def connect(self) -> None:
        self.key = session_key(self.scope["headers"])
        self.following: dict[str, asyncio.Task[None]] = {}
        self.watch: asyncio.Task[None] | None = None
        self.sending = asyncio.Lock()
        user = await in_db(signed_in, self.key)
        await self.accept()  # a refused handshake would not carry the close code to the page
        if user is None or _open[user.pk] >= SOCKETS:
            await self.close(SIGNED_OUT if user is None else TOO_MANY)
            return
        self.user = user
        _open[user.pk] += 1
        layer = get_channel_layer()
        if layer is not None:
            await layer.group_add(hints.group(user.pk), self.channel_name)
        self.watch = asyncio.create_task(self._watch())

    async def disconnect(self, code: int) -> None:
        tasks = [*self.following.values(), *([self.watch] if self.watch else [])]
        for task in tasks:
            task.cancel()
        if self.user is not None:
            _open[self.user.pk] -= 1
            layer = get_channel_layer()
            if layer is not None:
                await layer.group_discard(hints.group(self.user.pk), self.channel_name)
            self.user = None
        raise StopConsumer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.user is None:
            return
        if len(text_data or bytes_data or "") > LARGEST:
            await self.close(TOO_LARGE)
            return
        client_id = ""
        try:
            message = _message(text_data)
            client_id = asks.client_id(message, required=False)
            await self._do(self.user, message, client_id)
        except Refused as refusal:
            await self._send({"type": "refused", "client_id": client_id, "words": str(refusal)})
        except EngineError as error:
            await self._send({"type": "refused", "client_id": client_id, "words": str(error)})
        except SignedOut:
            await self.close(SIGNED_OUT)

    async def drop(self, message: dict[str, Any]) -> None:
        """The consumer ends, and the server closes the line."""
        await self.disconnect(1011)

    async def hint(self, message: dict[str, Any]) -> None:
        await self._send({"type": "hint", "conversation": message["conversation"]})

    async def _do(self, user: User, message: dict[str, Any], client_id: str) -> None:
        match message.get("do"):
            case "ask":
                await self._begun(await turns.ask(user, self.key, asks.ask(message)), client_id)
            case "retry":
                await self._begun(await turns.ask(user, self.key, asks.again(message)), client_id)
            case "answer_without_documents":
                await self._begun(
                    await turns.ask(user, self.key, asks.again(message, without_documents=True)), client_id
                )
            case "resume":
                await self._resume(asks.identifier(message.get("turn")), message.get("after"))
            case "stop":
                await self._stop(asks.identifier(message.get("turn")))
            case _:
                raise Refused(_UNREADABLE)

    async def _begun(self, kept: Kept, client_id: str) -> None:
        await self._send(
            {
                "type": "accepted",
                "client_id": client_id,
                "turn": str(kept.answer),
                "conversation": str(kept.conversation),
                "question": str(kept.question),
            }
        )
        self._follow(kept.answer, 0)

    async def _resume(self, turn: UUID, after: Any) -> None:
        if not isinstance(after, int) or isinstance(after, bool) or after < 0:
            raise Refused(_UNREADABLE)
        if await in_db(_status, self.key, turn) is None:
            return await self._send({"type": "unknown", "turn": str(turn)})
        self._follow(turn, after)

    async def _stop(self, turn: UUID) -> None:
        status = await in_db(_status, self.key, turn)
        if status is None:
            await self._send({"type": "unknown", "turn": str(turn)})
        elif status == Message.Status.WRITING:
            await turns.stop(turn)

    def _follow(self, turn: UUID, after: int) -> None:
        """The events of the turn after that number go out on this socket, from the log alone."""
        name = str(turn)
        if (old := self.following.pop(name, None)) is not None:
            old.cancel()
        if len(self.following) >= FOLLOWED:
            raise Refused("This page follows too many answers at once. Reload it.")
        task = self.following[name] = asyncio.create_task(self._tail(name, after))
        task.add_done_callback(lambda done: self._followed(name, done))

    def _followed(self, name: str, task: asyncio.Task[None]) -> None:
        if self.following.get(name) is task:
            del self.following[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A turn could not be followed", exc_info=error)

    async def _tail(self, turn: str, after: int) -> None:
        closed = False
        try:
            async with aclosing(registry.turnlog().tail(turn, after)) as entries:
                async for entry in entries:
                    closed = entry.data.startswith(b'{"type":"closed"')
                    await self._send_text(b'{"seq":%d,%b' % (entry.seq, entry.data[1:]))
        except EngineError as error:
            log.warning("A turn is no longer followed: %s", error)
        if not closed:  # the log is gone or away, or its process died before the end
            await self._over(turn)

    async def _over(self, turn: str) -> None:
        """The page is told to fetch the stored answer once the row is at an end."""
        while await in_db(_status, self.key, UUID(turn)) == Message.Status.WRITING:
            await asyncio.sleep(1)
        await self._send({"type": "unknown", "turn": turn})

    async def _watch(self) -> None:
        """Closes the socket soon after its person was signed out, deactivated, or changed the password."""
        while True:
            await asyncio.sleep(RECHECK_S)
            if await in_db(signed_in, self.key) is None:
                await self.close(SIGNED_OUT)
                return

    async def _send(self, value: dict[str, Any]) -> None:
        await self._send_text(orjson.dumps(value))

    async def _send_text(self, data: bytes) -> None:
        """One frame, whole; a client that does not read is dropped."""
        try:
            async with self.sending, asyncio.timeout(SEND_S):
                await self.send(text_data=data.decode())
        except TimeoutError:
            # A close frame would wait behind what is not read: the consumer itself has to end.
            await get_channel_layer().send(self.channel_name, {"type": "drop"})
        except OSError:
            log.debug("A page left while it was told something")


def _message(text: str | None) -> dict[str, Any]:
    try:
        value = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        raise Refused(_UNREADABLE) from None
    if not isinstance(value, dict):
        raise Refused(_UNREADABLE)
    return value


def _status(key: str, turn: UUID) -> str | None:
    """The status of that person's turn; None where it is not theirs or is not there. Raises SignedOut."""
    user = signed_in(key)
    if user is None:
        raise SignedOut
    return Message.objects.visible_to(user).answers().filter(pk=turn).values_list("status", flat=True).first()


websocket_urlpatterns: list[Any] = [path("ws/chat/", ChatConsumer.as_asgi())]
