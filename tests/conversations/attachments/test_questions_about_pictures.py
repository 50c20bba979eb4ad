"""A question about pictures: a model that sees gets them, another one the text in them, and the page says which."""

from __future__ import annotations

import asyncio
import base64
import io
import uuid

import orjson
import pytest
from PIL import Image

from apps.conversations.attachments import recognition, uploads
from apps.conversations.models import AttachedPicture, Attachment, Message
from apps.conversations.turns import question_queue
from apps.engines.chat import openai_payloads
from apps.lib.concurrency.threads import in_db
from apps.safety.gate import gate
from apps.safety.policy.verdicts import ALLOWED, Verdict
from tests.conversations.attachments.conftest import QUESTION, TEXT, declare_vision, get_last_message
from tests.conversations.attachments.picture_uploads import attached, drawn, file
from tests.conversations.conftest import writes_on
from tests.factories import make_client

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_model_that_does_not_see_is_given_the_text_and_the_page_says_so(open_page, alice, chat) -> None:
    row = await in_db(attached, alice, TEXT)
    chat.replies.append("The water pressure is too low.")
    answer = await (await open_page(alice)).get_answer(QUESTION, attached=[str(row.pk)], status="complete")
    assert f'Text recognised in it: "{TEXT}"' in get_last_message(chat) and "You cannot see it" in get_last_message(
        chat
    )
    assert chat.requests[-1].messages[-1].pictures == ()
    assert answer.text == "The water pressure is too low." and not answer.nothing_found

    def look() -> None:
        page = make_client(alice).get(f"/c/{answer.conversation_id}/").content.decode()
        assert f'data-attached="{row.pk}"' in page and f"/attached/{row.pk}/?small" in page
        assert "This model cannot see pictures. It received the text" in page and "28 characters" in page

    await in_db(look)


async def test_a_model_that_sees_is_sent_the_picture(open_page, alice, chat, settings) -> None:
    declare_vision(settings)
    row = await in_db(attached, alice, TEXT)
    answer = await (await open_page(alice)).get_answer(QUESTION, attached=[str(row.pk)], status="complete")
    message = chat.requests[-1].messages[-1]
    (address,) = message.pictures
    with Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/jpeg;base64,")))) as seen:
        assert seen.size == (640, 200)
    assert TEXT not in message.content and "You cannot see" not in message.content
    body = orjson.loads(openai_payloads.build_request_body(chat.requests[-1], "m", vllm=True))
    kinds = [part["type"] for part in body["messages"][-1]["content"]]
    assert kinds == ["image_url", "text"] and "Answer the question" in body["messages"][0]["content"]
    assert [step["words"] for step in answer.steps if step["name"] == "see"] == ["The model sees the picture."]


async def test_a_follow_up_still_knows_the_picture(open_page, alice, chat, settings) -> None:
    row = await in_db(attached, alice, TEXT)
    page = await open_page(alice)
    first = await page.get_answer(QUESTION, attached=[str(row.pk)], status="complete")
    await page.get_answer(
        "And what is to be done?", conversation=str(first.conversation_id), without_documents=True, status="complete"
    )
    assert TEXT in chat.requests[-1].messages[1].content and TEXT not in get_last_message(chat)
    declare_vision(settings)
    await page.get_answer(
        "And now?", conversation=str(first.conversation_id), without_documents=True, status="complete"
    )
    assert len(chat.requests[-1].messages[1].pictures) == 1 and not chat.requests[-1].messages[-1].pictures


async def test_a_question_waits_visibly_until_the_text_is_read(open_page, alice, chat) -> None:
    row = await in_db(uploads.save_upload, alice, file(drawn(TEXT)))
    page = await open_page(alice)
    accepted = await page.ask(QUESTION, attached=[str(row.pk)])
    while (step := await page.hear("step"))["name"] != "see":
        pass
    assert "Reading the text" in step["text"] and not chat.requests
    await asyncio.to_thread(_recognised, row.pk)
    assert (await page.events())[-1]["status"] == "complete" and accepted["turn"]
    assert "E4" in get_last_message(chat)


def _recognised(pk: uuid.UUID) -> None:
    from django.db import connection

    recognition.process_picture(pk)
    connection.close()


