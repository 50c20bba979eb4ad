"""Tests that reasoning is separated from the answer, in every form that servers send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.engines.chat.fake import FakeChat
from apps.engines.chat.openai import OpenAIChat
from apps.engines.chat.reasoning_tags import ReasoningTagParser
from apps.engines.types import ChatEngine, ChatRequest, Delta, Sampling
from tests.engines.chat.chat_requests import ASK, collect, text
from tests.engines.chat.scripted_server import DONE, event, serving, stream


def parted(pieces: list[str], *, begun: bool = False) -> tuple[str, str]:
    thinking = ReasoningTagParser(started=begun)
    found = [*map(thinking.feed, pieces), thinking.finish()]
    return "".join(one for one, _ in found), "".join(other for _, other in found)


@pytest.mark.parametrize(
    ("whole", "answer", "thought"),
    [
        ("Hello there.", "Hello there.", ""),
        ("<think>Who is it?</think>\n\nHello there.", "Hello there.", "Who is it?"),
        ("\n <think>\nOh.\n</think>Hello", "Hello", "\nOh.\n"),
        ("<think></think>Hello", "Hello", ""),
        ("<think>no end", "", "no end"),
        ("Say <think>this</think> so.", "Say <think>this</think> so.", ""),  # a text about such marks
        ("<thi", "<thi", ""), ("<b>bold</b>", "<b>bold</b>", ""), ("", "", ""), ("  ", "  ", ""),
        ("<think>a </thin b</think> c", "c", "a </thin b"),
    ],
)  # fmt: skip
@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 60), max_size=6))
def test_thoughts_at_the_beginning_are_taken_out_however_the_text_was_cut(
    whole: str, answer: str, thought: str, cuts: list[int]
) -> None:
    ends = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    pieces = [whole[a:b] for a, b in pairwise(ends)]
    assert parted(pieces) == (answer, thought)


def test_thoughts_that_the_template_has_opened_have_no_opening_mark() -> None:
    assert parted(["Who ", "is it?</th", "ink>\n\nHello"], begun=True) == ("Hello", "Who is it?")


@asynccontextmanager
async def engine(kind: str) -> AsyncIterator[ChatEngine]:
    """Engine whose model reasons "Who is it?" and answers "Hello there."."""
    if kind == "fake":
        yield FakeChat(reply="<think>Who is it?</think> Hello there.")
        return
    thought = [
        b"data: " + orjson.dumps({"choices": [{"delta": {kind: part}}]}) + b"\n\n" for part in ("Who ", "is it?")
    ]
    marked = [event(part) for part in ("<th", "ink>Who ", "is it?</", "think>\n")]
    parts = marked if kind == "marked" else thought
    async with serving(stream(*parts, event("Hello "), event("there."), event(None, "stop"), DONE)) as server:
        chat = OpenAIChat(server.url)
        yield chat
        await chat.close()


@pytest.mark.parametrize("kind", ["fake", "marked", "reasoning", "reasoning_content"])
async def test_reasoning_is_separated_from_the_answer_by_every_engine(kind: str) -> None:
    async with engine(kind) as chat:
        items = await collect(chat)
    thoughts = "".join(item.reasoning for item in items if isinstance(item, Delta))
    assert (text(items), " ".join(thoughts.split())) == ("Hello there.", "Who is it?")


async def test_the_tokens_of_thoughts_are_not_those_of_the_answer() -> None:
    def weighed(*words: str) -> bytes:
        tokens = [{"token": word, "logprob": -0.5} for word in words]
        return event("".join(words), logprobs=None).replace(
            b'"finish_reason"', b'"logprobs":%b,"finish_reason"' % orjson.dumps({"content": tokens})
        )

    async with serving(
        stream(weighed("<think>", "Oh."), weighed("</think>", "Hi", "!"), event(None, "stop"), DONE)
    ) as s:
        chat = OpenAIChat(s.url)
        items = await collect(chat, ChatRequest(ASK.messages, Sampling(logprobs=1)))
        await chat.close()
    assert [token.token for item in items if isinstance(item, Delta) for token in item.logprobs] == ["Hi", "!"]


async def test_a_model_is_asked_to_answer_at_once_where_its_server_can_tell_it() -> None:
    async with serving(stream(event("Hi"), event(None, "stop"), DONE)) as server:
        chat = OpenAIChat(server.url)
        await collect(chat, ChatRequest(ASK.messages, reasoning=False))
        await collect(chat)
        await chat.close()
    assert [body.get("chat_template_kwargs") for body in server.chats] == [{"enable_thinking": False}, None]
