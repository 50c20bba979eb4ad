"""How many tokens of passages a model reads, and how long its answers may be."""

from __future__ import annotations

import pytest

from apps.conversations.assistants.reading_budget import (
    ReadingLimits,
    compute_answer_tokens,
    compute_budget,
    resolve_limits,
)
from apps.conversations.models import ModelProfile
from apps.engines.chat.fake import FakeChat
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db


@pytest.mark.parametrize(
    ("window", "speed", "budget"),
    [
        (131_072, 20_000.0, 6_000),  # a large model on a fast server
        (16_384, 20_000.0, 4_096),  # a quarter of the window
        (131_072, 1_200.0, 2_400),  # two seconds of reading
        (131_072, None, 1_500),  # not measured yet
        (131_072, 200.0, 700),  # a slow server gets no less than the packaged model
        (2_048, 20_000.0, 700),  # a small window
        (4_096, None, 1_024),
    ],
)
def test_the_budget_follows_window_and_speed_of_a_model_that_reads_well(
    window: int, speed: float | None, budget: int
) -> None:
    assert compute_budget(window, speed, reads_well=True) == budget


def test_a_model_below_the_reading_check_gets_the_small_budget_and_short_answers() -> None:
    assert compute_budget(131_072, 20_000.0, reads_well=False) == 700
    assert compute_answer_tokens(131_072, reads_well=False) == 512


def test_long_answers_need_a_window_with_room_for_them() -> None:
    assert compute_answer_tokens(8_192, reads_well=True) == 2_048
    assert compute_answer_tokens(4_096, reads_well=True) == 512


@pytest.mark.django_db(transaction=True)
async def test_the_limits_of_a_served_model_come_from_its_profile_and_window() -> None:
    chat = FakeChat(model="big-70B", context_tokens=32_768)
    assert await resolve_limits("main", chat) == ReadingLimits(700, 512)
    values = {"reading_right": 8, "reading_asked": 8, "prompt_tokens_per_s": 5_000.0}
    await in_db(ModelProfile.objects.create, name="big-70B", **values)
    assert await resolve_limits("main", chat) == ReadingLimits(6_000, 2_048)


@pytest.mark.django_db(transaction=True)
async def test_the_limits_of_a_model_that_is_away_are_not_known() -> None:
    with pytest.raises(EngineError):
        await resolve_limits("main", FakeChat(unavailable=True))
