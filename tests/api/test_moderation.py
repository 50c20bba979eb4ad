"""Questions over the API are moderated as those on pages: the case holds the judged text and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import openai
import pytest
from django.test import AsyncClient

from apps.conversations.models import Conversation, Message
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.lib.concurrency.threads import in_db
from apps.safety.models import Case, Notice
from apps.users.api_tokens import create_token
from apps.users.models import User

Connect = Callable[[str], openai.AsyncOpenAI]
QUESTION = "How long do workers of a honey bee colony live in summer?"
FAKE = "fake-1B"


async def asked(chat_client: openai.AsyncOpenAI, model: str, text: str) -> str:
    said = [{"role": "user", "content": text}]
    answer = await chat_client.chat.completions.create(model=model, messages=said)  # type: ignore[call-overload]
    return str(answer.choices[0].message.content)


def the_case() -> Case:
    return Case.objects.select_related("snapshot").get()


@pytest.mark.parametrize("model", ["openbook", FAKE])
async def test_a_withheld_question_ends_in_the_queue_once(
    chat_client: openai.AsyncOpenAI, alice: User, library: Collection, model: str
) -> None:
    for _ in range(2):
        with pytest.raises(openai.BadRequestError):
            await asked(chat_client, model, "Some [hate] text")
    case = await in_db(the_case)
    assert (case.owner_id, case.kind, case.report_count) == (alice.pk, "question", 2)
    assert (case.snapshot.text, case.snapshot.context) == ("Some [hate] text", [])
    assert await Notice.objects.filter(user=alice, case=case).acount() == 1
    assert not await Conversation.objects.aexists() and not await Message.objects.aexists()


@pytest.mark.parametrize("model", ["openbook", FAKE])
async def test_a_question_to_be_reviewed_is_answered(
    chat_client: openai.AsyncOpenAI, library: Collection, model: str
) -> None:
    assert await asked(chat_client, model, f"{QUESTION} [child_exploitation?]")
    assert (await in_db(the_case)).snapshot.action == "review"


@pytest.mark.parametrize("model", ["openbook", FAKE])
async def test_a_withheld_answer_ends_in_the_queue(
    chat_client: openai.AsyncOpenAI, library: Collection, chat: FakeChat, model: str
) -> None:
    chat.reply = "Six weeks. And now some [hate] text."
    await asked(chat_client, model, QUESTION)
    assert (await in_db(the_case)).kind == "answer"


async def test_a_search_ends_there_too(alice: User, library: Collection) -> None:
    token = await in_db(create_token, alice, "test", ["read"], 30)
    for text, status in (("Some [hate] text", 400), (f"{QUESTION} [child_exploitation?]", 200)):
        found = await AsyncClient().post(
            "/api/search", {"question": text}, content_type="application/json",
            headers={"authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert found.status_code == status
    assert {case.clause async for case in Case.objects.all()} == {"hate", "child_exploitation"}
