"""Whoever comes back gets the rest: from any event on, on any socket, running or over, byte for byte."""

from __future__ import annotations

import asyncio
import uuid

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.conversations import sweeper, turns
from apps.conversations.events import Cited, Closed, Opened, Step, Transcript, encode
from apps.conversations.models import Message
from apps.conversations.render import StreamRenderer
from apps.engines import registry
from apps.lib.threads import in_db
from tests.conversations.conftest import transcript

QUESTION = "How high was the lighthouse of Alexandria?"
ANSWER = "It stood **100 metres** high [1].\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- One.\n- Two.\n\nAnd more. " * 3


def _log(pieces: list[str]) -> list[bytes]:
    renderer = StreamRenderer()
    events = [Opened("c", "q", "<p>?</p>"), Step("search", "Searched", 1.0)]
    for piece in pieces:
        events += renderer.feed(piece)
    events += [*renderer.finish(), Cited(0, True, "1"), Closed("complete", "".join(renderer.blocks))]
    return [encode(event) for event in events]


@given(st.lists(st.text(alphabet="ab *_`#\n|-1.é😀<&", max_size=8), max_size=30), st.data())
def test_a_client_that_leaves_and_returns_at_any_event_holds_the_same_in_the_end(
    pieces: list[str], data: st.DataObject
) -> None:
    log = _log(pieces)
    whole = Transcript()
    for event in log:
        whole.apply(event)
    cut = data.draw(st.integers(0, len(log)))
    held = Transcript()
    for event in log[:cut]:
        held.apply(event)
    for event in log[cut:]:
        held.apply(event)
    assert held.blocks == whole.blocks and held.events == whole.events
    assert "".join(whole.blocks) == orjson.loads(log[-1])["html"]


@pytest.mark.django_db(transaction=True)
async def test_after_every_event_the_rest_is_replayed_byte_for_byte(open_page, alice, library, chat) -> None:
    chat.replies.append(ANSWER)
    page = await open_page(alice)
    accepted = await page.ask(QUESTION)
    events = await page.events()
    back = await open_page(alice)
    for after in range(len(events)):
        await back.tell(do="resume", turn=accepted["turn"], after=after)
        assert await back.events() == events[after:]


@pytest.mark.django_db(transaction=True)
async def test_a_tab_that_joins_in_the_middle_reads_the_whole_answer(open_page, alice, library, chat) -> None:
    chat.reply, chat.gap_s = ANSWER, 0.002
    page = await open_page(alice)
    accepted = await page.ask(QUESTION)
    heard = [await page.hear() for _ in range(6)]
    tab = await open_page(alice)
    await tab.tell(do="resume", turn=accepted["turn"], after=0)
    mine, theirs = heard + await page.events(), await tab.events()
    assert mine == theirs
    assert transcript(theirs).blocks == transcript(mine).blocks


@pytest.mark.django_db(transaction=True)
async def test_resuming_twice_on_one_socket_follows_once(open_page, alice, library, chat) -> None:
    chat.reply, chat.gap_s = ANSWER, 0.002
    page = await open_page(alice)
    accepted = await page.ask(QUESTION)
    heard = [await page.hear() for _ in range(4)]
    await page.tell(do="resume", turn=accepted["turn"], after=heard[-1]["seq"])
    events = heard + await page.events()
    seen = {event["seq"]: event for event in events}
    assert sorted(seen) == list(range(1, len(seen) + 1))
    assert await page.silent()


@pytest.mark.django_db(transaction=True)
async def test_when_the_log_is_gone_the_page_is_told_to_fetch_the_answer(open_page, alice, library, chat) -> None:
    page = await open_page(alice)
    accepted = await page.ask(QUESTION)
    await page.events()
    await turns.idle()
    registry._built.pop("turnlog")  # as after a restart
    await page.tell(do="resume", turn=accepted["turn"], after=3)
    assert await page.hear() == {"type": "unknown", "turn": accepted["turn"]}


@pytest.mark.django_db(transaction=True)
async def test_a_turn_whose_process_died_is_closed_by_the_sweep_and_its_page_told(
    open_page, alice, library, chat
) -> None:
    page = await open_page(alice)
    accepted = await page.ask(QUESTION)
    await page.events()
    await turns.idle()
    dead = Message.objects.filter(pk=accepted["turn"])
    await dead.aupdate(
        status=Message.Status.WRITING, lease_token="of the dead", lease_until="2020-01-01T00:00Z", text="So far"
    )
    registry._built.pop("turnlog")
    await page.tell(do="resume", turn=accepted["turn"], after=0)
    assert await page.silent(), "while it may still be written, nothing is said"
    sweeping = asyncio.create_task(sweeper.sweep_forever())
    assert (await page.hear("unknown", timeout=5))["turn"] == accepted["turn"]
    sweeping.cancel()
    answer = await dead.aget()
    assert (answer.status, answer.text, answer.lease_token) == (Message.Status.INTERRUPTED, "So far", "")
    assert answer.reason and answer.ended


@pytest.mark.django_db(transaction=True)
async def test_the_sweep_leaves_running_turns_alone(open_page, alice, library, chat) -> None:
    chat.reply, chat.gap_s = "word " * 200, 0.01
    page = await open_page(alice)
    await page.ask(QUESTION)
    await page.hear("text")
    assert await in_db(sweeper.sweep) == {}


@pytest.mark.django_db(transaction=True)
async def test_a_turn_that_was_swept_writes_nothing_more(open_page, alice, library, chat, monkeypatch) -> None:
    monkeypatch.setattr(turns, "CHECKPOINT_S", 0.05)
    chat.reply, chat.gap_s = "word " * 1000, 0.01
    page = await open_page(alice)
    accepted = await page.ask(QUESTION)
    await page.hear("text")
    closed = {"status": Message.Status.INTERRUPTED, "lease_token": "", "text": "Swept"}
    await Message.objects.filter(pk=accepted["turn"]).aupdate(**closed)
    await page.events(until="unknown")
    await turns.idle()
    assert (await Message.objects.aget(pk=accepted["turn"])).text == "Swept"


@pytest.mark.django_db(transaction=True)
async def test_an_unknown_turn_is_unknown(open_page, alice) -> None:
    page = await open_page(alice)
    turn = str(uuid.uuid4())
    await page.tell(do="resume", turn=turn, after=0)
    assert await page.hear() == {"type": "unknown", "turn": turn}


@pytest.mark.django_db(transaction=True)
async def test_the_end_that_the_sweep_writes_into_a_log_that_lives_on_keeps_the_text(alice, library) -> None:
    log = registry.turnlog()
    turn = str(uuid.uuid4())
    await log.append(turn, b"{}")
    await sweeper._tell(turn, "So far.")
    entries = await log.read(turn, 1)
    assert b"So far." in entries[0].data and b"interrupted" in entries[0].data
