"""Sentences without a source that a judge reads: supported, contradicted, and a judge that is slow, down or wrong."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from apps.conversations.assistants import answer_style
from apps.conversations.history import trace_view, transcript
from apps.conversations.models import Citation, Message, ModelProfile
from apps.conversations.turns import model_queue
from apps.engines import registry
from apps.engines.chat.fake import FakeChat
from apps.engines.judge.fake import FakeJudge
from apps.engines.judge.protocol import Evidence, Judgement, SentenceJudgement
from apps.engines.types import ChatRequest, EngineBroken, EngineUnavailable
from apps.grounding.calibration import store
from apps.grounding.calibration.thresholds import LanguageRates
from apps.lib.concurrency.threads import in_db
from apps.lib.proportions import Proportion

QUESTION = "How high was the lighthouse of Alexandria?"
PLAIN = "The lighthouse stood about 100 metres high."
OWN_WORDS = "The tower rose about 100 metres into the air."
WRONG = "The lighthouse stood about 900 metres high."
INVENTED = "Pirates painted the whole tower pink."


@pytest.fixture
def judge(settings) -> Iterator[FakeJudge]:
    settings.ENGINES = {**settings.ENGINES, "judge": {"BACKEND": "apps.engines.judge.fake.FakeJudge", "OPTIONS": {}}}
    registry._built.pop("judge", None)
    engine = registry.get_judge_engine()
    assert isinstance(engine, FakeJudge)
    yield engine
    registry._built.pop("judge", None)


@pytest.fixture
def reads_well(chat, transactional_db) -> None:
    """Let the model pass the reading check, so that all of its sentences are shown."""
    ModelProfile.objects.create(name="fake-1B", reading_right=8, reading_asked=8)


async def answered(open_page, alice, chat, reply: str) -> tuple[Message, list[dict[str, Any]]]:
    chat.replies.append(reply)
    page = await open_page(alice)
    return await page.ask_to_end(QUESTION)


async def list_states(row: Message) -> list[tuple[str, bool, bool, str]]:
    """Return (sentence, has a source, contradicted, judge) of each citation."""
    rows = await in_db(lambda: list(Citation.objects.filter(answer=row).order_by("sentence")))
    return [(row.text[one.start : one.end], bool(one.source_id), one.contradicted, one.checked_by) for one in rows]


def script(judge: FakeJudge, sentence: str, outcome: Judgement, number: int, words: str) -> None:
    judge.script[sentence] = SentenceJudgement(outcome, (Evidence(number, words),))


async def find_number(open_page, alice, chat) -> int:
    """Return the number of the passage with the height, as an answer before cites it."""
    row, _ = await answered(open_page, alice, chat, PLAIN)
    return await in_db(lambda: Citation.objects.filter(answer=row, source__isnull=False)[0].source.number)


async def test_judge_lifts_what_it_finds_and_says_what_a_passage_contradicts(
    open_page, alice, library, chat, judge, reads_well
) -> None:
    number = await find_number(open_page, alice, chat)
    words = "about 100 metres high"
    script(judge, OWN_WORDS, Judgement.SUPPORTED, number, words)
    script(judge, WRONG, Judgement.CONTRADICTED, number, words)
    row, events = await answered(open_page, alice, chat, f"{OWN_WORDS} {WRONG} {INVENTED}")
    assert judge.asked == [(OWN_WORDS, WRONG, INVENTED)], "one request for all, and none about the first answer"
    assert await list_states(row) == [
        (OWN_WORDS, True, False, "judge-fake"),
        (WRONG, False, True, "judge-fake"),
        (INVENTED, False, False, ""),
    ]
    states: dict[int, list[str]] = {}
    for event in events:
        if event["type"] == "cited":
            states.setdefault(event["sentence"], []).append(event["state"])
    assert states == {0: ["unverified", "supported"], 1: ["unverified", "contradicted"], 2: ["unverified"]}
    html = events[-1]["html"]
    assert (await in_db(transcript.load_turn, alice, row))["answer"]["html"] == html
    assert re.search(r'class="sentence unverified contradicted"[^>]*title="Contradicted: a passage says', html)
    assert re.search(r'class="pill compare"[^>]*data-state="contradicted">contradicted by 1<', html)


async def test_judged_sentence_appears_where_only_verified_ones_are_shown(
    open_page, alice, library, chat, judge
) -> None:
    number = await find_number(open_page, alice, chat)
    script(judge, OWN_WORDS, Judgement.SUPPORTED, number, "about 100 metres high")
    row, events = await answered(open_page, alice, chat, f"# Height\n\n{OWN_WORDS} {INVENTED}")
    assert row.shown_sentences == "verified"
    revealed = [event["revealed"] for event in events if event["type"] == "cited"]
    assert [shown for shown in revealed if shown] == [[0, 1]], "the heading comes with it"
    assert "1 sentence could not be verified" in events[-1]["html"]


@pytest.mark.parametrize("error", [EngineUnavailable("away"), EngineBroken("garbage"), RuntimeError("a fault")])
async def test_a_judge_that_fails_costs_verdicts_only_and_is_not_asked_again(
    open_page, alice, library, chat, judge, reads_well, error, caplog
) -> None:
    judge.error = error
    text = " ".join(f"{who} painted the tower {colour}." for who in ("Pirates", "Dragons") for colour in
                    ("pink", "green", "yellow", "brown"))  # fmt: skip
    row, events = await answered(open_page, alice, chat, text)
    assert (row.status, events[-1]["type"]) == (Message.Status.COMPLETE, "closed")
    assert len(judge.asked) == 1 and "judge-fake" in caplog.text
    assert not any(has_source or contradicted for _, has_source, contradicted, _ in await list_states(row))


async def test_a_slow_judge_holds_back_no_text_and_ends_at_its_time_limit(
    open_page, alice, library, chat, judge, reads_well, monkeypatch
) -> None:
    async def wait(*_: Any) -> dict[int, SentenceJudgement]:
        await asyncio.sleep(60)
        return {}

    monkeypatch.setattr(judge, "judge", wait)
    monkeypatch.setattr(judge, "timeout_s", 0.3)
    row, events = await answered(open_page, alice, chat, f"{PLAIN} {INVENTED}")
    assert row.status == Message.Status.COMPLETE and row.text == f"{PLAIN} {INVENTED}"
    assert [event["state"] for event in events if event["type"] == "cited"][-1] == "unverified"


async def test_a_stop_while_the_judge_reads_leaves_the_answer_complete(
    open_page, alice, library, chat, judge, reads_well, monkeypatch
) -> None:
    asked = asyncio.Event()

    async def wait(*_: Any) -> dict[int, SentenceJudgement]:
        asked.set()
        await asyncio.sleep(60)
        return {}

    monkeypatch.setattr(judge, "judge", wait)
    monkeypatch.setattr(judge, "timeout_s", 60)
    chat.replies.append(f"{PLAIN} {INVENTED}")
    page = await open_page(alice)
    accepted = await page.ask(QUESTION)
    await asyncio.wait_for(asked.wait(), 30)
    await page.tell(do="stop", turn=accepted["turn"])
    assert (await page.events())[-1]["status"] == "complete"


async def test_an_unverified_sentence_names_the_nearest_passage_without_a_judge(
    open_page, alice, library, chat, reads_well
) -> None:
    row, events = await answered(open_page, alice, chat, f"{WRONG} {INVENTED}")
    near, far = await in_db(lambda: list(Citation.objects.filter(answer=row).order_by("sentence")))
    assert near.source is None and near.compared and not near.contradicted
    assert (far.source, far.compared) == (None, None)
    html = events[-1]["html"]
    assert html.count('class="pill compare"') == 1 and ">compare with 1</a>" in html
    assert html.count("[not verified]") == 2


@pytest.fixture
def judges_itself(chat, transactional_db, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model be trusted to read and to judge its own sentences."""
    monkeypatch.setattr(answer_style, "_profiles", {})  # a profile that another test read is used for 2 s
    measured = {"reading_right": 48, "reading_asked": 48, "judging_right": 40, "judging_asked": 40}
    ModelProfile.objects.create(name="fake-1B", **measured)


