"""Fixtures for conversations: a chat socket, a library with documents, and turns that end with their test."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from asgiref.testing import ApplicationCommunicator
from celery import current_app
from django.conf import LazySettings, settings
from django.test import Client

from apps.conversations.models import Message
from apps.conversations.realtime import consumer
from apps.conversations.turns import prefetch, runner
from apps.documents.models import Collection
from apps.engines import registry
from apps.engines.chat.fake import FakeChat
from apps.engines.image.fake import FakePainter
from apps.engines.turnlog.redis import RedisTurnLog
from apps.grounding.answer_relevance import AnswerCheck
from apps.grounding.citer import Citer
from apps.images.generation import model_info
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from assistant.asgi import application
from tests.conversations.client_transcript import ClientTranscript
from tests.engines.conftest import redis_url
from tests.factories import make_collection, make_document, make_user

__all__ = ["redis_url"]

ORIGIN = settings.ALLOWED_ORIGINS[0].encode()
WAIT_S = 60  # seconds to wait for a message, on any machine


class Page:
    """Client end of the chat socket."""

    def __init__(self, wire: ApplicationCommunicator) -> None:
        self.wire = wire

    async def tell(self, **message: Any) -> None:
        await self.send(orjson.dumps(message).decode())

    async def send(self, text: str) -> None:
        await self.wire.send_input({"type": "websocket.receive", "text": text})

    async def hear(self, *types: str, timeout: float = WAIT_S) -> dict[str, Any]:
        """Return the next message, or the next of these types. Hints are skipped unless named. Raise Closed."""
        while True:
            output = await self.wire.receive_output(timeout=timeout)
            if output["type"] == "websocket.close":
                raise Closed(output["code"])
            message: dict[str, Any] = orjson.loads(output["text"])
            if message["type"] in types or (not types and message["type"] != "hint"):
                return message

    async def closed(self, timeout: float = WAIT_S) -> int:
        """Return the code with which the server closes the socket."""
        try:
            while True:
                await self.hear(timeout=timeout)
        except Closed as closed:
            return closed.code

    async def silent(self, seconds: float = 0.2) -> bool:
        """Return whether no message except hints arrives within these seconds."""
        until = asyncio.get_running_loop().time() + seconds
        while not await self.wire.receive_nothing(max(0.01, until - asyncio.get_running_loop().time())):
            if orjson.loads((await self.wire.receive_output())["text"])["type"] != "hint":
                return False
        return True

    async def ask(self, text: str, **also: Any) -> dict[str, Any]:
        """Ask a question in a new conversation and return the reply, "accepted" or "refused"."""
        await self.tell(**{"do": "ask", "client_id": uuid.uuid4().hex, "conversation": None, "text": text, **also})
        return await self.hear("accepted", "refused")

    async def ask_to_end(self, text: str, status: str = "", **also: Any) -> tuple[Message, list[dict[str, Any]]]:
        """Ask, check that the turn ends with `status` if given, and return the stored answer and the events."""
        return await self._follow(await self.ask(text, **also), status)

    async def _follow(self, accepted: dict[str, Any], status: str) -> tuple[Message, list[dict[str, Any]]]:
        assert accepted["type"] == "accepted", accepted
        events = await self.events()
        assert status in ("", events[-1]["status"]), events[-1]
        rows = Message.objects.select_related("parent", "conversation")
        return await rows.aget(pk=accepted["turn"]), events

    async def get_answer(self, text: str, status: str = "", **also: Any) -> Message:
        """Ask a question and return the stored answer, as `ask_to_end`."""
        return (await self.ask_to_end(text, status, **also))[0]

    async def retry(self, answer: Any, status: str = "", do: str = "retry", **also: Any) -> Message:
        """Have the question of this answer (its id) answered again, and return the stored answer, as `ask_to_end`."""
        await self.tell(**{"do": do, "client_id": uuid.uuid4().hex, "turn": str(answer), **also})
        return (await self._follow(await self.hear("accepted", "refused"), status))[0]

    async def type_draft(self, text: str, **also: Any) -> None:
        """Tell the server what is being typed, and wait until it was received."""
        client_id = uuid.uuid4().hex
        await self.tell(**{"do": "typing", "client_id": client_id, "conversation": None, "text": text, **also})
        await self.tell(do="nothing in particular")
        await self.hear("refused")

    async def events(self, until: str = "closed", timeout: float = WAIT_S) -> list[dict[str, Any]]:
        """Return the events up to that type; each must arrive within `timeout` seconds of the one before."""
        heard = []
        while not heard or heard[-1]["type"] != until:
            heard.append(await self.hear(timeout=timeout))
        return heard


class Closed(Exception):
    """Raised if the server closes the socket, with its code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def transcript(events: list[dict[str, Any]]) -> ClientTranscript:
    """Return the state of a client after these events."""
    client = ClientTranscript()
    for event in events:
        client.apply(orjson.dumps(event))
    return client


