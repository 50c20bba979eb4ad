"""Fixtures of the API tests: tokens, a collection, and an `openai` client that calls the application in process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx2
import openai
import pytest
from django.conf import settings

from apps.documents.models import Collection
from apps.lib.concurrency.threads import in_db
from apps.users.api_tokens import create_token
from apps.users.models import ApiToken, User
from assistant.asgi import application
from tests.factories import make_collection, make_document

ALL = [scope.value for scope in ApiToken.Scope]


def headers(user: User, *scopes: str) -> dict[str, str]:
    """Return headers for Django's test client with a new token of these scopes; all scopes if none are named."""
    return {"HTTP_AUTHORIZATION": f"Bearer {create_token(user, 'test', list(scopes) or ALL, 30)}"}


@pytest.fixture
def alice(transactional_db: None, alice: User) -> User:
    """Return Alice, whose rows the requests of other threads see."""
    return alice


@pytest.fixture
def library(alice: User) -> Collection:
    collection = make_collection(alice, "Handbook")
    text = (
        "A honey bee colony has one queen. Workers live about six weeks in summer. The queen can live for five years."
    )
    make_document(collection, "Bees", [text])
    return collection


@pytest.fixture
async def openai_client(transactional_db: None) -> AsyncIterator[Callable[[str], openai.AsyncOpenAI]]:
    """Return a factory of clients: `openai_client(secret)` is the published package on the real ASGI application."""
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport) as web:
        yield lambda secret: openai.AsyncOpenAI(
            base_url=f"{settings.SITE_URL}/v1", api_key=secret, http_client=web, max_retries=0
        )


@pytest.fixture
async def chat_client(openai_client: Callable[[str], openai.AsyncOpenAI], alice: User) -> openai.AsyncOpenAI:
    """Return a client of Alice whose token allows chats."""
    return openai_client(await in_db(create_token, alice, "test", ["chat"], 30))
