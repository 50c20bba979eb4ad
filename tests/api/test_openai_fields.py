"""Fields of the OpenAI protocol: each is supported or refused, and errors have its shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from django.conf import settings

from apps.documents.models import Collection
from apps.engines.chat import openai_payloads
from apps.engines.chat.fake import FakeChat
from apps.engines.types import Sampling
from apps.lib.concurrency.threads import in_db
from apps.users.api_tokens import create_token
from apps.users.models import User
from assistant.asgi import application

QUESTION = [{"role": "user", "content": "How long do workers of a honey bee colony live in summer?"}]
FAKE = "fake-1B"
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
FORM = {"type": "json_schema", "json_schema": {"name": "age", "schema": {"type": "object"}}}


async def create(chat_client: openai.AsyncOpenAI, model: str = FAKE, **wish: Any) -> Any:
    return await chat_client.chat.completions.create(model=model, messages=QUESTION, **wish)  # type: ignore[call-overload]


async def refused(chat_client: openai.AsyncOpenAI, model: str = FAKE, **wish: Any) -> tuple[int, str, Any, Any]:
    with pytest.raises(openai.APIStatusError) as caught:
        await create(chat_client, model, **wish)
    error = caught.value
    assert isinstance(error.body, dict) and error.body["message"]
    return error.status_code, error.body["type"], error.param, error.code


async def test_model_is_described_by_its_name(chat_client: openai.AsyncOpenAI) -> None:
    for listed in [model async for model in chat_client.models.list()]:
        assert await chat_client.models.retrieve(listed.id) == listed
    with pytest.raises(openai.NotFoundError) as caught:
        await chat_client.models.retrieve("gpt-4o")
    assert caught.value.code == "model_not_found"


async def test_the_model_alone_hears_every_setting(chat_client: openai.AsyncOpenAI, chat: FakeChat) -> None:
    own = {"top_k": 5, "min_p": 0.1, "repetition_penalty": 1.2}
    form = {"response_format": FORM, "frequency_penalty": 0.5, "presence_penalty": -0.5}
    await create(chat_client, **form, parallel_tool_calls=False, extra_body=own)
    sent = chat.requests[-1]
    assert {name: getattr(sent.sampling, name) for name in own} == own
    said = openai_payloads.orjson.loads(openai_payloads.build_request_body(sent, "name", vllm=False))
    assert (said["response_format"], said["frequency_penalty"], said["presence_penalty"]) == (FORM, 0.5, -0.5)
    assert "parallel_tool_calls" not in said
    assert said["model"] == "name" and said["stream"] is True and "top_k" not in said
    chat.tools = True
    await create(chat_client, tools=[TOOL], parallel_tool_calls=False)
    assert chat.requests[-1].extra_body == {"parallel_tool_calls": False}
    await create(chat_client, temperature=None, stream=None, response_format={"type": "text"})
    assert chat.requests[-1].sampling == Sampling(chat.requests[-1].sampling.max_tokens, 1.0)


async def test_unsupported_fields_are_refused_and_not_ignored(
    chat_client: openai.AsyncOpenAI, library: Collection
) -> None:
    invalid = "invalid_request_error"
    assert await refused(chat_client, logprobs=True) == (400, invalid, "logprobs", "unsupported_parameter")
    for name, value in (
        ("logit_bias", {"50256": -100}), ("functions", [{"name": "add"}]), ("modalities", ["text", "audio"]),
        ("top_logprobs", 3), ("audio", {"voice": "alloy"}), ("web_search_options", {"user_location": None}),
    ):  # fmt: skip
        assert (await refused(chat_client, extra_body={name: value}))[2:] == (name, "unsupported_parameter")
    assert (await create(chat_client, modalities=["text"], logit_bias={}, top_logprobs=0)).choices
    assert await refused(chat_client, n=2) == (400, invalid, "n", None)
    assert (await refused(chat_client, "openbook", response_format=FORM))[2] == "response_format"
    assert (await refused(chat_client, "openbook", tools=[TOOL]))[2] == "tools"
    assert await refused(chat_client, tools=[TOOL]) == (400, invalid, "tools", "unsupported_parameter")
    assert (await create(chat_client, tools=[TOOL], tool_choice="none")).choices
    assert (await create(chat_client, "openbook", response_format={"type": "text"}, logprobs=False)).choices


async def test_errors_are_named_as_the_protocol_names_them(
    chat_client: openai.AsyncOpenAI, openai_client: Callable[[str], openai.AsyncOpenAI], chat: FakeChat
) -> None:
    assert await refused(chat_client, "gpt-4o") == (404, "not_found_error", "model", "model_not_found")
    assert await refused(chat_client, temperature=9) == (400, "invalid_request_error", "temperature", None)
    assert await refused(openai_client("ob_wrong")) == (401, "authentication_error", None, "invalid_api_key")
    with pytest.raises(openai.BadRequestError) as caught:
        said: Any = [{"role": "user", "content": "Some [hate] text"}]
        await chat_client.chat.completions.create(model=FAKE, messages=said)
    assert caught.value.code == "content_filter"


@pytest.mark.parametrize("stream", [False, True])
async def test_messages_the_model_cannot_take_are_refused_before_a_stream_begins(
    chat_client: openai.AsyncOpenAI, chat: FakeChat, stream: bool
) -> None:
    picture: Any = [{"role": "tool", "tool_call_id": "1", "content": [{"type": "image_url", "text": ""}]}, *QUESTION]
    with pytest.raises(openai.BadRequestError) as caught:
        await chat_client.chat.completions.create(model=FAKE, messages=picture, stream=stream)
    assert caught.value.param == "messages"
    chat.context_tokens = 10
    assert await refused(chat_client, stream=stream) == (
        400, "invalid_request_error", "messages", "context_length_exceeded"
    )  # fmt: skip
    chat.context_tokens = 8192
    assert await create(chat_client, stream=stream)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_address_that_is_none_answers_in_the_form_too(alice: User, method: str) -> None:
    sent = {"Authorization": f"Bearer {await in_db(create_token, alice, 'test', ['chat'], 30)}"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=application), base_url=settings.SITE_URL, headers=sent
    ) as web:
        answer = await web.request(method, "/v1/responses", json={} if method == "POST" else None)
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "unknown_url"


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("OPTIONS", "/v1/embeddings", "POST"),
        ("POST", "/v1/models", "GET"),
        ("DELETE", "/v1/models/fake-1B", "GET"),
    ],
)
async def test_wrong_http_method_is_refused_in_the_form_of_the_protocol(
    alice: User, method: str, address: str, allowed: str
) -> None:
    sent = {"Authorization": f"Bearer {await in_db(create_token, alice, 'test', ['chat'], 30)}"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=application), base_url=settings.SITE_URL) as web:
        answer = await web.request(method, address, headers=sent)
        without = await web.request(method, address)
    assert answer.status_code == 405 and answer.headers["Allow"] == allowed
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "method_not_supported")
    assert error["message"] == f"{method} is not allowed here; {allowed} is."
    assert without.status_code == 401 and without.json()["error"]["code"] == "invalid_api_key"


async def test_usage_is_in_every_chunk_once_it_is_asked_for(chat_client: openai.AsyncOpenAI, chat: FakeChat) -> None:
    stream = await create(chat_client, stream=True, stream_options={"include_usage": True})
    *chunks, last = [chunk async for chunk in stream]
    assert all("usage" in chunk.model_fields_set and chunk.usage is None for chunk in chunks)
    assert last.usage.total_tokens > 0 and last.choices == []
    plain = [chunk async for chunk in await create(chat_client, stream=True)]
    assert all("usage" not in chunk.model_fields_set for chunk in plain)