def session_of(user: User) -> str:
    """Sign the user in and return the session key."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def scope(key: str) -> dict[str, Any]:
    """Return the ASGI scope of a socket with that session."""
    cookie = f"{settings.SESSION_COOKIE_NAME}={key}".encode()
    return {
        "type": "websocket",
        "path": "/ws/chat/",
        "query_string": b"",
        "headers": [(b"origin", ORIGIN), (b"cookie", cookie)],
        "subprotocols": [],
    }


def writes_on(chat: FakeChat) -> None:
    """Let the model write for a minute, unless it is stopped or `gap_s` is 0.

    All words differ, because a repetitive answer would be ended as a loop.
    """
    chat.reply, chat.gap_s = " ".join(f"word{number}" for number in range(2000)), 0.1


async def wait_until(holds: Callable[[], object]) -> None:
    """Wait until the condition holds. Raise TimeoutError after WAIT_S."""
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.005)


async def wait_for_prefetches() -> None:
    """Wait until no prefetch runs."""
    await wait_until(lambda: not prefetch._prefetches)


@pytest.fixture
def by_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gate judge whole sentences, however long the machine pauses within one."""
    for name in ("FIRST_WAIT_S", "WAIT_S", "SILENCE_S"):
        monkeypatch.setattr(f"apps.safety.gate.streaming.{name}", 600.0)


async def left(wire: ApplicationCommunicator) -> None:
    """Disconnect the page as when a tab is closed."""
    if not wire.future.done():
        await wire.send_input({"type": "websocket.disconnect", "code": 1001})
    await wire.wait(WAIT_S)


@pytest.fixture
async def open_page(transactional_db: None) -> AsyncIterator[Callable[..., Any]]:
    """Return a function that opens sockets: `page = await open_page(user)`, or with the `key` of a session."""
    async with AsyncExitStack() as stack:

        async def opened(user: User | None = None, key: str = "") -> Page:
            if user is not None:
                key = await in_db(session_of, user)
            wire = ApplicationCommunicator(application, scope(key))
            await wire.send_input({"type": "websocket.connect"})
            assert (await wire.receive_output(timeout=WAIT_S))["type"] == "websocket.accept"
            stack.push_async_callback(left, wire)
            return Page(wire)

        yield opened
    for turn, _ in list(runner._running.values()):
        turn.interrupt.set()
    await runner.wait_until_idle()
    consumer._open.clear()


@pytest.fixture
async def page(open_page: Callable[..., Any], alice: User) -> Page:
    """Return the socket of a page of Alice."""
    return cast(Page, await open_page(alice))


class Log:
    """Turn log of this process, of either kind."""

    async def forget(self) -> None:
        """Delete all events, as after a restart."""
        log = registry.get_turn_log()
        if isinstance(log, RedisTurnLog):
            await log._client().flushdb()
        else:
            registry._built.pop("turnlog")


@pytest.fixture(params=["memory", pytest.param("redis", marks=[pytest.mark.redis, pytest.mark.slow])])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[Log]:
    """Run the test with the in-memory turn log, and with the one in a real Redis."""
    turn_log: RedisTurnLog | None = None
    if request.param == "redis":
        turn_log = RedisTurnLog(request.getfixturevalue("redis_url"))
        registry._built["turnlog"] = turn_log
    yield Log()
    if turn_log is not None:
        for turn, _ in list(runner._running.values()):
            turn.interrupt.set()
        await runner.wait_until_idle()
        await turn_log.close()


async def _begin_no_selection(*_: object, **__: object) -> None:
    return None


@pytest.fixture(autouse=True)
def model_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the model even if no quote is likely right, as with the fake embedder (not in `test_no_likely_quote.py`)."""
    monkeypatch.setattr("apps.conversations.turns.quotes.begin_selection", _begin_no_selection)


@pytest.fixture
def any_sentence_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept sentences that do not answer the question, in the words of any model."""
    monkeypatch.setattr(AnswerCheck, "accepts", lambda self, claim: True)
    monkeypatch.setattr("apps.conversations.turns.verification.QuotedCiter", Citer)


@pytest.fixture
def alice(transactional_db: None) -> User:
    return make_user("alice")


@pytest.fixture
def bob(transactional_db: None) -> User:
    return make_user("bob")


@pytest.fixture
def library(alice: User) -> Collection:
    """Return Alice's collection with two documents on different subjects."""
    collection = make_collection(alice, "Handbook")
    make_document(
        collection,
        "Lighthouses",
        [
            "The lighthouse of Alexandria was built between 280 and 247 BC. It stood about 100 metres high. "
            "Three earthquakes damaged it badly.",
        ],
    )
    make_document(
        collection,
        "Bees",
        [
            "A honey bee colony has one queen. Workers live about six weeks in summer. "
            "The queen can live for five years.",
        ],
    )
    return collection


@pytest.fixture
def painter(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePainter:
    """Return the fake image engine; nothing is drawn before a test runs the queue."""
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)
    model_info.refresh_model()
    return cast(FakePainter, registry.get_image_engine())


@pytest.fixture
def caller(chat: FakeChat) -> FakeChat:
    """Return the fake model with tool support."""
    chat.tools = True
    return chat
