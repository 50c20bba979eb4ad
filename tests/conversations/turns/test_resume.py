"""Whoever comes back gets the rest: from any event on, on any socket, running or over, byte for byte."""

from __future__ import annotations

import asyncio
import re
import uuid

import orjson
import pytest
from django.conf import settings
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.conversations.core.events import Cited, Closed, Opened, Step, encode_event
from apps.conversations.history import conversation_actions
from apps.conversations.models import Message
from apps.conversations.rendering.answer_renderer import StreamRenderer
from apps.conversations.turns import recovery, runner
from apps.engines import registry
from apps.lib.concurrency.threads import in_db
from tests.conversations.client_transcript import ClientTranscript
from tests.conversations.conftest import left, session_of, transcript, writes_on

QUESTION = "How high was the lighthouse of Alexandria?"
TABS = 8  # ten sockets may be open at once
ANSWER = "It stood **100 metres** high [1].\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- One.\n- Two.\n\nAnd more. " * 3


def both_logs(test):
    """The log in memory, and the one in a real Redis."""
    return pytest.mark.usefixtures("log")(pytest.mark.django_db(transaction=True)(test))


def _log(pieces: list[str]) -> list[bytes]:
    renderer = StreamRenderer()
    events = [Opened("c", "q", "<p>?</p>"), Step("search", "Searched", 1.0)]
    for piece in pieces:
        events += renderer.feed(piece)
    events += [*renderer.finish(), Cited(0, "supported", "1"), Closed("complete", "".join(renderer.blocks))]
    return [encode_event(event) for event in events]


@given(st.lists(st.text(alphabet="ab *_`#\n|-1.é😀<&", max_size=8), max_size=30), st.data())
def test_a_client_that_leaves_and_returns_at_any_event_holds_the_same_in_the_end(
    pieces: list[str], data: st.DataObject
) -> None:
    log = _log(pieces)
    whole = ClientTranscript()
    for event in log:
        whole.apply(event)
    cut = data.draw(st.integers(0, len(log)))
    returned = ClientTranscript()
    for event in log[:cut]:
        returned.apply(event)
    for event in log[cut:]:
        returned.apply(event)
    assert returned.blocks == whole.blocks and returned.events == whole.events
    assert "".join(whole.blocks) == orjson.loads(log[-1])["html"]


@both_logs
async def test_resume_after_any_event_replays_the_rest_byte_for_byte(page, open_page, alice, library, chat) -> None:
    chat.replies.append(ANSWER)
    accepted, events = await page.ask_to_end(QUESTION)
    back = await open_page(alice)
    for after in range(len(events)):
        await back.tell(do="resume", turn=str(accepted.pk), after=after)
        assert await back.events() == events[after:]


@both_logs
async def test_a_socket_that_is_lost_at_any_event_costs_not_a_byte(open_page, alice, library, chat) -> None:
    """While the answer is written: sockets of the same person are lost, each after another number of events."""
    chat.reply, chat.gap_s = ANSWER, 0.01
    page, lost_at = await open_page(alice), 0
    last = 1
    while lost_at < last:
        accepted = await page.ask(QUESTION)
        lost = [_lost(open_page, alice, accepted["turn"], lost_at + n) for n in range(TABS)]
        whole, *others = await asyncio.gather(page.events(), *lost)
        last, lost_at = len(whole), lost_at + TABS
        assert [event["seq"] for event in whole] == list(range(1, last + 1))
        for events in others:
            assert events == whole
            assert "".join(transcript(events).blocks) == "".join(transcript(whole).blocks)
        assert whole[-1]["status"] == "complete"


async def _lost(open_page, user, turn: str, after: int) -> list[dict[str, object]]:
    """What a page holds in the end that was cut off after so many events and came back."""
    page = await open_page(user)
    await page.tell(do="resume", turn=turn, after=0)
    heard: list[dict[str, object]] = []
    while len(heard) < after and (not heard or heard[-1]["type"] != "closed"):
        heard.append(await page.hear())
    await left(page.wire)
    back = await open_page(user)
    await back.tell(do="resume", turn=turn, after=len(heard))
    if not heard or heard[-1]["type"] != "closed":
        heard += await back.events()
    await left(back.wire)
    return heard


@both_logs
async def test_a_tab_that_joins_in_the_middle_reads_the_whole_answer(page, open_page, alice, library, chat) -> None:
    chat.reply, chat.gap_s = ANSWER, 0.002
    accepted = await page.ask(QUESTION)
    heard = [await page.hear() for _ in range(6)]
    tab = await open_page(alice)
    await tab.tell(do="resume", turn=accepted["turn"], after=0)
    mine, theirs = heard + await page.events(), await tab.events()
    assert mine == theirs
    assert transcript(theirs).blocks == transcript(mine).blocks


@both_logs
async def test_resuming_twice_on_one_socket_follows_once(page, library, chat) -> None:
    chat.reply, chat.gap_s = ANSWER, 0.002
    accepted = await page.ask(QUESTION)
    heard = [await page.hear() for _ in range(4)]
    await page.tell(do="resume", turn=accepted["turn"], after=heard[-1]["seq"])
    events = heard + await page.events()
    seen = {event["seq"]: event for event in events}
    assert sorted(seen) == list(range(1, len(seen) + 1))
    assert await page.silent()


