"""The question is judged beside the search, by one vector, and nothing is said or sent before the verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from apps.conversations.core import requests
from apps.conversations.models import Message
from apps.conversations.turns import retrieval
from apps.engines import registry
from apps.safety.gate import gate
from apps.safety.policy.verdicts import ALLOWED, Verdict
from tests.conversations.conftest import WAIT_S

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


class Gatekeeper:
    """Its verdict comes when `opens` is set."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict, self.opens = verdict, asyncio.Event()
        self.texts: list[str] = []

    async def __call__(self, text: str, vector: Awaitable[object] | None = None, *, level: str = "site") -> Verdict:
        self.texts.append(text)
        assert vector is not None and (await vector) is not None
        await self.opens.wait()
        return self.verdict


@pytest.fixture
def searched(monkeypatch) -> asyncio.Event:
    """Set when a search has ended."""
    ended, search = asyncio.Event(), retrieval._search

    async def seen(*given: object, **named: object) -> object:
        found = await search(*given, **named)  # type: ignore[arg-type]
        ended.set()
        return found

    monkeypatch.setattr(retrieval, "_search", seen)
    return ended


@pytest.mark.parametrize(("allowed", "requests"), [(True, 1), (False, 0)])
async def test_the_search_does_not_wait_for_the_verdict_but_the_model_does(
    page, library, chat, monkeypatch, searched, allowed, requests
) -> None:
    check = Gatekeeper(ALLOWED if allowed else Verdict(False, "rule", "No."))
    monkeypatch.setattr(gate, "check_question", check)
    await page.ask(QUESTION)
    await asyncio.wait_for(searched.wait(), WAIT_S)
    assert (await page.hear())["type"] == "opened"
    assert await page.silent(0.1) and chat.requests == [], "not a step, not a request before the verdict"
    check.opens.set()
    events = await page.events()
    assert len(chat.requests) == requests
    assert (events[0]["type"], events[-1]["status"]) == (("step", "complete") if allowed else ("closed", "withheld"))


async def test_a_question_is_embedded_once_for_gate_and_search_also_when_it_is_asked_again(
    page, library, chat, monkeypatch
) -> None:
    embed, texts = registry.get_embedder(), []
    made = type(embed).embed_query
    monkeypatch.setattr(type(embed), "embed_query", lambda self, text: texts.append(text) or made(self, text))
    check = Gatekeeper(ALLOWED)
    check.opens.set()
    monkeypatch.setattr(gate, "check_question", check)
    first = await page.get_answer(QUESTION)
    await page.retry(first.pk)
    assert texts.count(QUESTION) == len(check.texts) == 2, "once a turn"


async def test_question_text_stored_checked_and_sent_is_the_same(page, library, chat, monkeypatch) -> None:
    typed = "\u200b Ｈow high was the light\u200bhouse of Alexandria?\u2028"
    assert requests.clean_question(typed) == QUESTION
    check = Gatekeeper(ALLOWED)
    check.opens.set()
    monkeypatch.setattr(gate, "check_question", check)
    accepted = await page.get_answer(typed)
    assert check.texts == [QUESTION]
    assert (await Message.objects.aget(pk=accepted.parent_id)).text == QUESTION
    assert chat.requests[0].messages[-1].content.endswith(f"Question: {QUESTION}")