def write_verdicts(*rows: tuple[Judgement, int, str]) -> str:
    """Return the model's answer about as many sentences, each with (verdict, source, words)."""
    return json.dumps(
        {
            "sentences": [
                {"sentence": at, "evidence": [{"source": source, "words": words}] if words else [], "verdict": verdict}
                for at, (verdict, source, words) in enumerate(rows, 1)
            ]
        }
    )


def say_as_judge(chat: FakeChat, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Have the model say `text` when it is asked about sentences, and other things as before."""
    say = chat._say
    monkeypatch.setattr(chat, "_say", lambda request: text if is_judging(request) else say(request))


def is_judging(request: ChatRequest) -> bool:
    return "response_format" in request.extra_body


async def test_a_trusted_model_judges_its_own_sentences_after_the_same_beginning(
    open_page, alice, library, chat, judges_itself, monkeypatch
) -> None:
    number = await find_number(open_page, alice, chat)
    words = "about 100 metres high"
    verdicts = write_verdicts(
        (Judgement.SUPPORTED, number, words), (Judgement.CONTRADICTED, number, words), (Judgement.NOT_THERE, 0, "")
    )
    say_as_judge(chat, monkeypatch, verdicts)
    row, _ = await answered(open_page, alice, chat, f"{OWN_WORDS} {WRONG} {INVENTED}")
    assert await list_states(row) == [
        (OWN_WORDS, True, False, "fake-1B"),
        (WRONG, False, True, "fake-1B"),
        (INVENTED, False, False, ""),
    ]
    judged_by = next(filter(is_judging, chat.requests))
    answered_by = chat.requests[chat.requests.index(judged_by) - 1]
    assert judged_by.messages[: len(answered_by.messages)] == answered_by.messages, "served by the prefix cache"
    assert [message.role for message in judged_by.messages[len(answered_by.messages) :]] == ["assistant", "user"]
    assert (judged_by.cache_salt, judged_by.sampling.temperature) == (answered_by.cache_salt, 0.0)


async def test_a_model_that_only_reads_is_not_asked_about_its_sentences(
    open_page, alice, library, chat, reads_well
) -> None:
    row, _ = await answered(open_page, alice, chat, f"{PLAIN} {INVENTED}")
    assert not any(map(is_judging, chat.requests)) and row.status == Message.Status.COMPLETE


async def test_a_judge_that_is_set_up_goes_before_the_model_itself(
    open_page, alice, library, chat, judge, judges_itself
) -> None:
    await answered(open_page, alice, chat, f"{PLAIN} {INVENTED}")
    assert judge.asked == [(INVENTED,)] and not any(map(is_judging, chat.requests))


async def test_a_judge_that_the_calibration_refused_is_not_asked(
    open_page, alice, library, chat, judge, reads_well, settings, tmp_path
) -> None:
    settings.SUPPORT_CALIBRATION = tmp_path / "calibration.json"
    store.save_rates(judge.key, {"en": LanguageRates(None, Proportion(0, 100), Proportion(9, 100))})
    row, _ = await answered(open_page, alice, chat, f"{PLAIN} {INVENTED}")
    assert judge.asked == [] and row.status == Message.Status.COMPLETE
    (shown,) = (await in_db(trace_view.build_trace_view, alice, row))["rates"]
    assert "0 of 100 true sentences pass" in shown and "It is not used for en" in shown


async def test_prose_instead_of_verdicts_leaves_the_answer_as_it_is(
    open_page, alice, library, chat, judges_itself, monkeypatch
) -> None:
    say_as_judge(chat, monkeypatch, "The sentences are fine.")
    row, events = await answered(open_page, alice, chat, f"{PLAIN} {INVENTED}")
    assert any(map(is_judging, chat.requests))
    assert row.status == Message.Status.COMPLETE and events[-1]["type"] == "closed"
    assert [found for _, found, _, _ in await list_states(row)] == [True, False]


async def test_work_in_a_spare_place_ends_as_soon_as_a_turn_waits() -> None:
    queue, ended = model_queue.ModelQueue(1), list[str]()

    class Waiting:
        async def emit_step(self, *_: Any) -> None:
            pass

    async def judge() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("judge")

    work = asyncio.create_task(queue.run_in_spare_place(judge))
    await asyncio.sleep(0.01)
    assert not queue.idle
    async with queue.place(Waiting()):  # type: ignore[arg-type]
        assert ended == ["judge"]
        with pytest.raises(model_queue.PlaceTaken):
            await work
        second = asyncio.create_task(queue.run_in_spare_place(lambda: asyncio.sleep(0, "done")))
        await asyncio.sleep(0.01)
        assert not second.done(), "no place is free"
    assert await second == "done" and queue.idle
