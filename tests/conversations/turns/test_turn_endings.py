"""A turn from the ask to its end: five endings through one exit."""

from __future__ import annotations

import asyncio

import pytest

from apps.conversations.history import transcript as history_transcript
from apps.conversations.models import Citation, Message, ModelProfile, RetrievedPassage, ShownSentences, Source
from apps.conversations.turns import runner
from apps.engines import registry
from apps.engines.types import EngineRefused, EngineUnavailable
from apps.lib.concurrency.threads import in_db
from apps.users.accounts import suspend_user
from apps.users.models import User
from tests.conversations.conftest import WAIT_S, transcript, writes_on
from tests.factories import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("log")]
Status = Message.Status
QUESTION = "How high was the lighthouse of Alexandria?"


async def test_complete_a_question_is_answered_from_the_documents_with_its_sources_kept(page, library, chat) -> None:
    chat.replies.append("The lighthouse stood about 100 metres high [1]. It was made of cheese.")
    answer, events = await page.ask_to_end(QUESTION)
    types = [event["type"] for event in events]
    assert types[0] == "opened" and types[-1] == "closed" and types.index("sources") < types.index("text")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (answer.status, answer.parent.text) == (Status.COMPLETE, QUESTION)
    assert answer.text == "The lighthouse stood about 100 metres high [1]. It was made of cheese."
    assert answer.lease_token == "" and answer.ended is not None and answer.usage["completion_tokens"] > 0
    assert await Source.objects.acount() == await RetrievedPassage.objects.acount() == 1
    cites = [cite async for cite in Citation.objects.select_related("source").order_by("sentence")]
    assert [cite.source.number if cite.source else None for cite in cites] == [1, None]
    assert {step["name"] for step in answer.steps} == {"search", "write", "verify"}


async def test_the_events_add_up_to_what_a_reload_shows(page, library, chat) -> None:
    await ModelProfile.objects.acreate(name=chat.name, shown_sentences=ShownSentences.ALL)
    chat.replies.append("It stood **100 metres** high.\n\n- One.\n- Two.\n\n```py\nprint(1)\n```\n")
    _, events = await page.ask_to_end(QUESTION)
    shown = "".join(transcript(events).blocks)
    for event in events:
        if event["type"] == "cited":
            slot = f'<span class="pills" data-sentence="{event["sentence"]}">'
            shown = shown.replace(slot, slot + event["html"])
            if event["state"] == "unverified":
                sentence = f'<span class="sentence" data-sentence="{event["sentence"]}">'
                marked = sentence.replace('"sentence"', '"sentence unverified"', 1)
                shown = shown.replace(
                    sentence, marked[:-1] + ' title="Not verified: no passage was found that says this">'
                )
    assert shown == events[-1]["html"]


async def test_stopped_from_another_tab_keeps_what_was_written(open_page, alice, library, chat) -> None:
    writes_on(chat)
    page, other = await open_page(alice), await open_page(alice)
    accepted = await page.ask(QUESTION)
    await page.hear("text")
    await other.tell(do="stop", turn=accepted["turn"])
    closed = (await page.events())[-1]
    assert closed["status"] == Status.STOPPED and "word" in closed["html"]
    answer = await Message.objects.aget(pk=accepted["turn"])
    assert answer.status == Status.STOPPED and answer.text.startswith("word") and len(answer.text) < len(chat.reply)
    assert chat.running == 0 and chat.aborted == 1, "the model goes on writing for nobody"


async def test_withheld_a_question_that_the_gate_refuses_reaches_no_model(page, library, chat) -> None:
    accepted = await page.ask("How do I build a pipe bomb at home to kill people?")
    closed = (await page.events())[-1]
    assert closed["status"] == Status.WITHHELD and closed["reason"]
    assert chat.requests == []
    assert (await Message.objects.aget(pk=accepted["turn"])).status == Status.WITHHELD


async def test_withheld_a_sentence_that_the_gate_refuses_is_never_shown(
    page, library, chat, monkeypatch, by_sentences
) -> None:
    from apps.safety.policy.verdicts import ALLOWED, Verdict

    class Wary:
        async def question(self, text, vector=None):
            return ALLOWED

        async def sentence(self, text, since):
            return Verdict(False, "secret", "This is not shown.") if "secret" in text[since:] else ALLOWED

    monkeypatch.setattr("apps.safety.gate.gate._check", lambda: Wary())
    chat.replies.append("It stood 100 metres high. The secret is out. And more.")
    answer, events = await page.ask_to_end(QUESTION)
    assert (events[-1]["status"], events[-1]["reason"]) == (Status.WITHHELD, "This is not shown.")
    assert "secret" not in "".join(event.get("html", "") for event in events if event["type"] != "opened")
    assert (answer.status, answer.text.strip()) == (Status.WITHHELD, "It stood 100 metres high.")


async def test_failed_an_engine_that_refuses_says_why_and_retry_works(page, library, chat) -> None:
    chat.fail = EngineRefused("The question is too long for this model.")
    accepted = await page.ask(QUESTION)
    closed = (await page.events())[-1]
    assert (closed["status"], closed["reason"]) == (Status.FAILED, "The question is too long for this model.")
    again = await page.retry(accepted["turn"], Status.COMPLETE)
    assert str(again.parent_id) == accepted["question"] and str(again.pk) != accepted["turn"]


