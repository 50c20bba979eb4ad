"""Who has the first word, and why."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from apps.conversations.assistants import answer_style
from apps.conversations.models import AnswerStyle, Assistant, ModelProfile
from apps.lib.concurrency.threads import in_db


def resolved(assistant: str = "automatic", model: str = "automatic", right: int | None = None) -> AnswerStyle:
    asked = None if right is None else 48
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
    assert resolved(right=38) == AnswerStyle.QUOTES
    assert resolved(right=39) == AnswerStyle.MODEL


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


@pytest.mark.django_db(transaction=True)
async def test_a_profile_is_read_once_while_it_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_style, "PROFILE_AGE_S", 60.0)
    monkeypatch.setattr(answer_style, "_profiles", {})
    assert await answer_style.fetch_model_profile("tiny") == await answer_style.fetch_model_profile("tiny")
    await in_db(ModelProfile.objects.create, name="tiny", style="model")
    assert (await answer_style.fetch_model_profile("tiny")).style == AnswerStyle.AUTOMATIC
    monkeypatch.setattr(answer_style, "PROFILE_AGE_S", 0.0)
    assert (await answer_style.fetch_model_profile("tiny")).style == AnswerStyle.MODEL