async def test_question_about_a_picture_goes_on_without_a_worker(open_page, alice, chat, monkeypatch) -> None:
    monkeypatch.setattr("apps.conversations.attachments.prompt_content.MAX_WAIT_S", 0.0)
    row = await in_db(uploads.save_upload, alice, file(drawn(TEXT)))
    answer = await (await open_page(alice)).get_answer(QUESTION, attached=[str(row.pk)], status="complete")
    assert "no text was recognised" in get_last_message(chat)
    assert "no text was recognised" in next(step["words"] for step in answer.steps if step["name"] == "see")


async def test_the_text_in_a_picture_passes_the_gate_as_the_question_does(open_page, alice, chat, monkeypatch) -> None:
    async def check(text: str, vector: object = None, **_: object) -> Verdict:
        return Verdict(False, "phrase", "That cannot be asked here.") if "purple elephant" in text else ALLOWED

    monkeypatch.setattr(gate, "check_question", check)
    row = await in_db(attached, alice, "the purple elephant password")
    answer = await (await open_page(alice)).get_answer(QUESTION, status="withheld", attached=[str(row.pk)])
    assert answer.reason == "That cannot be asked here." and not chat.requests


async def test_foreign_or_held_pictures_are_refused_in_a_question(open_page, alice, bob, chat) -> None:
    row = await in_db(attached, alice, TEXT)
    other = await (await open_page(bob)).ask(QUESTION, attached=[str(row.pk)])
    assert other["type"] == "refused" and "no longer available" in other["text"]
    page = await open_page(alice)
    many = await page.ask(QUESTION, attached=[str(uuid.uuid4()) for _ in range(5)])
    assert many["type"] == "refused" and "up to 4 pictures" in many["text"]
    for junk in ("x", ["x"], [1], {"a": 1}, [[]]):
        assert (await page.ask(QUESTION, attached=junk))["type"] == "refused"
    await AttachedPicture.objects.filter(pk=row.pk).aupdate(status="held")
    refused = await page.ask(QUESTION, attached=[str(row.pk)])
    assert refused["type"] == "refused" and "held for review" in refused["text"] and not chat.requests
    assert not await Message.objects.aexists()


async def test_rewording_and_retry_keep_the_attached_picture(open_page, alice, chat) -> None:
    row = await in_db(attached, alice, TEXT)
    page = await open_page(alice)
    first = await page.get_answer(QUESTION, attached=[str(row.pk)], status="complete")
    await page.tell(do="retry", turn=str(first.pk), client_id="again")
    await page.hear("accepted")
    await page.events()
    assert TEXT in get_last_message(chat)
    conversation = str(first.conversation_id)
    beside = {"conversation": conversation, "reworded_question": str(first.parent_id), "attached": [str(row.pk)]}
    await page.get_answer("What does E4 mean?", **beside, status="complete")
    assert TEXT in get_last_message(chat) and await Attachment.objects.acount() == 2
    assert await in_db(uploads.delete_draft, alice, row.pk) is None and await AttachedPicture.objects.acount() == 1


async def test_a_question_in_line_keeps_its_picture(open_page, alice, chat) -> None:
    row = await in_db(attached, alice, TEXT)
    page = await open_page(alice)
    writes_on(chat)
    turn = await page.ask("Tell me much.", without_documents=True)
    await page.hear("text")
    put = {"conversation": turn["conversation"], "attached": [str(row.pk)], "without_documents": True}
    for name in ("one", "two"):
        await page.tell(do="queue", text=QUESTION, client_id=name, **put)
        await page.hear("queued")
    waiting = await in_db(lambda: list(question_queue.QueuedQuestion.objects.values_list("pk", flat=True)))
    await page.tell(do="unqueue", queued=str(waiting[1]), client_id="out")
    assert (await page.hear("unqueued"))["attached"] == [str(row.pk)]
    chat.gap_s = 0.0
    await page.tell(do="stop", turn=turn["turn"])
    while not await Attachment.objects.aexists():
        await asyncio.sleep(0.02)
    asked_about = await Attachment.objects.select_related("question").aget()
    assert asked_about.question.text == QUESTION


async def test_draft_about_a_picture_is_not_prefetched(open_page, alice, chat, settings) -> None:
    settings.WARM_WHILE_TYPING = True
    row = await in_db(attached, alice, TEXT)
    page = await open_page(alice)
    await page.tell(do="typing", text=QUESTION, attached=[str(row.pk)], client_id="t")
    assert await page.silent() and not chat.requests
