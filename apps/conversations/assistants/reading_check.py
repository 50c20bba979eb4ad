"""Built-in reading check: eight short passages with one question each, written for this purpose.

A model that misses plain facts in three sentences should not answer without quotes first. Entry points:
`get_measured_profile`, `measure_new_models`. The latter also measures the reading speed of models that pass.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass

from django.utils import timezone

from apps.conversations.assistants.answer_style import has_passed_reading_check
from apps.conversations.assistants.reading_speed import measure_prompt_speed
from apps.conversations.models import ModelProfile
from apps.engines import registry
from apps.engines.chat.model_catalog import ChatModel
from apps.engines.types import ChatEngine, ChatMessage, ChatRequest, Delta, EngineError, Sampling
from apps.lib.concurrency.threads import in_db
from apps.lib.text.analyzer import normalise_text

_INSTRUCTION = "Answer the question from the passage, in one short sentence."
_TOKENS = 60
MEASURE_INTERVAL_S = 60.0


@dataclass(frozen=True, slots=True)
class ReadingItem:
    """Passage with a question, and how answers are judged."""

    passage: str
    question: str
    right: tuple[str, ...]  # any of these texts
    wrong: tuple[str, ...] = ()  # texts of the same kind that the passage holds too


READING_ITEMS = (
    ReadingItem(
        "The harbour library opened in 1931 and was rebuilt after the flood of 1974. Its oldest map, drawn by "
        "Ines Calder, shows the bay before the lighthouse was moved. Members may borrow up to six books for four "
        "weeks.",
        "How many books may a member borrow?", ("six", "6"), ("four", "1931", "1974"),
    ),
    ReadingItem(
        "Marlow & Quint make bicycle bells in two towns. The brass bells come from Tarrin, the steel ones from "
        "Oldwick. Last year Tarrin made 40,000 bells and Oldwick twice as many.",
        "In which town are the steel bells made?", ("Oldwick",), ("Tarrin",),
    ),
    ReadingItem(
        "A request for leave must be sent at least ten working days before the first day off. The team lead "
        "answers within three days. Where the lead is away, the deputy, Jonas Feld, decides.",
        "Who decides when the team lead is away?", ("Jonas Feld", "Feld", "the deputy"), (),
    ),
    ReadingItem(
        "The Veldra moth flies only in the last week of May. Its caterpillars feed on willow, never on birch, and "
        "sleep through the winter under the bark. Birds avoid them because they taste bitter.",
        "Why do birds avoid the caterpillars?", ("bitter",), ("willow", "birch"),
    ),
    ReadingItem(
        "To reset the pump, first close the red valve, then hold the grey button for twelve seconds. The lamp "
        "turns green when the pump is ready. If it stays orange, call the night desk on extension 417.",
        "How long must the grey button be held?", ("twelve", "12"), ("417",),
    ),
    ReadingItem(
        "The first edition of the guide was printed in Lund in 1988. The second, with new photographs by Mira "
        "Osei, followed in 1996 and sold out within a month. A third is planned.",
        "When was the second edition printed?", ("1996",), ("1988",),
    ),
    ReadingItem(
        "Plan A costs 9 euros a month and holds 20 users. Plan B costs 25 euros and holds 100. Both include "
        "backups; only plan B includes support by telephone.",
        "Which plan includes support by telephone?", ("plan B", "B"), ("plan A",),
    ),
    ReadingItem(
        "The expedition left the coast with fourteen sledges. Three were lost in the crevasse field, and two were "
        "left at the last depot. Captain Rhoda Lind reached the plateau on 2 February.",
        "Who was the captain of the expedition?", ("Rhoda Lind", "Lind"), (),
    ),
)  # fmt: skip


async def measure_reading(chat: ChatEngine) -> tuple[int, int]:
    """Return (right, asked).

    Deterministic: temperature 0, fixed seed. Raise EngineError if the server is unreachable.
    """
    right = 0
    for item in READING_ITEMS:
        right += is_correct(item, await _answer(chat, item))
    return right, len(READING_ITEMS)


def is_correct(item: ReadingItem, answer: str) -> bool:
    """Return whether the answer names a right text and none of the wrong ones."""
    words = f" {' '.join(_words(answer))} "
    named = any(f" {' '.join(_words(text))} " in words for text in item.right)
    return named and not any(f" {' '.join(_words(text))} " in words for text in item.wrong)


async def get_measured_profile(chat: ChatEngine) -> ModelProfile:
    """Return the profile of the model served now; its reading is measured once. Raise EngineError."""
    info = await chat.info()
    profile = await in_db(_profile, info.name)
    if profile.measured is None:
        right, asked = await measure_reading(chat)
        profile = await in_db(_keep, info.name, right, asked)
    return profile


async def measure_new_models(interval_s: float = MEASURE_INTERVAL_S) -> None:
    """Measure each model that was never measured, as soon as its server can be reached; also those added later.

    Models that the operator says read badly are left out: nothing depends on a measurement. Tried every `interval_s`
    seconds, the first time after one: the first questions go before. Never returns.
    """
    measured: set[tuple[str, str]] = set()
    while True:
        await asyncio.sleep(interval_s)
        await measure_unmeasured(measured)


async def measure_unmeasured(measured: set[tuple[str, str]]) -> None:
    """Measure each model whose (server, name) is not in `measured`, and add those that could be reached."""
    for model in registry.list_chat_models():
        known = model.server, model.label or model.name
        if model.passes_reading_check is False or known in measured:
            continue
        with suppress(EngineError):
            await _measure_model(registry.get_chat_engine(model.name), model)
            measured.add(known)


async def _measure_model(chat: ChatEngine, model: ChatModel) -> None:
    """Measure reading, unless the operator declared it, and the speed of a model that reads well. Raise EngineError."""
    name = (await chat.info()).name
    profile = await (get_measured_profile(chat) if model.passes_reading_check is None else in_db(_profile, name))
    if profile.prompt_tokens_per_s is None and has_passed_reading_check(profile, model):
        speed = await measure_prompt_speed(chat)
        await in_db(ModelProfile.objects.filter(name=name).update, prompt_tokens_per_s=speed)


def _profile(name: str) -> ModelProfile:
    return ModelProfile.objects.get_or_create(name=name)[0]


def _keep(name: str, right: int, asked: int) -> ModelProfile:
    ModelProfile.objects.filter(name=name).update(reading_right=right, reading_asked=asked, measured=timezone.now())
    return _profile(name)


async def _answer(chat: ChatEngine, item: ReadingItem) -> str:
    messages = (
        ChatMessage("system", _INSTRUCTION),
        ChatMessage("user", f"Passage: {item.passage}\n\nQuestion: {item.question}"),
    )
    pieces: list[str] = []
    async with aclosing(
        chat.stream(ChatRequest(messages, Sampling(max_tokens=_TOKENS, temperature=0.0, seed=1), reasoning=False))
    ) as stream:
        async for part in stream:
            if isinstance(part, Delta):
                pieces.append(part.text)
    return "".join(pieces)


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in normalise_text(text)).split()
