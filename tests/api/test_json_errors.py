"""Errors below /api/ and /v1/ are JSON, and a refused request consumes no rate limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from django.test import Client

from apps.api import documents
from apps.conversations.turns import retrieval
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.lib.concurrency.threads import in_db
from apps.users.api_tokens import create_token
from apps.users.models import RateLimitBucket, User
from tests.api.conftest import headers
from tests.conversations.conftest import writes_on

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = [{"role": "user", "content": "How long do workers of a honey bee colony live in summer?"}]


def words(body: dict[str, Any]) -> str:
    return str(body["detail"] if "detail" in body else body["error"]["message"])


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("get", "/api/nope", 404), ("get", "/api/", 404), ("post", "/api/nope/deeper", 404), ("get", "/v1/", 404),
        ("get", "/v1/nope", 404), ("put", "/api/collections", 405), ("delete", "/v1/models", 405),
        ("get", "/api/collections/no-id", 404), ("get", f"/api/collections/{'9' * 5000}", 404),
        ("get", f"/api/collections?offset={'9' * 5000}", 422), ("get", f"/api/conversations?limit={'9' * 5000}", 422),
        ("get", f"/api/conversations?offset={'9' * 30}", 422),
    ],
)  # fmt: skip
def test_a_refusal_is_json(alice: User, method: str, address: str, status: int) -> None:
    response = getattr(Client(raise_request_exception=False), method)(address, **headers(alice))
    assert (response.status_code, response["Content-Type"].partition(";")[0]) == (status, "application/json")
    assert words(response.json())
    assert status != 405 or response["Allow"]


@pytest.mark.parametrize("host", ["evil.example", "testserver:port"])
def test_a_foreign_host_is_refused_in_json(alice: User, host: str) -> None:
    response = Client().get("/api/collections", headers={"host": host}, **headers(alice))  # type: ignore[arg-type]
    assert response.status_code == 400 and words(response.json())


def test_a_fault_of_the_server_is_json_without_its_inside(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(documents, "get_caller", broken)
    response = Client(raise_request_exception=False).get("/api/collections", **headers(alice))
    assert response.status_code == 500 and "log" in words(response.json()) and b"inside" not in response.content


def test_pages_stay_pages(alice: User) -> None:
    assert Client().get("/nope")["Content-Type"].startswith("text/html")


def test_the_description_is_there_for_a_token_of_any_scope_and_for_who_is_signed_in(alice: User) -> None:
    found = Client().get("/api/openapi.json", **headers(alice, "read"))
    assert found.status_code == 200 and "/api/search" in found.json()["paths"]
    assert Client().get("/api/docs", **headers(alice, "chat")).status_code == 200
    for wrong in ("Bearer ob_wrong", "Basic x", "Bearer"):
        refused = Client().get("/api/openapi.json", HTTP_AUTHORIZATION=wrong)
        assert refused.status_code == 401 and refused["WWW-Authenticate"] == "Bearer" and words(refused.json())
    assert Client().get("/api/openapi.json").status_code == 302
    client = Client()
    client.force_login(alice)
    assert client.get("/api/openapi.json").status_code == 200


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of questions that were embedded."""
    seen: list[str] = []
    begin = retrieval.embed_question

    def noted(question: str) -> Any:
        seen.append(question)
        return begin(question)

    monkeypatch.setattr(retrieval, "embed_question", noted)
    return seen


def asked(user: User) -> float:
    row = RateLimitBucket.objects.filter(key=f"person:{user.pk}:messages").first()
    return 0.0 if row is None else 200 - row.level


async def test_a_fourth_answer_at_once_is_refused_before_it_is_counted_or_searched(
    openai_client: Callable[[str], openai.AsyncOpenAI], alice: User, library: Collection, chat: FakeChat,
    embedded: list[str],
) -> None:  # fmt: skip
    client = openai_client(await in_db(create_token, alice, "test", ["chat"], 30))
    writes_on(chat)
    create: Any = client.chat.completions.create
    running = [asyncio.create_task(create(model="openbook", messages=QUESTION)) for _ in range(3)]
    async with asyncio.timeout(60):
        while await in_db(asked, alice) < 2.5 or len(embedded) < 3:
            await asyncio.sleep(0.05)
    before, searched = await in_db(asked, alice), len(embedded)
    for _ in range(5):
        with pytest.raises(openai.RateLimitError, match="still being written"):
            await create(model="openbook", messages=QUESTION)
    assert await in_db(asked, alice) <= before and len(embedded) == searched == 3
    chat.gap_s = 0
    for task in running:
        task.cancel()
    await asyncio.wait(running)


async def test_messages_that_the_model_cannot_read_are_refused_before_they_are_counted(
    openai_client: Callable[[str], openai.AsyncOpenAI], alice: User, chat: FakeChat
) -> None:
    client = openai_client(await in_db(create_token, alice, "test", ["chat"], 30))
    chat.context_tokens = 10
    with pytest.raises(openai.BadRequestError, match="longer than the 10 tokens"):
        await client.chat.completions.create(model="fake-1B", messages=QUESTION)  # type: ignore[call-overload]
    assert await in_db(asked, alice) == 0
    chat.context_tokens = 8192
    for _ in range(4):  # a refusal keeps no place among the answers that are written
        await client.chat.completions.create(model="fake-1B", messages=QUESTION)  # type: ignore[call-overload]
    assert json.dumps(await in_db(asked, alice)).startswith(("3.", "4."))
