"""The reading check: what counts as right, which level a model reaches, and when it is measured again."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError

from apps.conversations.assistants import reading_check
from apps.conversations.assistants.model_trust import ModelTrust, describe_trust, get_trust
from apps.conversations.assistants.reading_check import (
    count_right_judgements,
    get_measured_profile,
    is_correct,
    measure_judging,
    measure_reading,
    measure_unmeasured,
)
from apps.conversations.assistants.reading_items import JUDGING_ITEMS, READING_ITEMS, ReadingItem
from apps.conversations.models import ModelProfile
from apps.engines import registry
from apps.engines.chat.model_catalog import ChatModel
from apps.engines.judge.protocol import Evidence, Judgement, SentenceJudgement
from apps.engines.types import ChatRequest, Delta, EngineBusy, EngineRefused, EngineUnavailable, Finish, ModelInfo
from apps.lib.concurrency.threads import in_db

MODEL = ChatModel("main", "", "http://127.0.0.1:8001/v1")
LIBRARY = next(item for item in READING_ITEMS if item.question == "How many books may a member borrow?")
COUNT = len(READING_ITEMS)
ABSENT = {"en": "Not in the passages.", "de": "Nicht in den Passagen.", "es": "No está en los pasajes."}


def answer(item: ReadingItem) -> str:
    return f"It is {item.right[0]}." if item.right else ABSENT[item.language]


GOOD = {item.question: answer(item) for item in READING_ITEMS}
VERDICTS = {text: verdict for item in JUDGING_ITEMS for text, verdict in item.sentences}


class Pupil:
    """Chat model that answers each reading question from a book of answers, and judges by a book of verdicts; without
    one it writes prose instead of verdicts."""

    def __init__(self, answers: dict[str, str], verdicts: dict[str, Judgement] | None = None) -> None:
        self.answers, self.verdicts = answers, verdicts
        self.away = self.refuses = False
        self.busy = 0  # how many requests more are put off
        self.model = ModelInfo("tiny", 2048)
        self.requests: list[ChatRequest] = []

    async def info(self, *, fresh: bool = False) -> ModelInfo:
        return self.model

    def count(self, texts: list[str]) -> list[int]:
        return [len(text) // 4 for text in texts]

    async def stream(self, request: ChatRequest) -> AsyncIterator[Delta | Finish]:
        self.requests.append(request)
        if self.away:
            raise EngineUnavailable("away")
        if self.busy:
            self.busy -= 1
            raise EngineBusy("busy", 0.0)
        if "response_format" in request.extra_body and self.refuses:
            raise EngineRefused("no structured output")
        for piece in self._say(request).split(" "):
            yield Delta(piece + " ")
        yield Finish("stop")

    def _say(self, request: ChatRequest) -> str:
        said = request.messages[-1].content
        if "response_format" in request.extra_body and self.verdicts is not None:
            source = re.findall(r'^\[(\d+)\] .*?: "(.*?)"$', request.messages[1].content, re.MULTILINE | re.DOTALL)
            asked = re.findall(r"^(\d+)\. (.*)$", said, re.MULTILINE)
            return json.dumps({"sentences": [self._judge(int(at), text, source) for at, text in asked]})
        return self.answers.get(said.rpartition("Question: ")[2], "Yes.")

    def _judge(self, at: int, text: str, sources: list[tuple[str, str]]) -> dict[str, Any]:
        assert self.verdicts is not None
        number, words = sources[0]
        evidence = [{"source": int(number), "words": " ".join(words.split()[:4])}]
        return {"sentence": at, "evidence": evidence, "verdict": self.verdicts[text].value}


def make_profile(**fields: Any) -> ModelProfile:
    return ModelProfile(name="tiny", **fields)


def test_items_are_of_every_kind_and_language_and_each_can_be_answered() -> None:
    kinds = Counter(item.kind for item in READING_ITEMS)
    assert COUNT >= 40 and set(kinds) == {"fact", "several", "absent", "table", "date"} and min(kinds.values()) >= 7
    assert Counter(item.language for item in READING_ITEMS).keys() == {"en", "de", "es"}
    for item in READING_ITEMS:
        assert all(is_correct(item, text) for text in item.right) and is_correct(item, answer(item)), item.question
        assert all(is_correct(item, text) == (not item.right) for text in ABSENT.values()), item.question
    deserved = Counter(VERDICTS.values())
    assert min(deserved[verdict] for verdict in (Judgement.SUPPORTED, Judgement.CONTRADICTED)) >= 16


def test_repeating_the_passages_is_no_answer() -> None:
    assert sum(is_correct(item, " ".join(item.passages)) for item in READING_ITEMS) <= 3


def test_each_kind_is_asked_before_the_check_may_end_early() -> None:
    assert {item.kind for item in READING_ITEMS[:8]} == {"fact", "several", "absent", "table", "date"}


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("Six books.", True),
        ("6", True),
        ("A member may borrow six books for four weeks.", True),
        ("four books", False),
        ("six or four books", False),
        ("sixty", False),
        ("", False),
        ("Not in the passages, but perhaps six.", False),
    ],
)
def test_an_answer_is_right_if_it_names_the_right_thing_alone(said: str, right: bool) -> None:
    assert is_correct(LIBRARY, said) == right


async def test_a_busy_server_is_no_wrong_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.engines.busy_retries._FIRST_WAIT_S", 0.01)
    pupil = Pupil(GOOD, VERDICTS)
    for measure in (measure_reading, measure_judging):
        pupil.busy = 3
        right, asked = await measure(pupil)  # type: ignore[arg-type]
        assert right == asked > 0 and not pupil.busy


async def test_the_check_counts_right_answers_and_is_the_same_every_time() -> None:
    pupil = Pupil(GOOD)
    assert await measure_reading(pupil) == (COUNT, COUNT)  # type: ignore[arg-type]
    assert all(request.sampling.temperature == 0 and request.sampling.seed is not None for request in pupil.requests)
    wrong = Pupil(GOOD | {LIBRARY.question: "It is blue."})
    assert await measure_reading(wrong) == (COUNT - 1, COUNT)  # type: ignore[arg-type]


async def test_a_model_that_always_answers_stays_below_the_bar_and_the_check_ends_early() -> None:
    never_absent = {item.question: answer(item) if item.right else "It is 12." for item in READING_ITEMS}
    right, asked = await measure_reading(Pupil(never_absent))  # type: ignore[arg-type]
    assert get_trust(make_profile(reading_right=right, reading_asked=asked)) is ModelTrust.QUOTES
    assert await measure_reading(Pupil({})) == (0, 10)  # type: ignore[arg-type]


async def test_sentences_are_judged_in_the_format_of_judges_after_an_answer() -> None:
    pupil = Pupil(GOOD, VERDICTS)
    assert await measure_judging(pupil) == (40, 40)  # type: ignore[arg-type]
    first = pupil.requests[0]
    assert [message.role for message in first.messages] == ["system", "user", "assistant", "user"]
    assert first.extra_body["response_format"]["type"] == "json_schema"


async def test_a_judge_that_always_agrees_stays_below_the_bar() -> None:
    right, asked = await measure_judging(Pupil({}, dict.fromkeys(VERDICTS, Judgement.SUPPORTED)))  # type: ignore[arg-type]
    assert asked < 40, "ended early"
    passed = make_profile(reading_right=48, reading_asked=48, judging_right=right, judging_asked=asked)
    assert get_trust(passed) is ModelTrust.READS


def test_a_verdict_of_support_counts_only_with_words_of_the_sources() -> None:
    item = JUDGING_ITEMS[0]
    at = next(at for at, (_, verdict) in enumerate(item.sentences) if verdict is Judgement.SUPPORTED)
    found = SentenceJudgement(Judgement.SUPPORTED, (Evidence(1, item.sources[0][1][:30]),))
    invented = SentenceJudgement(Judgement.SUPPORTED, (Evidence(1, "words of nobody"),))
    assert [count_right_judgements(item, {at: given}) for given in (found, invented)] == [1, 0]


@pytest.mark.parametrize(
    ("reading", "judging", "level", "says"),
    [
        ((48, 48), (40, 40), ModelTrust.JUDGES, "Reads and judges its own sentences: 48 of 48"),
        ((39, 48), (35, 40), ModelTrust.JUDGES, "Sentences judged correctly: 35 of 40"),
        ((39, 48), (34, 40), ModelTrust.READS, "75% are needed"),
        ((48, 48), (0, 0), ModelTrust.READS, "gives no verdicts"),
        ((48, 48), (None, None), ModelTrust.READS, "has not been tested yet"),
        ((38, 48), (40, 40), ModelTrust.QUOTES, "Trusted with quotes only: 38 of 48"),
        ((8, 8), (None, None), ModelTrust.READS, "8 of 8"),
        ((7, 8), (None, None), ModelTrust.QUOTES, "7 of 8"),
    ],
)
def test_the_lower_bound_decides_the_level(
    reading: tuple[int, int], judging: tuple[int | None, int | None], level: ModelTrust, says: str
) -> None:
    right, asked = reading
    profile = make_profile(reading_right=right, reading_asked=asked, judging_right=judging[0], judging_asked=judging[1])
    assert get_trust(profile) is level and says in describe_trust(profile)


def test_a_declaration_replaces_the_measurement_of_reading_but_not_of_judging() -> None:
    declared = replace(MODEL, passes_reading_check=True)
    assert get_trust(make_profile(), declared) is ModelTrust.READS
    assert get_trust(make_profile(judging_right=40, judging_asked=40), declared) is ModelTrust.JUDGES
    passed = make_profile(reading_right=48, reading_asked=48, judging_right=40, judging_asked=40)
    assert get_trust(passed, replace(MODEL, passes_reading_check=False)) is ModelTrust.QUOTES


@pytest.mark.django_db(transaction=True)
async def test_a_model_is_measured_once_and_what_it_showed_is_kept() -> None:
    pupil = Pupil(GOOD, VERDICTS)
    first = await get_measured_profile(pupil)  # type: ignore[arg-type]
    assert (first.name, first.reading_right, first.reading_asked) == ("tiny", COUNT, COUNT)
    assert (first.judging_right, first.judging_asked, first.measured is not None) == (40, 40, True)
    again = await get_measured_profile(pupil)  # type: ignore[arg-type]
    assert (again.measured, len(pupil.requests)) == (first.measured, COUNT + len(JUDGING_ITEMS))


@pytest.mark.django_db(transaction=True)
async def test_other_weights_behind_the_name_and_a_new_check_are_measured_again() -> None:
    await in_db(ModelProfile.objects.create, name="tiny", reading_right=8, reading_asked=8, prompt_tokens_per_s=9.0)
    assert (await get_measured_profile(Pupil({}))).reading_asked == 10  # type: ignore[arg-type]
    changed = Pupil(GOOD, VERDICTS)
    changed.model = replace(changed.model, fingerprint="abc")
    profile = await get_measured_profile(changed)  # type: ignore[arg-type]
    assert (profile.reading_right, profile.fingerprint, profile.prompt_tokens_per_s) == (COUNT, "abc", None)


@pytest.mark.django_db(transaction=True)
async def test_a_measurement_goes_on_without_its_caller_and_is_shared() -> None:
    pupil = Pupil(GOOD, VERDICTS)
    gone = asyncio.create_task(get_measured_profile(pupil))  # type: ignore[arg-type]
    while not pupil.requests:
        await asyncio.sleep(0.01)
    gone.cancel()
    assert (await get_measured_profile(pupil)).judging_asked == 40  # type: ignore[arg-type]
    assert len(pupil.requests) == COUNT + len(JUDGING_ITEMS)


@pytest.mark.django_db(transaction=True)
async def test_a_model_that_is_away_is_not_judged() -> None:
    pupil = Pupil(GOOD)
    pupil.away = True
    with pytest.raises(EngineUnavailable):
        await get_measured_profile(pupil)  # type: ignore[arg-type]
    assert await in_db(lambda: ModelProfile.objects.get().measured) is None


@pytest.mark.django_db(transaction=True)
async def test_a_server_without_structured_output_reads_and_does_not_judge() -> None:
    pupil = Pupil(GOOD, VERDICTS)
    pupil.refuses = True
    profile = await get_measured_profile(pupil)  # type: ignore[arg-type]
    assert (profile.judging_asked, get_trust(profile)) == (0, ModelTrust.READS)


@pytest.mark.django_db(transaction=True)
async def test_new_models_are_measured_once_they_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = Pupil(GOOD)
    monkeypatch.setattr(registry, "list_chat_models", lambda: [replace(MODEL, passes_reading_check=False), MODEL])
    monkeypatch.setattr(registry, "get_chat_engine", lambda name: pupil)
    pupil.away = True
    await measure_unmeasured()
    pupil.away = False
    pupil.requests.clear()
    await measure_unmeasured()
    asked = len(pupil.requests)
    await measure_unmeasured()  # nothing is left to do
    profile = await in_db(ModelProfile.objects.get)
    assert (profile.reading_right, profile.judging_right) == (COUNT, 0), "prose is no verdict"
    assert profile.prompt_tokens_per_s is not None and profile.prompt_tokens_per_s > 0
    assert len(pupil.requests) == asked


@pytest.mark.django_db(transaction=True)
async def test_the_speed_and_judging_of_a_declared_reader_are_measured_and_its_reading_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pupil = Pupil(GOOD, VERDICTS)
    monkeypatch.setattr(registry, "list_chat_models", lambda: [replace(MODEL, passes_reading_check=True)])
    monkeypatch.setattr(registry, "get_chat_engine", lambda name: pupil)
    await measure_unmeasured()
    profile = await in_db(ModelProfile.objects.get)
    assert (profile.measured, profile.reading_asked, profile.judging_asked) == (None, None, 40)
    assert len(pupil.requests) == len(JUDGING_ITEMS) + 3 and profile.prompt_tokens_per_s is not None


@pytest.mark.django_db(transaction=True)
async def test_the_speed_of_a_model_below_the_reading_check_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = Pupil({})
    monkeypatch.setattr(registry, "list_chat_models", lambda: [MODEL])
    monkeypatch.setattr(registry, "get_chat_engine", lambda name: pupil)
    await measure_unmeasured()
    profile = await in_db(ModelProfile.objects.get)
    assert (profile.reading_right, profile.judging_asked, profile.prompt_tokens_per_s) == (0, None, None)


async def test_reading_check_goes_on_after_the_database_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []

    async def fail_once() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise OperationalError("connection refused")
        if len(rounds) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(reading_check, "measure_unmeasured", fail_once)
    with pytest.raises(asyncio.CancelledError):
        await reading_check.measure_new_models(0)
    assert rounds == [0, 1, 2]
