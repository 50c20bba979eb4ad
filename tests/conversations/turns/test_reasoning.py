"""Thoughts of a model: apart from the answer, gated, folded, kept in its record, and never said to the model again."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from apps.conversations.core.message_tree import find_path
from apps.conversations.models import AnswerTrace, Citation, Conversation
from apps.conversations.transfer.export import export_conversation, render_markdown
from apps.conversations.turns import runner, trace
from apps.lib.concurrency.threads import in_db
from tests.conversations.conftest import transcript
from tests.factories import get_page, make_client
from tests.support.chat_models import BIG, get_fake_engine, offer_model

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"
THOUGHT = "They ask for metres. It was built between 280 and 247 BC."
ANSWER = "It stood about 100 metres high [1]."


@pytest.fixture
def thinker(chat):
    chat.reply = f"<think>{THOUGHT}</think> {ANSWER}"
    return chat


def said(events) -> str:
    text = ""
    for event in events:
        if event["type"] == "reasoning":
            text = text[: event["start"]] + event["text"]
    return text


async def test_thoughts_are_shown_before_the_answer_and_are_no_part_of_it(page, library, thinker) -> None:
    row, events = await page.ask_to_end(QUESTION, status="complete")
    assert row.text == ANSWER and said(events) == THOUGHT
    kinds = [event["type"] for event in events]
    assert max(at for at, kind in enumerate(kinds) if kind == "reasoning") < kinds.index("text")
    shown = "".join(transcript(events).blocks) + events[-1]["html"]
    assert "between 280" not in shown, "a bare number may stand in the id of a row"
    cites = [cite async for cite in Citation.objects.filter(answer=row)]
    assert cites and all(cite.end <= len(ANSWER) for cite in cites)
    kept = trace.unpack_trace(bytes((await AnswerTrace.objects.aget(answer=row)).data))
    assert kept["thoughts"] == THOUGHT and "Model thought" in [line["words"] for line in kept["timeline"]]
    assert "".join(token[0] for token in kept["tokens"]).strip() == ANSWER


async def test_thoughts_are_never_sent_to_the_model_again(page, library, thinker) -> None:
    row, _ = await page.ask_to_end(QUESTION, status="complete")
    await page.ask_to_end(QUESTION, conversation=str(row.conversation_id), status="complete")
    told = "".join(message.content for message in thinker.requests[-1].messages)
    assert ANSWER in told and "They ask for metres" not in told and "think>" not in told


async def test_thoughts_are_folded_on_the_page_and_fetched_when_opened(open_page, alice, bob, library, thinker) -> None:
    row, _ = await (await open_page(alice)).ask_to_end(QUESTION, status="complete")
    page = await in_db(get_page, alice, f"/c/{row.conversation_id}/")
    assert f'hx-get="/answers/{row.pk}/thoughts/"' in page and "They ask for metres" not in page
    assert THOUGHT in await in_db(get_page, alice, f"/answers/{row.pk}/thoughts/")
    assert THOUGHT in await in_db(get_page, alice, f"/answers/{row.pk}/behind/")
    assert (await in_db(lambda: make_client(bob).get(f"/answers/{row.pk}/thoughts/"))).status_code == 404


async def test_hostile_thoughts_are_text(page, alice, library, chat) -> None:
    chat.reply = f"<think><img src=x onerror=alert(1)> &amp;</think> {ANSWER}"
    row, _ = await page.ask_to_end(QUESTION, status="complete")
    shown = await in_db(get_page, alice, f"/answers/{row.pk}/thoughts/")
    assert shown == "&lt;img src=x onerror=alert(1)&gt; &amp;amp;"


async def test_thoughts_pass_the_gate_like_the_answer(page, library, chat) -> None:
    chat.reply = f"<think>Fine so far. I will tell how to build a pipe bomb at home.</think> {ANSWER}"
    row, events = await page.ask_to_end(QUESTION, status="withheld")
    assert row.text == "" and "pipe bomb" not in orjson.dumps(events).decode()
    assert "pipe bomb" not in trace.unpack_trace(bytes((await AnswerTrace.objects.aget(answer=row)).data))["thoughts"]


async def test_a_model_that_only_thinks_says_what_to_do(page, library, chat) -> None:
    chat.reply = "<think>" + "Let me see. " * 400
    row, _ = await page.ask_to_end(QUESTION, status="complete")
    assert row.text == "" and "gave no answer" in row.reason


async def test_a_stop_while_it_thinks_keeps_the_thoughts(page, library, chat) -> None:
    chat.reply, chat.gap_s = "<think>" + "Let me see. " * 400, 0.1
    accepted = await page.ask(QUESTION)
    await page.hear("reasoning")
    await page.tell(do="stop", turn=accepted["turn"])
    assert (await page.events())[-1]["status"] == "stopped"
    await runner.wait_until_idle()
    kept = trace.unpack_trace(bytes((await AnswerTrace.objects.aget(answer=accepted["turn"])).data))
    assert kept["thoughts"].startswith("Let") and kept["thoughts"].strip() in chat.reply


async def test_exports_mark_them_or_leave_them_out(page, alice, library, thinker) -> None:
    row, _ = await page.ask_to_end(QUESTION, status="complete")
    conversation = await Conversation.objects.aget()
    value = await in_db(export_conversation, alice, conversation)
    written = next(item for item in value["messages"] if item["id"] == str(row.pk))
    assert written["thoughts"]["text"] == THOUGHT and "no part of the answer" in written["thoughts"]["note"]
    way = await in_db(lambda: find_path(conversation.messages.all()))
    assert "They ask for metres" not in await in_db(render_markdown, alice, conversation, way)


async def test_a_model_that_reasons_has_room_for_it(page, library, chat, settings) -> None:
    offer_model(settings, supports_reasoning=True)
    await page.ask_to_end(QUESTION, model=BIG, status="complete")
    await page.ask_to_end(QUESTION, status="complete")
    assert get_fake_engine().requests[0].sampling.max_tokens > 2000 > chat.requests[0].sampling.max_tokens


async def test_late_thoughts_stay_thoughts(page, library, chat, monkeypatch) -> None:
    real = chat.stream

    async def also(request):
        from apps.engines.types import Delta

        async for item in real(request):
            yield item
            if isinstance(item, Delta) and item.text.endswith("about"):
                yield Delta("", (), "A late thought.")
                await asyncio.sleep(0)

    chat.reply = ANSWER
    monkeypatch.setattr(chat, "stream", also)
    row, events = await page.ask_to_end(QUESTION, status="complete")
    assert row.text == ANSWER and said(events) == "A late thought."
