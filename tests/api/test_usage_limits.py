"""Limits by model and group stop questions over REST and the OpenAI protocol; embeddings count too."""

from __future__ import annotations

import openai
import pytest
from django.test import Client

from apps.conversations.models import Conversation, Message
from apps.documents.models import Collection
from apps.engines import registry
from apps.engines.chat.fake import FakeChat
from apps.lib.concurrency.threads import in_db
from apps.users import usage_limits
from apps.users.models import RateLimitBucket, UsageDay, User
from tests.api.conftest import headers

QUESTION = "How long do workers of a honey bee colony live in summer?"
FAKE = "fake-1B"


@pytest.fixture
def one_question(transactional_db: None, ada: User) -> None:
    """Allow each user one question a day with the fake model."""
    usage_limits.set_limit(ada, group=None, model=FAKE, figure="questions", period="day", shared=False, amount=1)


async def test_openai_clients_are_told_of_a_limit_and_when_it_ends(
    chat_client: openai.AsyncOpenAI, chat: FakeChat, one_question: None
) -> None:
    asked = [{"role": "user", "content": QUESTION}]
    await chat_client.chat.completions.create(model=FAKE, messages=asked)  # type: ignore[arg-type]
    for model in (FAKE, "openbook"):
        with pytest.raises(openai.RateLimitError, match="reached your limit of 1 question per day") as caught:
            await chat_client.chat.completions.create(model=model, messages=asked)  # type: ignore[arg-type]
        assert int(caught.value.response.headers["Retry-After"]) > 0
    assert len(chat.requests) == 1
    left = await in_db(lambda: RateLimitBucket.objects.get(key__endswith=":messages").level)
    assert left > 198  # a refused question takes nothing from the other limits


def test_rest_and_pages_refuse_what_a_limit_forbids(
    client: Client, alice: User, ada: User, library: Collection, chat: FakeChat
) -> None:
    usage_limits.set_limit(ada, group=None, model="", figure="tokens", period="month", shared=False, amount=0)
    conversation = Conversation.objects.create(owner=alice)
    response = client.post(
        f"/api/conversations/{conversation.pk}/questions", {"question": QUESTION}, "application/json",
        **headers(alice, "chat", "read"),
    )  # fmt: skip
    assert response.status_code == 429 and int(response["Retry-After"]) > 0
    assert "reached your limit of 0 tokens per month" in response.content.decode()
    assert not chat.requests and not Message.objects.exists()


async def test_embeddings_count_as_tokens_of_their_model(chat_client: openai.AsyncOpenAI, ada: User) -> None:
    model = registry.get_embedder().fingerprint
    found = await chat_client.embeddings.create(model=model, input=["a honey bee", "a queen"])
    row = await UsageDay.objects.aget(user__email="alice@example.org")
    assert (row.model, row.tokens, row.questions) == (model, found.usage.total_tokens, 0) and row.tokens > 0
    limit = {"group": None, "model": model, "figure": "tokens", "period": "day", "shared": False}
    await in_db(lambda: usage_limits.set_limit(ada, **limit, amount=1))
    with pytest.raises(openai.RateLimitError, match="1 token per day"):
        await chat_client.embeddings.create(model=model, input=["a drone"])
