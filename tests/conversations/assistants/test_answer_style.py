"""Who has the first word, and why; and the reading check that decides where nobody did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from pytest_django import Settings

from apps.conversations.assistants import answer_style, reading_check
from apps.conversations.assistants.reading_check import READING_ITEMS, get_measured_profile, is_correct, measure_reading
from apps.conversations.models import AnswerStyle, Assistant, ModelProfile
from apps.engines import registry
from apps.engines.chat.model_catalog import ChatModel
from apps.engines.types import ChatRequest, Delta, EngineUnavailable, Finish, ModelInfo
from apps.lib.concurrency.threads import in_db

INFO = ModelInfo("tiny", 2048)
MODEL = ChatModel("main", "", "http://127.0.0.1:8001/v1")


def resolved(assistant: str = "automatic", model: str = "automatic", right: int | None = None) -> AnswerStyle:
    asked = None if right is None else 8
    profile = ModelProfile(name="tiny", style=model, reading_right=right, reading_asked=asked)
    return answer_style.resolve_style(Assistant(style=assistant), profile)


def test_the_assistant_is_heard_before_the_model_and_the_site(settings: Settings) -> None:
    settings.ANSWER_STYLE = "quotes"
    assert resolved(assistant="model", model="quotes") == AnswerStyle.MODEL
    assert resolved(assistant="automatic", model="model") == AnswerStyle.MODEL
    assert resolved() == AnswerStyle.QUOTES
    settings.ANSWER_STYLE = "model"
    assert resolved() == AnswerStyle.MODEL


def test_automatic_means_quotes_first_until_the_model_has_shown_that_it_reads(settings: Settings) -> None:
    settings.ANSWER_STYLE = "automatic"
    assert resolved() == AnswerStyle.QUOTES
    assert resolved(right=6) == AnswerStyle.QUOTES
    assert resolved(right=7) == AnswerStyle.MODEL


def test_the_reader_is_told_who_writes_and_why_quotes_come_first() -> None:
    automatic = Assistant(style=AnswerStyle.AUTOMATIC)
    measured = ModelProfile(name="tiny", reading_right=3, reading_asked=8)
    assert "3 of 8" in answer_style.explain_style(AnswerStyle.QUOTES, automatic, measured, "tiny")
    assert answer_style.explain_style(AnswerStyle.QUOTES, automatic, measured, "tiny").startswith(
        "tiny writes the answers."
    )
    assert "has not been checked yet" in answer_style.explain_style(
        AnswerStyle.QUOTES, automatic, ModelProfile(name="tiny"), "tiny"
    )
    assert "set up that way" in answer_style.explain_style(
        AnswerStyle.QUOTES, Assistant(style=AnswerStyle.QUOTES), measured, "tiny"
    )
    assert "own words" in answer_style.explain_style(AnswerStyle.MODEL, automatic, measured, "tiny")


class Pupil:
    """Answers each question of the check from a book of answers."""

    def __init__(self, answers: dict[str, str], away: bool = False) -> None:
        self.answers, self.away, self.requests = answers, away, list[ChatRequest]()

    async def info(self) -> ModelInfo:
        return INFO

    def count(self, texts: list[str]) -> list[int]:
        return [len(text) // 4 for text in texts]

    async def stream(self, request: ChatRequest) -> AsyncIterator[Delta | Finish]:
        self.requests.append(request)
        if self.away:
            raise EngineUnavailable("away")
        question = request.messages[-1].content.partition("Question: ")[2]
        for piece in self.answers.get(question, "Yes.").split(" "):
            yield Delta(piece + " ")
        yield Finish("stop")


GOOD = {item.question: f"It is {item.right[0]}." for item in READING_ITEMS}


async def test_the_check_counts_right_answers_and_is_the_same_every_time() -> None:
    pupil = Pupil(GOOD)
    assert await measure_reading(pupil) == (8, 8)  # type: ignore[arg-type]
    assert all(request.sampling.temperature == 0 and request.sampling.seed is not None for request in pupil.requests)
    assert await measure_reading(Pupil(GOOD | {READING_ITEMS[0].question: "It is blue."})) == (7, 8)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("Six books.", True),
        ("6", True),
        ("A member may borrow six books at once.", True),
        ("four", False),
        ("six or four", False),
        ("sixty", False),
        ("", False),
    ],
)
def test_an_answer_is_right_if_it_names_the_right_thing_alone(answer: str, right: bool) -> None:
    assert is_correct(READING_ITEMS[0], answer) == right


def test_reading_items_are_answerable_and_repeating_the_passage_is_no_answer() -> None:
    for item in READING_ITEMS:
        assert any(is_correct(item, text) for text in item.right)
    assert sum(is_correct(item, item.passage) for item in READING_ITEMS) <= 3


@pytest.mark.django_db(transaction=True)
async def test_a_model_is_measured_once_and_what_it_showed_is_kept() -> None:
    pupil = Pupil(GOOD)
    first = await get_measured_profile(pupil)  # type: ignore[arg-type]
    assert (first.name, first.reading_right, first.reading_asked) == ("tiny", 8, 8)
    assert first.measured is not None
    again = await get_measured_profile(pupil)  # type: ignore[arg-type]
    assert (again.measured, len(pupil.requests)) == (first.measured, 8)


@pytest.mark.django_db(transaction=True)
async def test_a_model_that_is_away_is_not_judged() -> None:
    with pytest.raises(EngineUnavailable):
        await get_measured_profile(Pupil(GOOD, away=True))  # type: ignore[arg-type]
    assert await reading_check.in_db(lambda: ModelProfile.objects.get().measured) is None


@pytest.mark.django_db(transaction=True)
async def test_new_models_are_measured_once_they_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    away, pupil = Pupil(GOOD, away=True), Pupil(GOOD)
    engines = iter([away, pupil])
    monkeypatch.setattr(registry, "list_chat_models", lambda: [replace(MODEL, passes_reading_check=False), MODEL])
    monkeypatch.setattr(registry, "get_chat_engine", lambda name: next(engines))
    measured: set[tuple[str, str]] = set()
    for _ in range(3):  # at the first time it is away, at the last nothing is left to do
        await reading_check.measure_unmeasured(measured)
    profile = await reading_check.in_db(lambda: ModelProfile.objects.get())
    assert (profile.reading_right, len(pupil.requests), next(engines, None)) == (8, 11, None)
    assert profile.prompt_tokens_per_s is not None and profile.prompt_tokens_per_s > 0


@pytest.mark.django_db(transaction=True)
async def test_the_speed_of_a_declared_reader_is_measured_and_its_reading_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pupil = Pupil(GOOD)
    monkeypatch.setattr(registry, "list_chat_models", lambda: [replace(MODEL, passes_reading_check=True)])
    monkeypatch.setattr(registry, "get_chat_engine", lambda name: pupil)
    await reading_check.measure_unmeasured(set())
    profile = await reading_check.in_db(lambda: ModelProfile.objects.get())
    assert (profile.measured, len(pupil.requests)) == (None, 3)
    assert profile.prompt_tokens_per_s is not None


@pytest.mark.django_db(transaction=True)
async def test_the_speed_of_a_model_below_the_reading_check_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = Pupil({})
    monkeypatch.setattr(registry, "list_chat_models", lambda: [MODEL])
    monkeypatch.setattr(registry, "get_chat_engine", lambda name: pupil)
    await reading_check.measure_unmeasured(set())
    profile = await reading_check.in_db(lambda: ModelProfile.objects.get())
    assert (profile.reading_right, profile.prompt_tokens_per_s) == (0, None)


@pytest.mark.django_db(transaction=True)
async def test_a_profile_is_read_once_while_it_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_style, "PROFILE_AGE_S", 60.0)
    monkeypatch.setattr(answer_style, "_profiles", {})
    assert await answer_style.fetch_model_profile("tiny") == await answer_style.fetch_model_profile("tiny")
    await in_db(ModelProfile.objects.create, name="tiny", style="model")
    assert (await answer_style.fetch_model_profile("tiny")).style == AnswerStyle.AUTOMATIC
    monkeypatch.setattr(answer_style, "PROFILE_AGE_S", 0.0)
    assert (await answer_style.fetch_model_profile("tiny")).style == AnswerStyle.MODEL
