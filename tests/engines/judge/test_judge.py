"""Tests of judges: what every one returns, their prompts, their recorded output, and refusal of any other format."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest

from apps.engines.judge.fake import FakeJudge
from apps.engines.judge.formats import FORMATS
from apps.engines.judge.openai import OpenAIJudge
from apps.engines.judge.protocol import Evidence, JudgedSource, Judgement, SentenceJudgement
from apps.engines.types import EngineBroken, EngineBusy, EngineRefused, EngineUnavailable
from tests.engines.chat.scripted_server import Server, answer, serving

SOURCES = [JudgedSource(3, "Manual Cranes", "The crane lifts 41 tons."), JudgedSource(5, "Log", "It rained.")]
SENTENCES = ["The crane lifts 41 tons.", "The crane flies."]


def told(words: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": words}, "finish_reason": finish, **more}]}


def chat_answer(*rows: tuple[int, str, list[dict[str, Any]]]) -> dict[str, Any]:
    found = [{"sentence": number, "evidence": evidence, "verdict": outcome} for number, outcome, evidence in rows]
    return told(json.dumps({"sentences": found}))


def minicheck_answer(yes: float, no: float) -> dict[str, Any]:
    tokens = [("Yes", yes * 0.75), (" yes", yes * 0.25), ("No", no), ("Maybe", 1e-4)]
    top = [{"token": token, "logprob": math.log(share or 1e-9)} for token, share in tokens]
    return told("Yes" if yes > no else "No", "length", logprobs={"content": [{"token": "x", "top_logprobs": top}]})


WORDS = {"source": 3, "words": "lifts 41 tons"}
TWO_ANSWERS = {  # that the first sentence is supported, and the second is not
    "chat": [chat_answer((1, "supported", [WORDS]), (2, "not_there", []))],
    "minicheck": [minicheck_answer(0.97, 0.02), minicheck_answer(0.01, 0.98)],
    "granite_guardian": [told("<score> no </score>"), told("<score> yes </score>")],
}


def judge(server: Server, form: str, model: str = "judge-7B", **options: Any) -> OpenAIJudge:
    return OpenAIJudge(server.url, model, form, **options)


@pytest.mark.parametrize("form", [*sorted(FORMATS), "fake"])
async def test_every_judge_tells_a_supported_sentence_from_another(form: str) -> None:
    async with serving(*(answer(200, body) for body in TWO_ANSWERS.get(form, [{}]))) as server:
        engine = FakeJudge() if form == "fake" else judge(server, form, api_key="secret")
        found = await engine.judge(SOURCES, SENTENCES)
    assert [found[at].outcome for at in (0, 1)] in (
        [Judgement.SUPPORTED, Judgement.NOT_THERE],
        [Judgement.NOT_THERE, Judgement.SUPPORTED],  # requests of single sentences are sent at once, in any order
    )
    assert engine.name and engine.timeout_s > 0
    for path, headers, body in server.requests:
        assert path == "/v1/chat/completions" and headers["authorization"] == "Bearer secret"
        assert not {"cookie", "referer"} & set(headers)
        assert (body["model"], body["temperature"], body["stream"]) == ("judge-7B", 0, False)


async def test_chat_judge_is_asked_once_with_numbered_sources_and_a_schema() -> None:
    async with serving(answer(200, TWO_ANSWERS["chat"][0])) as server:
        found = await judge(server, "chat").judge(SOURCES, SENTENCES)
    (body,) = server.chats
    asked = body["messages"][1]["content"]
    assert "[3] Manual Cranes\nThe crane lifts 41 tons." in asked and "2. The crane flies." in asked
    schema = body["response_format"]["json_schema"]["schema"]["properties"]["sentences"]["items"]
    assert schema["properties"]["verdict"]["enum"] == ["supported", "partly", "contradicted", "not_there"]
    assert list(schema["properties"]).index("evidence") < list(schema["properties"]).index("verdict")
    assert found == {
        0: SentenceJudgement(Judgement.SUPPORTED, (Evidence(3, "lifts 41 tons"),)),
        1: SentenceJudgement(Judgement.NOT_THERE, ()),
    }


async def test_a_sentence_that_the_chat_judge_passes_over_is_missing() -> None:
    async with serving(answer(200, chat_answer((2, "contradicted", [WORDS])))) as server:
        found = await judge(server, "chat").judge(SOURCES, SENTENCES)
    assert {at: one.outcome for at, one in found.items()} == {1: Judgement.CONTRADICTED}


async def test_minicheck_reads_document_and_claim_and_the_probability_of_yes() -> None:
    for yes, outcome in ((0.6, Judgement.SUPPORTED), (0.4, Judgement.NOT_THERE)):
        async with serving(answer(200, minicheck_answer(yes, 1 - yes))) as server:
            found = await judge(server, "minicheck").judge(SOURCES, SENTENCES[:1])
        assert found == {0: SentenceJudgement(outcome, None)}
        (body,) = server.chats
        document = "Manual Cranes\nThe crane lifts 41 tons.\n\nLog\nIt rained."
        assert body["messages"][1]["content"] == f"Document: {document}\nClaim: The crane lifts 41 tons."
        assert (body["max_tokens"], body["logprobs"], body["top_logprobs"]) == (1, True, 20)


@pytest.mark.parametrize(
    ("model", "words", "outcome"),
    [
        ("ibm-granite/granite-guardian-3.0-8b", "No", Judgement.SUPPORTED),
        ("ibm-granite/granite-guardian-3.2-5b", "Yes\n<confidence> High </confidence>", Judgement.NOT_THERE),
        ("ibm-granite/granite-guardian-3.3-8b", "<score> no </score>", Judgement.SUPPORTED),
    ],
)
async def test_granite_guardian_gets_the_sources_as_its_template_takes_them(
    model: str, words: str, outcome: Judgement
) -> None:
    async with serving(answer(200, told(words))) as server:
        found = await judge(server, "granite_guardian", model).judge(SOURCES, SENTENCES[:1])
    assert found == {0: SentenceJudgement(outcome, None)}
    (body,) = server.chats
    config = body["chat_template_kwargs"]["guardian_config"]
    assert body["messages"][-1] == {"role": "assistant", "content": SENTENCES[0]}
    if "3.3" in model:
        assert config == {"criteria_id": "groundedness"} and "41 tons" in body["documents"][0]["text"]
    else:
        assert config == {"risk_name": "groundedness"} and body["messages"][0]["role"] == "context"


WRONG = {
    "chat": [
        told(""), told("supported"), told(None), told('{"sentences": []}', "length"), told("[" * 5000), told("{}"),
        told('{"sentences": 1}'), chat_answer((3, "supported", [])), chat_answer((0, "supported", [])),
        chat_answer((1, "true", [])), chat_answer((1, "supported", []), (1, "not_there", [])),
        chat_answer((1, "supported", [{"source": "3", "words": "x"}])), chat_answer((1, "supported", [{"source": 3}])),
        chat_answer((1, "supported", ["41 tons"])),  # type: ignore[list-item]
    ],
    "minicheck": [told("Yes"), told("Yes", logprobs=None), told("", logprobs={"content": []}), minicheck_answer(0, 0)],
    "granite_guardian": [told("Maybe"), told(""), told("<score> no"), told("no, yes"), told(None)],
}  # fmt: skip
WRONG["minicheck"][3]["choices"][0]["logprobs"]["content"][0]["top_logprobs"] = [{"token": "The", "logprob": -0.1}]


@pytest.mark.parametrize(("form", "body"), [(form, body) for form, bodies in WRONG.items() for body in bodies])
async def test_output_outside_the_format_is_broken(form: str, body: dict[str, Any]) -> None:
    async with serving(answer(200, body)) as server:
        with pytest.raises(EngineBroken):
            await judge(server, form).judge(SOURCES, SENTENCES[:1])


@pytest.mark.parametrize(
    ("play", "error"),
    [
        (answer(429, {}), EngineBusy), (answer(503, {}), EngineBusy), (answer(500, {}), EngineUnavailable),
        (answer(400, {}), EngineRefused), (answer(302, {}, "Location: http://127.0.0.1:1/"), EngineUnavailable),
        (answer(200, b"no json"), EngineBroken), (answer(200, {}), EngineBroken), (answer(200, []), EngineBroken),
        (answer(200, {"choices": ["text"]}), EngineBroken), (answer(200, b" " * 2_000_000), EngineBroken),
    ],
)  # fmt: skip
async def test_judge_server_faults_are_errors(play: Any, error: type[Exception]) -> None:
    async with serving(play) as server:
        with pytest.raises(error):
            await judge(server, "chat").judge(SOURCES, SENTENCES)


async def test_judge_call_has_a_deadline() -> None:
    async def silent(server: Server, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with serving(silent) as server:
        with pytest.raises(EngineUnavailable, match="in time"):
            await judge(server, "chat", timeout_s=0.2).judge(SOURCES, SENTENCES)


async def test_unreachable_judge_and_unknown_format_are_refused() -> None:
    with pytest.raises(EngineUnavailable):
        await OpenAIJudge("http://127.0.0.1:9/v1", "judge", "chat").judge(SOURCES, SENTENCES)
    with pytest.raises(EngineRefused, match="another"):
        OpenAIJudge("http://127.0.0.1:9/v1", "judge", "another")
