"""Presets and controls: what is offered becomes what the server is told; anything else is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.conversations.core.sampling import (
    CONTROLS,
    PACKAGED_MODEL,
    PACKAGED_PENALTY,
    PRESET_DESCRIPTIONS,
    PRESETS,
    describe_sampling,
    get_penalties,
    list_preset_values,
    parse_sampling,
)
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Message
from apps.conversations.models.assistant import SamplingPreset
from apps.conversations.turns.prompt import MAX_ANSWER_TOKENS
from apps.documents.models import Collection
from apps.engines.chat import openai_payloads
from apps.engines.chat.fake import FakeChat
from apps.engines.chat.model_catalog import EXTENDED
from apps.engines.types import ChatMessage, ChatRequest, Sampling
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from assistant.boot.packaged_models import CHAT_NAME


def test_the_default_of_each_control_is_said_for_each_preset() -> None:
    said = {control.name: list_preset_values(control) for control in CONTROLS}
    assert said["temperature"] == {"precise": "0", "balanced": "0.2", "creative": "0.9"}
    assert said["top_p"] == {"precise": "off", "balanced": "off", "creative": "0.95"}
    assert set(said["seed"].values()) == {"random"} and set(said["max_tokens"].values()) == {f"{MAX_ANSWER_TOKENS}"}
    for name, words in said.items():  # as the server is told it
        for preset, word in words.items():
            told = getattr(PRESETS[SamplingPreset(preset)], name)
            assert told is None or float(word) == told


def test_the_packaged_model_alone_is_kept_from_repeating_itself() -> None:
    told = Sampling()
    assert PACKAGED_MODEL == CHAT_NAME, "as the model server of a first start names it"
    assert get_penalties(CHAT_NAME, told) == {"frequency_penalty": PACKAGED_PENALTY}
    assert get_penalties("Qwen3-8B", told) == {}
    assert (
        get_penalties(CHAT_NAME, Sampling(repetition_penalty=1.2)) == get_penalties(CHAT_NAME, Sampling(beams=4)) == {}
    )


async def test_frequency_penalty_of_the_packaged_model_reaches_the_server(page, library, chat) -> None:
    await page.get_answer("How high was the lighthouse of Alexandria?")
    chat.name = CHAT_NAME
    await page.get_answer("How long can a queen bee live?")
    assert [dict(request.extra_body) for request in chat.requests] == [{}, {"frequency_penalty": PACKAGED_PENALTY}]


def test_sampling_presets_and_controls_are_all_explained() -> None:
    assert set(PRESETS) == set(PRESET_DESCRIPTIONS) == set(SamplingPreset)
    assert all(control.help_text and hasattr(Sampling(), control.name) for control in CONTROLS)


def test_precise_is_greedy_and_creative_spreads() -> None:
    assert parse_sampling({"preset": "precise"}).make_sampling(100).temperature == 0
    assert (
        parse_sampling({"preset": "creative"}).make_sampling(100).temperature
        > parse_sampling({}).make_sampling(100).temperature
    )


def test_sampling_that_differs_from_the_preset_is_used_and_recorded() -> None:
    chosen = parse_sampling(
        {"preset": "creative", "temperature": "1.5", "top_k": 40, "seed": "", "stop": "END\n\nSTOP", "odd": 1}
    )
    told = chosen.make_sampling(300)
    assert (told.temperature, told.top_k, told.seed, told.stop, told.max_tokens) == (
        1.5,
        40,
        None,
        ("END", "STOP"),
        300,
    )
    assert chosen.record() == {"preset": "creative", "temperature": 1.5, "top_k": 40, "stop": ["END", "STOP"]}
    assert parse_sampling(chosen.record()) == chosen


def test_the_record_has_every_number_and_what_the_server_does_not_heed() -> None:
    balanced = parse_sampling({})
    assert balanced.record_used(balanced.make_sampling(300), accepts_all=False) == {
        "preset": "balanced",
        "temperature": 0.2,
        "max_tokens": 300,
    }
    chosen = parse_sampling({"preset": "creative", "top_k": 40, "max_tokens": 64, "stop": "END"})
    told = chosen.make_sampling(300)
    whole = {
        "preset": "creative", "temperature": 0.9, "top_p": 0.95, "top_k": 40, "min_p": 0.05, "max_tokens": 64,
        "stop": ["END"],
    }  # fmt: skip
    assert chosen.record_used(told, accepts_all=True) == whole
    part = {name: value for name, value in whole.items() if name not in EXTENDED}
    assert chosen.record_used(told, accepts_all=False) == part | {"unheeded": ["top_k", "min_p"]}
    said = [f"{words}: {value}" for words, value in describe_sampling(chosen.record_used(told, accepts_all=False))]
    assert said == [
        "Preset: Creative", "Temperature: 0.9", "Top-p: 0.95", "Response length: 64", "Stop words: END",
        "Not supported by this server: Top-k, Min-p",
    ]  # fmt: skip
    earlier = {"preset": "precise", "seed": 2**31 - 1}
    assert [str(value) for _, value in describe_sampling(earlier)] == ["Precise", "2147483647"]
    assert describe_sampling({}) == []


async def test_an_answer_says_what_its_server_did_not_heed(
    open_page: Callable[..., Any], alice: User, library: Collection, chat: FakeChat
) -> None:
    chat.accepts_all_sampling = False
    page = await open_page(alice)
    accepted = await page.ask("How high was the lighthouse?", sampling={"preset": "creative", "top_k": 5})
    await page.events()
    kept = (await Message.objects.aget(pk=accepted["turn"])).usage["sampling"]
    assert kept["unheeded"] == ["top_k", "min_p"] and "top_k" not in kept
    client = Client()
    await in_db(client.force_login, alice)
    panel = (await in_db(client.get, f"/answers/{accepted['turn']}/behind/")).content.decode()
    assert "Not supported by this server" in panel and "Top-k, Min-p" in panel
    assert "need a vLLM model server" in (await in_db(client.get, "/")).content.decode()


def test_an_answer_is_never_longer_than_there_is_room() -> None:
    assert parse_sampling({"max_tokens": 4000}).make_sampling(300).max_tokens == 300
    assert parse_sampling({"max_tokens": 50}).make_sampling(300).max_tokens == 50


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("hot", "could not be read"),
        ({"preset": "wild"}, "Precise, Balanced or Creative"),
        ({"temperature": 3}, "between 0 and 2"),
        ({"temperature": "warm"}, "must be a number"),
        ({"temperature": True}, "must be a number"),
        ({"temperature": float("nan")}, "must be a number"),
        ({"top_k": 1.5}, "must be a whole number"),
        ({"seed": -1}, "must be between"),
        ({"stop": [1]}, "one per line"),
        ({"stop": "a\nb\nc\nd\ne"}, "4 stop words"),
        ({"stop": ["x" * 81]}, "80 characters"),
    ],
)
def test_invalid_sampling_is_refused_with_a_reason(value: Any, words: str) -> None:
    with pytest.raises(RequestRefused, match=words):
        parse_sampling(value)


def test_controls_of_vllm_are_not_sent_to_other_servers() -> None:
    request = ChatRequest(
        (ChatMessage("user", "Hi"),), parse_sampling({"top_k": 5, "min_p": 0.1, "top_p": 0.5}).make_sampling(9)
    )
    assert b"top_k" in openai_payloads.build_request_body(
        request, "m", vllm=True
    ) and b"min_p" in openai_payloads.build_request_body(request, "m", vllm=True)
    other = openai_payloads.build_request_body(request, "m", vllm=False)
    assert b"top_k" not in other and b"min_p" not in other and b"top_p" in other
