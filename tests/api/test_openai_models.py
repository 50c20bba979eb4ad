"""Several chat models over the OpenAI protocol: each alone, and each with documents."""

from __future__ import annotations

import openai
import pytest
from pytest_django import Settings

from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from tests.support.chat_models import BIG, get_fake_engine, offer_model

QUESTION = [{"role": "user", "content": "How long do workers of a honey bee colony live in summer?"}]


@pytest.fixture
async def client(chat_client: openai.AsyncOpenAI, settings: Settings) -> openai.AsyncOpenAI:
    offer_model(settings)
    return chat_client


async def say(client: openai.AsyncOpenAI, model: str) -> str:
    answer = await client.chat.completions.create(model=model, messages=QUESTION)  # type: ignore[call-overload]
    return str(answer.choices[0].message.content)


async def test_chat_models_are_listed_and_asked_by_their_names(
    client: openai.AsyncOpenAI, library: Collection, chat: FakeChat
) -> None:
    names = [model.id async for model in client.models.list()]
    assert names[:4] == ["openbook", "fake-1B", f"openbook/{BIG}", BIG]
    get_fake_engine().reply = "Six weeks, says the big one."
    assert await say(client, BIG) == get_fake_engine().reply
    assert get_fake_engine().reply in await say(client, f"openbook/{BIG}")
    assert chat.requests == [] and len(get_fake_engine().requests) == 2
    assert "big one" not in await say(client, "openbook") and len(chat.requests) == 1
    with pytest.raises(openai.NotFoundError) as caught:
        await say(client, "Other")
    assert BIG in str(caught.value)


async def test_a_model_that_is_away_leaves_the_others(
    client: openai.AsyncOpenAI, library: Collection, chat: FakeChat
) -> None:
    chat.unavailable = True
    assert [model.id async for model in client.models.list()][:3] == ["openbook", f"openbook/{BIG}", BIG]
    get_fake_engine().reply = "Here I am."
    assert await say(client, BIG) == "Here I am."
    with pytest.raises(openai.InternalServerError):
        await say(client, "openbook")