@both_logs
async def test_resume_without_a_log_tells_the_page_to_fetch_the_answer(page, library, chat, log) -> None:
    accepted = await page.get_answer(QUESTION)
    await runner.wait_until_idle()
    await log.forget()
    await page.tell(do="resume", turn=str(accepted.pk), after=3)
    assert await page.hear() == {"type": "unknown", "turn": str(accepted.pk)}


@both_logs
async def test_a_turn_whose_process_died_is_closed_by_the_sweep_and_its_page_told(page, library, chat, log) -> None:
    accepted = await page.get_answer(QUESTION)
    await runner.wait_until_idle()
    dead = Message.objects.filter(pk=accepted.pk)
    await dead.aupdate(
        status=Message.Status.WRITING, lease_token="of the dead", lease_until="2020-01-01T00:00Z", text="So far"
    )
    await log.forget()
    await page.tell(do="resume", turn=str(accepted.pk), after=0)
    assert await page.silent(), "while it may still be written, nothing is said"
    sweeping = asyncio.create_task(recovery.run_sweeper(runner.run_next_queued, conversation_actions.purge_deleted))
    assert (await page.hear("unknown"))["turn"] == str(accepted.pk)
    sweeping.cancel()
    answer = await dead.aget()
    assert (answer.status, answer.text, answer.lease_token) == (Message.Status.INTERRUPTED, "So far", "")
    assert answer.reason and answer.ended


@both_logs
async def test_the_sweep_leaves_running_turns_alone(page, library, chat) -> None:
    writes_on(chat)
    await page.ask(QUESTION)
    await page.hear("text")
    assert await in_db(recovery.close_orphaned_turns) == {}


@both_logs
async def test_a_turn_that_was_swept_writes_nothing_more(page, library, chat, monkeypatch) -> None:
    monkeypatch.setattr(runner, "CHECKPOINT_S", 0.05)
    writes_on(chat)
    accepted = await page.ask(QUESTION)
    await page.hear("text")
    closed = {"status": Message.Status.INTERRUPTED, "lease_token": "", "text": "Swept"}
    await Message.objects.filter(pk=accepted["turn"]).aupdate(**closed)
    await page.events(until="unknown")
    await runner.wait_until_idle()
    assert (await Message.objects.aget(pk=accepted["turn"])).text == "Swept"


@both_logs
async def test_an_unknown_turn_is_unknown(page) -> None:
    turn = str(uuid.uuid4())
    await page.tell(do="resume", turn=turn, after=0)
    assert await page.hear() == {"type": "unknown", "turn": turn}


@both_logs
async def test_the_end_that_the_sweep_writes_into_a_log_that_lives_on_keeps_the_text(alice, library) -> None:
    log = registry.get_turn_log()
    turn = str(uuid.uuid4())
    await log.append(turn, b"{}")
    await recovery._announce_end(turn, "So far.")
    entries = await log.read(turn, 1)
    assert b"So far." in entries[0].data and b"interrupted" in entries[0].data


@both_logs
async def test_a_reload_at_any_event_and_another_device_hold_the_same_text(
    page, open_page, alice, library, chat
) -> None:
    """The page is fetched after each of the first events, in a session of its own, and follows from where it says."""
    chat.reply, chat.gap_s = ANSWER, 1.0  # so slow until there is a first page
    accepted = await page.ask(QUESTION)
    heard, reloads = [], []
    while not heard or heard[-1]["type"] != "closed":
        heard.append(await page.hear())
        if len(reloads) < TABS:
            reloads.append(asyncio.create_task(_reloaded(open_page, await in_db(session_of, alice), accepted, chat)))
    shown = "".join(transcript(heard).blocks)
    await runner.wait_until_idle()
    reloads.append(asyncio.create_task(_reloaded(open_page, await in_db(session_of, alice), accepted, chat)))
    pages = await asyncio.gather(*reloads)
    assert pages[0][0] == shown, "the first page was there while it was written"
    for text, html in pages:
        assert text == shown or heard[-1]["html"] in html, "when it is over, the page comes with it"
    assert not pages[-1][0]


async def _reloaded(open_page, key: str, accepted: dict[str, str], chat) -> tuple[str, str]:
    """The text that a page holds in the end when it follows from where it says, and what it came with."""
    html = await in_db(_fetched, key, accepted["conversation"])
    chat.gap_s = 0.03
    status, after = re.findall(rf'data-turn="{accepted["turn"]}"[^>]*data-status="(\w+)"\s+data-after="(\d+)"', html)[0]
    tab = await open_page(key=key)
    await tab.tell(do="resume", turn=accepted["turn"], after=int(after))
    events = await tab.events() if status == "writing" else []
    await left(tab.wire)
    return "".join(transcript(events).blocks), html


def _fetched(key: str, conversation: str) -> str:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    return client.get(f"/c/{conversation}/").content.decode()
