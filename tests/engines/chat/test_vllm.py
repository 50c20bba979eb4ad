"""Tests of the chat engine on a real vLLM. `TEST_LLM_URL` names its base URL, `TEST_LLM_TOKENIZER` its tokenizer."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import aclosing

import aiohttp
import pytest

from apps.engines.chat.openai import OpenAIChat
from apps.engines.types import ChatMessage, ChatRequest, Delta, EngineRefused, Finish, Sampling
from tests.engines.chat.chat_requests import collect

pytestmark = pytest.mark.vllm
URL = os.environ.get("TEST_LLM_URL", "")
GERMANY = "What is the capital of Germany?"  # by a wide margin on every processor seen; that of France is a near tie
LONG = ChatRequest((ChatMessage("user", "Count from one to two hundred in words."),), Sampling(max_tokens=400))


@pytest.fixture
async def chat() -> AsyncIterator[OpenAIChat]:
    if not URL:
        pytest.skip("TEST_LLM_URL is not set: no model server to test with")
    engine = OpenAIChat(URL, tokenizer=os.environ.get("TEST_LLM_TOKENIZER", ""))
    yield engine
    await engine.close()


async def running() -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{URL.removesuffix('/v1')}/metrics") as response:
        values = re.findall(r"^vllm:num_requests_running(?:\{[^}]*\})? ([\d.e+]+)", await response.text(), re.MULTILINE)
    return int(sum(map(float, values)))


async def test_vllm_tells_its_model_and_answers_a_probe(chat: OpenAIChat) -> None:
    info = await chat.info()
    assert info.context_tokens >= 2048
    assert await chat.probe() > 0


async def test_vllm_streams_text_with_usage_and_probabilities(chat: OpenAIChat) -> None:
    question = ChatMessage("user", GERMANY)
    items = await collect(
        chat, ChatRequest((question,), Sampling(max_tokens=8, temperature=0, logprobs=2), cache_salt="test")
    )
    deltas, finish = [item for item in items if isinstance(item, Delta)], items[-1]
    assert "Berlin" in "".join(delta.text for delta in deltas)
    assert all(prob.logprob <= 0 and len(prob.alternatives) >= 2 for delta in deltas for prob in delta.logprobs)
    assert isinstance(finish, Finish)
    assert finish.usage is not None
    assert finish.usage.prompt_tokens > 5
    assert finish.usage.completion_tokens <= 8


async def test_the_tokenizer_at_hand_counts_as_the_server_does(chat: OpenAIChat) -> None:
    if not os.environ.get("TEST_LLM_TOKENIZER"):
        pytest.skip("TEST_LLM_TOKENIZER is not set")
    text = "Grüße! The ferry leaves at 9:30, every 3rd day — 日本."
    prompts = []
    for content in (text, text + text):
        finish = (await collect(chat, ChatRequest((ChatMessage("user", content),), Sampling(max_tokens=1))))[-1]
        assert isinstance(finish, Finish)
        assert finish.usage is not None
        prompts.append(finish.usage.prompt_tokens)
    once, twice = chat.count([text, text + text])
    assert prompts[1] - prompts[0] == twice - once


async def test_closing_a_stream_stops_the_model(chat: OpenAIChat) -> None:
    before = await running()  # others may use the server
    async with aclosing(chat.stream(LONG)) as items:
        async for _ in items:
            break
        assert await running() >= 1
    async with asyncio.timeout(60):
        while await running() > before:
            await asyncio.sleep(0.1)


async def test_a_prompt_longer_than_the_window_is_refused_in_words(chat: OpenAIChat) -> None:
    words = "word " * (2 * (await chat.info()).context_tokens)
    with pytest.raises(EngineRefused, match="longer than the model can read"):
        await collect(chat, ChatRequest((ChatMessage("user", words),)))


async def test_a_model_that_is_not_served_is_refused_in_words() -> None:
    if not URL:
        pytest.skip("TEST_LLM_URL is not set: no model server to test with")
    chat = OpenAIChat(URL, model="no-such-model")
    with pytest.raises(EngineRefused, match="does not serve the model"):
        await collect(chat, LONG)
    await chat.close()


async def test_vllm_searches_with_beams_and_returns_the_likeliest(chat: OpenAIChat) -> None:
    question = ChatMessage("user", GERMANY)
    request = ChatRequest((question,), Sampling(max_tokens=12, beams=4, logprobs=2), cache_salt="test")
    assert await chat.supports_beams()
    await collect(chat, request)  # what is cached of a prompt rounds otherwise than what is computed
    items = await collect(chat, request)
    assert [type(item) for item in items] == [Delta, Finish]
    (said, finish) = items
    assert isinstance(said, Delta) and "Berlin" in said.text and said.logprobs == ()
    assert isinstance(finish, Finish) and finish.usage is not None
    assert await collect(chat, request) == items, "nothing is drawn"


async def test_vllm_refuses_more_beams_than_it_can_weigh(chat: OpenAIChat) -> None:
    question = ChatMessage("user", GERMANY)
    with pytest.raises(EngineRefused, match="this number of beams"):
        await collect(chat, ChatRequest((question,), Sampling(max_tokens=12, beams=12)))  # of 20 logprobs at most
