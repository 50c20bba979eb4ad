"""The socket: who may open it and for how long, what it does with nonsense, and that turns of others are not there."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from apps.conversations.models import Message
from apps.conversations.realtime import consumer
from apps.conversations.turns import runner
from apps.lib.concurrency.threads import in_db
from apps.users.models import User, UserSession
from assistant.asgi import application
from tests.conversations.conftest import WAIT_S, scope, session_of, writes_on

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


async def test_socket_without_a_valid_session_is_closed(open_page) -> None:
    for key in ("", "nonsense", "x" * 5000):
        page = await open_page(key=key)
        assert await page.closed() == 4401


@pytest.mark.parametrize(
    "origin",
    [
        None, b"null", b"https://evil.example", b"http://localhost:1", b"https://localhost",
        b"http://evil.example:99999", b"http://evil.example:port", b"http://[", b"\xff\xfe",
    ],
)  # fmt: skip
async def test_foreign_origin_is_refused_before_the_socket_opens(alice: User, caplog, origin: bytes | None) -> None:
    handshake = scope(await in_db(session_of, alice))
    handshake["headers"] = [(name, value) for name, value in handshake["headers"] if name != b"origin"]
    if origin is not None:
        handshake["headers"].append((b"origin", origin))
    wire = ApplicationCommunicator(application, handshake)
    await wire.send_input({"type": "websocket.connect"})
    assert (await wire.receive_output(WAIT_S))["type"] == "websocket.close"  # servers answer 403
    await wire.wait(WAIT_S)
    assert "SITE_URL" in caplog.text and "ALLOWED_HOSTS" in caplog.text


async def _sign_out(user: User) -> None:
    await UserSession.objects.all().adelete()


async def _deactivate(user: User) -> None:
    await User.objects.filter(pk=user.pk).aupdate(is_active=False)


async def _new_password(user: User) -> None:
    user.set_password("another horse battery")
    await user.asave()


@pytest.mark.parametrize("end", [_sign_out, _deactivate, _new_password])
async def test_an_open_socket_closes_soon_after_its_person_may_no_longer_come_in(
    open_page, alice, monkeypatch, end
) -> None:
    assert consumer.RECHECK_S < 5
    monkeypatch.setattr(consumer, "RECHECK_S", 0.05)
    page = await open_page(alice)
    await end(alice)
    assert await page.closed() == 4401


@pytest.mark.parametrize("end", [_sign_out, _deactivate, _new_password])
async def test_message_after_the_end_of_a_session_does_nothing(page, alice, library, end) -> None:
    await end(alice)
    await page.tell(do="ask", client_id="1", conversation=None, text=QUESTION)
    assert await page.closed() == 4401
    assert await Message.objects.acount() == 0


async def test_ten_sockets_a_person_and_one_more_when_one_is_closed(open_page, alice, bob) -> None:
    pages = [await open_page(alice) for _ in range(consumer.MAX_SOCKETS)]
    assert await (await open_page(alice)).closed() == 4429
    await open_page(bob)
    await pages[0].wire.send_input({"type": "websocket.disconnect", "code": 1001})
    await pages[0].wire.wait(WAIT_S)
    page = await open_page(alice)
    await page.tell(do="stop", turn=str(uuid.uuid4()))
    assert (await page.hear())["type"] == "unknown"


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "null", "[]", "7", '"ask"', "{}", '{"do": 7}', '{"do": "dance"}', '{"do": "ask"}',
        '{"do": "ask", "text": {}}',
        '{"do": "stop"}', '{"do": "stop", "turn": 7}', '{"do": "resume", "turn": "x"}', '{"do": "retry", "turn": null}',
        '{"do": "resume", "turn": "6f1c3f0e-0000-4000-8000-000000000000", "after": "1"}',
        '{"do": "resume", "turn": "6f1c3f0e-0000-4000-8000-000000000000", "after": -1}',
        '{"do": "resume", "turn": "6f1c3f0e-0000-4000-8000-000000000000", "after": true}',
        '{"do": "ask", "client_id": "\\ud800", "text": "x"}', "[" * 5000,
        '{"do": "ask", "client_id": "1", "text": "\x00"}',
    ],
)  # fmt: skip
async def test_nonsense_is_refused_and_the_socket_lives(page, caplog, text: str) -> None:
    await page.send(text)
    assert (await page.hear())["type"] == "refused"
    await page.tell(do="stop", turn=str(uuid.uuid4()))
    assert (await page.hear())["type"] == "unknown"
    assert "Traceback" not in caplog.text


async def test_bytes_are_refused_and_a_message_too_large_ends_the_socket(page) -> None:
    await page.wire.send_input({"type": "websocket.receive", "bytes": b"{}"})
    assert (await page.hear())["type"] == "refused"
    await page.send("x" * (consumer.MAX_FRAME_BYTES + 1))
    assert await page.closed() == 1009


async def test_the_size_of_a_message_is_counted_in_bytes(page) -> None:
    await page.send("€" * (consumer.MAX_FRAME_BYTES // 3 + 1))
    assert await page.closed() == 1009


async def test_a_question_far_too_long_is_refused_with_its_id_so_that_the_draft_can_be_kept(page) -> None:
    refused = await page.ask("x" * 100_000, client_id="mine")
    assert (refused["type"], refused["client_id"]) == ("refused", "mine") and "100,000" in refused["text"]


async def test_a_turn_of_another_is_like_one_that_never_was(open_page, alice, bob, library, chat) -> None:
    writes_on(chat)
    page, theirs = await open_page(alice), await open_page(bob)
    accepted = await page.ask(QUESTION)
    await page.hear("text")
    heard = []
    for turn in (accepted["turn"], str(uuid.uuid4())):
        for message in ({"do": "resume", "after": 0}, {"do": "stop"}, {"do": "retry", "client_id": turn[:8]}):
            await theirs.tell(**message, turn=turn)
            heard.append({**await theirs.hear(), "turn": "", "client_id": ""})
    assert heard[:3] == heard[3:]
    assert (await Message.objects.aget(pk=accepted["turn"])).status == Message.Status.WRITING
    assert await Message.objects.filter(asked_by=bob).acount() == 0


async def test_a_question_is_not_a_turn(page, library, chat) -> None:
    accepted = await page.get_answer(QUESTION)
    await page.tell(do="resume", turn=str(accepted.parent_id), after=0)
    assert (await page.hear())["type"] == "unknown"


async def test_turn_hints_reach_other_tabs_of_the_user_and_no_other_user(open_page, alice, bob, library, chat) -> None:
    page, tab, theirs = await open_page(alice), await open_page(alice), await open_page(bob)
    accepted = await page.ask(QUESTION)
    for _ in range(2):
        assert (await tab.hear("hint"))["conversation"] == accepted["conversation"]
    await page.events()
    await runner.wait_until_idle()
    assert await theirs.wire.receive_nothing(0.1)


async def test_a_page_that_does_not_read_is_dropped_and_its_answer_is_kept(
    open_page, alice, library, chat, monkeypatch
) -> None:
    monkeypatch.setattr(consumer, "SEND_S", 0.1)
    page = await open_page(alice)

    original = consumer.AsyncWebsocketConsumer.send

    async def stuck(self, text_data=None, bytes_data=None, close=False):
        if '"type":"text"' in text_data:
            await asyncio.sleep(3600)
        await original(self, text_data, bytes_data, close)

    monkeypatch.setattr(consumer.ChatConsumer, "send", stuck)
    accepted = await page.ask(QUESTION)
    await page.wire.wait(WAIT_S)  # else it ends after an hour
    assert not consumer._open[alice.pk]
    await runner.wait_until_idle()
    assert (await Message.objects.aget(pk=accepted["turn"])).status == Message.Status.COMPLETE


async def test_sockets_that_cannot_join_their_channel_are_not_counted(alice: User, monkeypatch) -> None:
    """While Redis was away, ten attempts locked a user out until the process was restarted."""

    async def away(self, group: str) -> None:
        raise ConnectionError("Redis is away")

    monkeypatch.setattr(consumer.ChatConsumer, "_join", away)
    for _ in range(2):
        wire = ApplicationCommunicator(application, scope(await in_db(session_of, alice)))
        await wire.send_input({"type": "websocket.connect"})
        with pytest.raises(ConnectionError):
            await wire.wait(WAIT_S)
    assert consumer._open[alice.pk] == 0


async def test_sockets_that_cannot_leave_their_channel_count_as_closed(open_page, alice: User, monkeypatch) -> None:
    async def away(*_: object) -> None:
        raise ConnectionError("Redis is away")

    page = await open_page(alice)
    monkeypatch.setattr(type(consumer.get_channel_layer()), "group_discard", away)
    assert consumer._open[alice.pk] == 1
    await page.wire.send_input({"type": "websocket.disconnect", "code": 1001})
    await page.wire.wait(WAIT_S)
    assert consumer._open[alice.pk] == 0


async def test_sockets_whose_handler_fails_count_as_closed(alice: User, monkeypatch) -> None:
    """Channels calls `disconnect` only for sockets that the client closes."""

    async def away(*_: object) -> None:
        raise ConnectionError("Redis is away")

    wire = ApplicationCommunicator(application, scope(await in_db(session_of, alice)))
    await wire.send_input({"type": "websocket.connect"})
    assert (await wire.receive_output(timeout=WAIT_S))["type"] == "websocket.accept"
    while not consumer._open[alice.pk]:
        await asyncio.sleep(0.01)
    monkeypatch.setattr(consumer.ChatConsumer, "_handle_message", away)
    assert consumer._open[alice.pk] == 1
    await wire.send_input({"type": "websocket.receive", "text": "{}"})
    with pytest.raises(ConnectionError):
        await wire.wait(WAIT_S)
    assert consumer._open[alice.pk] == 0


@pytest.mark.parametrize("error", [OperationalError("connection refused"), RedisConnectionError("connection refused")])
async def test_sockets_close_as_at_a_restart_while_a_server_is_away(
    alice: User, monkeypatch, settings, error: Exception
) -> None:
    async def away(self, group: str) -> None:
        raise error

    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    monkeypatch.setattr(consumer.ChatConsumer, "_join", away)
    wire = ApplicationCommunicator(application, scope(await in_db(session_of, alice)))
    await wire.send_input({"type": "websocket.connect"})
    assert (await wire.receive_output(timeout=WAIT_S))["type"] == "websocket.accept"
    assert (await wire.receive_output(timeout=WAIT_S))["code"] == consumer.RESTARTING
    await wire.wait(WAIT_S)
    assert consumer._open[alice.pk] == 0


async def test_question_is_asked_although_no_other_page_can_be_told(page, library, chat, monkeypatch, settings) -> None:
    async def away(*_: object) -> None:
        raise RedisConnectionError("connection refused")

    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    monkeypatch.setattr(type(consumer.get_channel_layer()), "group_send", away)
    chat.replies.append("The lighthouse stood about 100 metres high [1].")
    await page.get_answer(QUESTION, Message.Status.COMPLETE)
