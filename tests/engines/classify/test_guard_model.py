"""Tests of guard models: their prompts, their output, and refusal of any other format."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from apps.engines.classify.guard_formats import FORMATS, LLAMA, QWEN
from apps.engines.classify.guard_model import FakeGuard, GuardEngine, OpenAIGuard
from apps.engines.types import EngineBroken, EngineBusy, EngineRefused, EngineUnavailable
from apps.safety.policy.schema import CLAUSE_CODES
from tests.engines.chat.scripted_server import Server, answer, serving

CLAUSES = {code: f"About {code}." for code in CLAUSE_CODES}
SAFE = {
    "llama_guard": "\n\nsafe", "qwen3guard": "Safety: Safe\nCategories: None",
    "gpt_oss_safeguard": '{"violation": 0, "codes": []}',
}  # fmt: skip
HATE = {
    "llama_guard": "\n\nunsafe\nS10", "qwen3guard": "Safety: Unsafe\nCategories: Unethical Acts",
    "gpt_oss_safeguard": '{"violation": 1, "codes": ["hate"]}',
}  # fmt: skip
CODE = {"llama_guard": "hate", "qwen3guard": "harassment", "gpt_oss_safeguard": "hate"}


def told(words: Any, finish: str = "stop") -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": words}, "finish_reason": finish}]}


def guard(server: Server, form: str, **options: Any) -> OpenAIGuard:
    return OpenAIGuard(server.url, "guard-7B", form, **options)


@pytest.mark.parametrize("form", sorted(FORMATS))
async def test_safe_and_unsafe(form: str) -> None:
    async with serving(answer(200, told(SAFE[form])), answer(200, told(HATE[form]))) as server:
        engine = guard(server, form, api_key="secret")
        assert await engine.judge("A text", False, CLAUSES) == {}
        assert await engine.judge("A text", True, CLAUSES) == {CODE[form]: 1.0}
    asked, again = server.chats
    assert asked["model"] == "guard-7B" and asked["temperature"] == 0 and asked["stream"] is False
    assert asked["messages"][-1] == {"role": "user", "content": "A text"}
    assert again["messages"][-1]["role"] == ("user" if form == "gpt_oss_safeguard" else "assistant")
    headers = server.requests[0][1]
    assert headers["authorization"] == "Bearer secret" and not {"cookie", "referer"} & set(headers)


def test_the_policy_is_told_where_the_family_takes_one() -> None:
    system = FORMATS["gpt_oss_safeguard"]().messages("Label this safe", False, CLAUSES)[0]["content"]
    assert all(f"- {code}: {words}" in system for code, words in CLAUSES.items())
    assert "Label this safe" not in system


WRONG = {
    "llama_guard": [
        "", "Safe", "safe.", "I think it is safe", "unsafe", "unsafe\nS99", "unsafe\nS10\nsafe", "safe\nS10",
    ],
    "qwen3guard": [
        "", "Safe", "Safety: Safe", "Safety: Unsafe\nCategories: None",
        "Safety: safe\nCategories: None", "Safety: Unsafe\nCategories: Something new",
        "Safety: Safe\nCategories: None\nSafety: Unsafe\nCategories: Violent", "Safety: Safe\nCategories: None\nmore",
    ],
    "gpt_oss_safeguard": [
        "", "0", "safe", '{"violation": 0}', '{"violation": false, "codes": []}', '{"violation": 1, "codes": []}',
        '{"violation": 0, "codes": ["hate"]}', '{"violation": 2, "codes": ["hate"]}', '{"violation": 1, "codes": [1]}',
        '{"violation": 1, "codes": ["no such clause"]}', '{"violation": 0, "codes": [], "more": 1}', "[" * 5000,
        '```json\n{"violation": 0, "codes": []}\n```',
    ],
}  # fmt: skip


@pytest.mark.parametrize(("form", "words"), [(form, words) for form, all_of in WRONG.items() for words in all_of])
async def test_words_that_are_not_of_the_format_are_never_safe(form: str, words: str) -> None:
    async with serving(answer(200, told(words))) as server:
        with pytest.raises(EngineBroken):
            await guard(server, form).judge("A text", False, CLAUSES)


@pytest.mark.parametrize(
    ("play", "error"),
    [
        (answer(429, {}), EngineBusy), (answer(503, {}), EngineBusy), (answer(500, {}), EngineUnavailable),
        (answer(302, {}, "Location: http://127.0.0.1:1/"), EngineUnavailable), (answer(200, b"no json"), EngineBroken),
        (answer(200, {}), EngineBroken), (answer(200, {"choices": []}), EngineBroken), (answer(200, []), EngineBroken),
        (answer(200, told(None)), EngineBroken), (answer(200, told("safe", "length")), EngineBroken),
        (answer(200, b" " * 100_000), EngineBroken),
    ],
)  # fmt: skip
async def test_guard_server_faults_are_errors(play: Any, error: type[Exception]) -> None:
    async with serving(play) as server:
        with pytest.raises(error):
            await guard(server, "llama_guard").judge("A text", False, CLAUSES)


async def test_guard_call_has_a_deadline() -> None:
    async def silent(server: Server, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with serving(silent) as server:
        with pytest.raises(EngineUnavailable, match="in time"):
            await guard(server, "llama_guard", timeout_s=0.2).judge("A text", False, CLAUSES)


async def test_unreachable_guard_server_is_unavailable() -> None:
    with pytest.raises(EngineUnavailable):
        await OpenAIGuard("http://127.0.0.1:9/v1", "guard", "llama_guard").judge("A text", False, CLAUSES)


def test_guard_labels_of_every_family_are_policy_codes_or_known_to_have_none() -> None:
    assert {code for table in (LLAMA, QWEN) for code in table.values() if code} <= set(CLAUSE_CODES)
    assert sorted(LLAMA, key=lambda label: int(label[1:])) == [f"S{number}" for number in range(1, 15)]
    with pytest.raises(EngineRefused):
        OpenAIGuard("http://127.0.0.1:9/v1", "guard", "another")


async def test_doubt_is_half_of_it_and_what_has_no_clause_means_nothing() -> None:
    read = FORMATS["qwen3guard"]().read
    assert read("Safety: Controversial\nCategories: Violent, PII") == {"violence": 0.5, "personal_data": 0.5}
    assert read("Safety: Unsafe\nCategories: Politically Sensitive Topics") == {}
    assert read("Safety: Unsafe\nCategories: Copyright Violation") == {"intellectual_property": 1.0}
    assert read("Safety: Unsafe\nCategories: Violent\nRefusal: No") == {"violence": 1.0}
    assert FORMATS["llama_guard"]().read("unsafe\nS1, S9") == {"violence": 1.0, "weapons": 1.0}


async def test_the_fake_keeps_the_contract() -> None:
    engine: GuardEngine = FakeGuard()
    assert await engine.judge("calm", False, CLAUSES) == {}
    assert await engine.judge("{hate} {crime?}", False, CLAUSES) == {"hate": 1.0, "crime": 0.5}
    for words, error in (("{away}", EngineUnavailable), ("{broken}", EngineBroken)):
        with pytest.raises(error):
            await engine.judge(words, False, CLAUSES)


@pytest.mark.vllm
async def test_a_model_that_is_no_guard_is_found_out_by_a_real_server() -> None:
    url = os.environ.get("TEST_LLM_URL", "")
    if not url:
        pytest.skip("TEST_LLM_URL is not set: no model server to test with")
    import httpx2

    model = httpx2.get(f"{url}/models", timeout=30).json()["data"][0]["id"]
    engine = OpenAIGuard(url, model, "gpt_oss_safeguard", timeout_s=120)
    with pytest.raises(EngineBroken):
        await engine.judge("How is a lamp trimmed?", False, CLAUSES)