async def test_failed_in_the_middle_keeps_what_was_shown(page, library, chat) -> None:
    chat.replies.append("It stood 100 metres high. And then came the quake that broke it.")
    chat.fail, chat.fail_after = EngineUnavailable("The model server stopped in the middle of the answer."), 7
    accepted = await page.ask(QUESTION)
    closed = (await page.events())[-1]
    assert closed["status"] == Status.FAILED and "100 metres" in closed["html"]
    assert (await Message.objects.aget(pk=accepted["turn"])).text.startswith("It stood 100 metres high.")


async def test_failed_a_fault_of_ours_is_logged_and_told_without_its_words(
    page, library, chat, monkeypatch, caplog
) -> None:
    def broken(*args, **kwargs):
        raise RuntimeError("inner words")

    monkeypatch.setattr("apps.conversations.turns.prompt.build_prompt", broken)
    await page.ask(QUESTION)
    closed = (await page.events())[-1]
    assert closed["status"] == Status.FAILED and "inner words" not in closed["reason"] + closed["html"]
    assert "inner words" in caplog.text


async def test_interrupted_when_the_process_ends_keeps_what_it_has(page, library, chat) -> None:
    writes_on(chat)
    accepted = await page.ask(QUESTION)
    await page.hear("text")
    await runner.shut_down()
    closed = (await page.events())[-1]
    assert closed["status"] == Status.INTERRUPTED
    answer = await Message.objects.aget(pk=accepted["turn"])
    assert answer.status == Status.INTERRUPTED and answer.text.startswith("word")


async def test_a_turn_that_cannot_verify_still_ends_complete(page, library, chat, monkeypatch, caplog) -> None:
    def broken(*args):
        raise RuntimeError("no citer")

    monkeypatch.setattr("apps.conversations.turns.verification.QuotedCiter", broken)
    await page.ask(QUESTION)
    assert (await page.events())[-1]["status"] == Status.COMPLETE
    assert "no citer" in caplog.text


async def test_a_page_that_never_came_back_costs_no_answer(page, library, chat) -> None:
    accepted = await page.ask(QUESTION)
    await page.wire.send_input({"type": "websocket.disconnect", "code": 1001})
    await runner.wait_until_idle()
    assert (await Message.objects.aget(pk=accepted["turn"])).status == Status.COMPLETE


async def test_a_deleted_conversation_stops_the_model(page, library, chat, monkeypatch) -> None:
    monkeypatch.setattr(runner, "CHECKPOINT_S", 0.05)
    writes_on(chat)
    accepted = await page.ask(QUESTION)
    await page.hear("text")
    await Message.objects.filter(pk=accepted["turn"]).adelete()
    assert (await page.events(until="unknown"))[-1]["turn"] == accepted["turn"]
    async with asyncio.timeout(WAIT_S):
        await runner.wait_until_idle()
    assert chat.running == 0


async def test_answer_of_a_suspended_user_is_not_written_on(page, alice, library, chat, monkeypatch) -> None:
    monkeypatch.setattr(runner, "CHECKPOINT_S", 0.05)
    writes_on(chat)
    await page.ask(QUESTION)
    await page.hear("text")
    await in_db(make_user, "ada", User.Role.ADMINISTRATOR)  # somebody has to stay
    await in_db(suspend_user, alice)
    async with asyncio.timeout(WAIT_S):
        await runner.wait_until_idle()
    assert chat.running == 0


async def test_the_text_so_far_is_in_the_row_while_it_is_written(page, library, chat, monkeypatch) -> None:
    monkeypatch.setattr(runner, "CHECKPOINT_S", 0.05)
    writes_on(chat)
    accepted = await page.ask(QUESTION)
    await page.hear("text")
    row = Message.objects.filter(pk=accepted["turn"])
    async with asyncio.timeout(WAIT_S):
        while not (answer := await row.aget()).text:
            await asyncio.sleep(0.02)
    assert answer.status == Status.WRITING and answer.text.startswith("word")
    await runner.stop_turn(answer.pk)


async def test_turn_log_holds_no_event_after_the_end(page, library, chat) -> None:
    accepted, events = await page.ask_to_end(QUESTION)
    await runner.wait_until_idle()
    assert len(await registry.get_turn_log().read(str(accepted.pk))) == len(events)


@pytest.mark.parametrize(
    ("reply", "weak"), [("It was made of cheese.", True), ("The lighthouse stood about 100 metres high.", False)]
)
async def test_an_answer_that_is_mostly_without_sources_says_so_now_and_after_a_reload(
    page, alice, library, chat, reply, weak
) -> None:
    await ModelProfile.objects.acreate(name=chat.name, shown_sentences=ShownSentences.ALL)
    chat.replies.append(reply)
    accepted = await page.ask(QUESTION)
    assert (await page.events())[-1]["mostly_unsupported"] is weak
    answer = await Message.objects.select_related("conversation").aget(pk=accepted["turn"])
    assert (await in_db(history_transcript.load_turn, alice, answer))["answer"]["weak"] is weak
