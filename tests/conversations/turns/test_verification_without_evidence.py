"""Sentences with nothing to compare them with get their findings where they are written, in order, without a task."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from apps.conversations.core.events import Cited, Event
from apps.conversations.rendering.answer_renderer import StreamRenderer
from apps.conversations.turns.state import Turn
from apps.conversations.turns.verification import SentenceVerifier
from apps.engines.types import EngineUnavailable
from apps.grounding.citer import Citer


class Log:
    """What a turn says; `away`: nothing is taken."""

    def __init__(self) -> None:
        self.said: list[Event] = []
        self.away = False

    async def say(self, event: Event) -> None:
        if self.away:
            raise EngineUnavailable("The log of running answers (Redis) does not answer.")
        self.said.append(event)

    @property
    def findings(self) -> list[int]:
        return [event.sentence for event in self.said if isinstance(event, Cited)]


def writing() -> tuple[Any, SentenceVerifier, Log]:
    """A turn without passages, its verifier, and what it says."""
    log = Log()
    prepared = SimpleNamespace(
        history=(), text="What is it?", user=None, answer_id=uuid4(), without_documents=False, model=""
    )
    turn = SimpleNamespace(
        input=prepared,
        calls=SimpleNamespace(text_results=[]),
        sources=SimpleNamespace(addition_count=0),
        shown_numbers={},
        model="",
        answer=SimpleNamespace(renderer=StreamRenderer()),
        text="",
        passages=[],
        retrieved=None,
        shows_verified_only=False,
        emit=log.say,
    )
    return turn, SentenceVerifier(cast(Turn, turn)), log


async def write(turn: Any, verifier: SentenceVerifier, piece: str) -> None:
    turn.text += piece
    turn.answer.renderer.feed(piece)
    await verifier.verify_new_sentences()


async def test_findings_are_there_when_their_sentences_are_and_no_task_makes_them() -> None:
    turn, verifier, log = writing()
    await write(turn, verifier, "The first tower is tall. The second ")
    await verifier.finish()
    assert log.findings == [0]
    tasks = asyncio.all_tasks()
    await write(turn, verifier, "tower is white. It was ")
    assert log.findings == [0, 1] and asyncio.all_tasks() == tasks
    await write(turn, verifier, "made of stone. It fell into the sea. And that ")
    assert log.findings == [0, 1, 2, 3]
    assert [cite.sentence for cite in verifier.citations] == [0, 1, 2, 3]


async def test_a_log_that_takes_no_finding_costs_that_finding_and_no_other() -> None:
    turn, verifier, log = writing()
    await write(turn, verifier, "The first tower is tall. The second ")
    await verifier.finish()
    log.away = True
    await write(turn, verifier, "tower is white. It was ")
    log.away = False
    await write(turn, verifier, "made of stone. And that ")
    await verifier.finish()
    assert log.findings == [0, 2]
    assert [cite.sentence for cite in verifier.citations] == [0, 1, 2], "the answer keeps it"


async def test_comparison_with_tool_results_does_not_delay_text() -> None:
    turn, verifier, log = writing()
    await write(turn, verifier, "The first tower is tall. The second ")
    await verifier.finish()
    turn.calls.text_results = [
        SimpleNamespace(title="Look", result="The second tower is white.", status="done", sources=())
    ]
    before = len(log.findings)
    turn.text += "tower is white. It was "
    turn.answer.renderer.feed("tower is white. It was ")
    await verifier.verify_new_sentences()
    assert len(log.findings) == before and verifier._task is not None and not verifier._task.done()
    verifier._task.cancel()


@pytest.mark.django_db(transaction=True)
async def test_passages_that_come_while_the_comparison_is_prepared_are_compared_with_too(monkeypatch) -> None:
    turn, verifier, _ = writing()
    begun, go_on, known = asyncio.Event(), asyncio.Event(), list[list[int]]()

    class Slow:
        windows = ()

        def __init__(self, numbers: list[int]) -> None:
            self.numbers = numbers

        def cite(self, *_: object) -> list[object]:
            known.append(self.numbers)
            return []

    async def build(_make: object, _text: str, passages: dict[int, object], _earlier: object) -> Slow:
        begun.set()
        await go_on.wait()
        return Slow(list(passages))

    monkeypatch.setattr("apps.conversations.turns.verification.in_pool", build)
    writes = asyncio.create_task(write(turn, verifier, "The first tower is tall. The second is white. It "))
    await begun.wait()
    turn.passages = [SimpleNamespace(number=7, passage=None)]  # a tool finds it
    turn.sources.addition_count += 1
    go_on.set()
    await writes
    await verifier.finish()
    assert known == [[7], [7]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("log")
async def test_findings_on_the_wire_follow_the_text_that_has_their_place(page, library, chat, settings) -> None:
    settings.ANSWER_STYLE = "model"
    sentences = [f"Tower number {number} of the wall is tall." for number in range(12)]
    chat.reply, chat.gap_s = " ".join(sentences), 0.01
    _, events = await page.ask_to_end("How high was the lighthouse of Alexandria?")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    found = [event["sentence"] for event in events if event["type"] == "cited"]
    shown = set[int]()
    for event in events:
        if event["type"] == "text":
            shown |= set(map(int, re.findall(r'class="pills" data-sentence="(\d+)"', event["html"])))
        assert event["type"] != "cited" or event["sentence"] in shown
    assert found == list(range(len(found))) and len(found) > 3


async def test_finish_waits_for_the_finding_of_the_last_sentence() -> None:
    turn, verifier, log = writing()
    verifier.use_citer(cast(Citer, SimpleNamespace(windows=("A tower.",), cite=lambda *_: [], sources={})))
    begun, taken, say = asyncio.Event(), asyncio.Event(), log.say

    async def say_late(event: Event) -> None:
        begun.set()
        await taken.wait()
        await say(event)

    turn.emit = say_late
    await write(turn, verifier, "The first tower is tall. The second ")
    await begun.wait()  # the last sentence that stands is judged, and its finding on its way
    finishing = asyncio.create_task(verifier.finish())
    await asyncio.sleep(0.05)
    waited = not finishing.done()
    taken.set()
    await finishing
    assert waited and log.findings == [0]
