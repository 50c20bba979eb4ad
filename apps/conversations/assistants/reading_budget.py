"""Decide how many tokens of passages a model reads, and how many tokens of answer it may write.

Entry points: `compute_budget` and `compute_answer_tokens`, which are pure, and `resolve_limits`, which asks them for
a model. The speed of a model is measured in `reading_speed.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.conversations.assistants import answer_style
from apps.engines import registry

if TYPE_CHECKING:
    from apps.engines.types import ChatEngine

SMALL_BUDGET = 700  # tokens; a CPU reads about 600 a second, and a small model loses the thread in more
LARGEST_BUDGET = 6_000  # tokens; `./run bench budget` finds .93 to 1.0 of the marked evidence in so many
UNMEASURED_BUDGET = 1_500  # tokens for a model whose speed is not known yet
READING_S = 2.0  # seconds that the model may take to read the passages
_WINDOW_SHARE = 4  # passages take at most this fraction of the window: a quarter
SHORT_ANSWER, LONG_ANSWER = 512, 2_048  # tokens
_INFO_S = 1.0  # seconds that a search waits for a server that has not yet said what it serves


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """Limits of one model, in tokens."""

    passage_tokens: int = SMALL_BUDGET
    answer_tokens: int = SHORT_ANSWER


def compute_budget(window_tokens: int, prompt_tokens_per_s: float | None, *, reads_well: bool) -> int:
    """Return the tokens of passages for a model; SMALL_BUDGET if it does not read well or its window is small.

    `prompt_tokens_per_s` is the measured reading speed; None: not measured yet.
    """
    if not reads_well:
        return SMALL_BUDGET
    readable = UNMEASURED_BUDGET if prompt_tokens_per_s is None else int(READING_S * prompt_tokens_per_s)
    return max(SMALL_BUDGET, min(window_tokens // _WINDOW_SHARE, LARGEST_BUDGET, readable))


def compute_answer_tokens(window_tokens: int, *, reads_well: bool) -> int:
    """Return the tokens that an answer may have: LONG_ANSWER for a model that reads well and has room for it."""
    return LONG_ANSWER if reads_well and window_tokens >= _WINDOW_SHARE * LONG_ANSWER else SHORT_ANSWER


async def resolve_limits(model_name: str, chat: ChatEngine) -> ReadingLimits:
    """Return the limits of a model by its name in the settings and its engine.

    Raise EngineError or TimeoutError while its server does not say what it serves.
    """
    model = registry.get_chat_model(model_name)
    if model is not None and model.passes_reading_check is False:
        return ReadingLimits()
    async with asyncio.timeout(_INFO_S):
        info = await chat.info()
    profile = await answer_style.fetch_model_profile(info.name)
    reads_well = answer_style.has_passed_reading_check(profile, model)
    return ReadingLimits(
        compute_budget(info.context_tokens, profile.prompt_tokens_per_s, reads_well=reads_well),
        compute_answer_tokens(info.context_tokens, reads_well=reads_well),
    )
