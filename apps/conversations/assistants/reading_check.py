"""Built-in reading check: may a model write answers, and may it judge its own sentences?

It asks questions about short passages, and has a model that reads judge sentences in the format of judges
(`reading_items.toml`), one request at a time: at most 56, with some 9,000 tokens to read. It ends as soon as the level
cannot be reached any more. Entry points: `get_measured_profile`, `measure_new_models`. The latter also measures the
reading speed of models that pass. `model_trust.py` derives the level from the result.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from functools import cache, partial

from django.db import DatabaseError
from django.utils import timezone

from apps.conversations.assistants import model_trust
from apps.conversations.assistants.reading_items import JUDGING_ITEMS, READING_ITEMS, JudgingItem, ReadingItem
from apps.conversations.assistants.reading_speed import measure_prompt_speed
from apps.conversations.models import ModelProfile
from apps.engines import registry
from apps.engines.busy_retries import ask_patiently
from apps.engines.chat.model_catalog import ChatModel
from apps.engines.judge.follow_up import FollowUpJudge
from apps.engines.judge.protocol import Judgement, SentenceJudgement
from apps.engines.types import (
    ChatEngine,
    ChatMessage,
    ChatRequest,
    Delta,
    EngineBroken,
    EngineError,
    EngineRefused,
    ModelInfo,
    Sampling,
)
from apps.grounding.citer import SourceSpan
from apps.grounding.judged_support import find_places
from apps.lib.concurrency.threads import in_db
from apps.lib.proportions import Proportion
from apps.lib.text.analyzer import normalise_text

log = logging.getLogger(__name__)

READING_CHECK_VERSION = 2  # of items and instructions; a model that another version measured is measured again
MEASURE_INTERVAL_S = 60.0
_INSTRUCTION = (
    "Answer the question from the passages, in one short sentence and in the language of the question. If the passages "
    "do not say it, answer: Not in the passages."
)
_ANSWER_INSTRUCTION = "Answer the question from the numbered sources, in your own words."
_TOKENS = 60  # of one answer
_JUDGE_S = 120.0  # seconds for the sentences of one item
# Words by which a model says that the passages do not answer. None of them stands in a passage.
_ABSENT = (
    "not in the passage", "not in the passages", "not say", "not says", "not state", "not stated", "not mention",
    "not mentioned", "not specified", "not specify", "not given", "not provided", "not provide", "not contain",
    "no information", "t say", "t state", "t mention", "not included", "cannot be answered",
    "nicht in den passagen", "nicht in der passage", "nicht im text", "nicht angegeben", "nicht erwähnt",
    "nicht genannt", "keine angabe", "keine angaben", "keine information", "keine informationen", "steht nicht",
    "nicht hervor", "nicht gesagt",
    "no está en", "no se menciona", "no se indica", "no se dice", "no se especifica", "no dice", "no dicen",
    "no aparece", "no menciona", "no mencionan", "no indica", "no indican", "ninguna información",
    "no hay información",
)  # fmt: skip

_running: dict[str, asyncio.Task[ModelProfile]] = {}  # measurements under way, by the model's name


async def measure_reading(chat: ChatEngine) -> tuple[int, int]:
    """Return (right, asked).

    Deterministic: temperature 0, fixed seed. Raise EngineError if the server is unreachable, or busy for minutes.
    """
    right = asked = 0
    for item in READING_ITEMS:
        right += is_correct(item, await ask_patiently(partial(_answer, chat, item)))
        asked += 1
        if _is_out_of_reach(right, asked, len(READING_ITEMS), model_trust.MIN_READING_BOUND):
            break
    return right, asked


def is_correct(item: ReadingItem, answer: str) -> bool:
    """Return whether the answer names a right text and none of the wrong ones, or says that the passages do not answer
    where they do not."""
    words = f" {' '.join(_words(answer))} "
    says_absent = any(_phrase(text) in words for text in _ABSENT)
    named = any(_phrase(text) in words for text in item.right)
    fits = named and not says_absent if item.right else says_absent
    return fits and not any(_phrase(text) in words for text in item.wrong)


async def measure_judging(chat: ChatEngine) -> tuple[int, int]:
    """Return (right, asked) of the sentences; (0, 0) if the server refuses requests for structured output.

    Output outside the format counts as wrong for all sentences of its item. Raise EngineError if the server is
    unreachable.
    """
    right = asked = 0
    total = sum(len(item.sentences) for item in JUDGING_ITEMS)
    for item in JUDGING_ITEMS:
        try:
            judgements = await ask_patiently(partial(_judge, chat, item))
        except EngineRefused:
            return 0, 0
        except EngineBroken:
            judgements = {}
        right += count_right_judgements(item, judgements)
        asked += len(item.sentences)
        if _is_out_of_reach(right, asked, total, model_trust.MIN_JUDGING_BOUND):
            break
    return right, asked


def count_right_judgements(item: JudgingItem, judgements: Mapping[int, SentenceJudgement]) -> int:
    """Return how many sentences were judged right.

    A supported one needs words that stand in the sources. A contradicted one may have any other verdict than
    supported, one that is not there any but supported and contradicted.
    """
    spans = [SourceSpan(number, title, "", 0, text) for number, (title, text) in enumerate(item.sources, 1)]
    right = 0
    for at, (_, deserved) in enumerate(item.sentences):
        given = judgements.get(at)
        if given is None:
            continue
        if deserved is Judgement.SUPPORTED:
            right += given.outcome is Judgement.SUPPORTED and bool(find_places(given.evidence or (), spans))
        elif deserved is Judgement.CONTRADICTED:
            right += given.outcome is not Judgement.SUPPORTED
        else:
            right += given.outcome in (Judgement.PARTLY, Judgement.NOT_THERE)
    return right


def _is_out_of_reach(right: int, asked: int, total: int, bar: float) -> bool:
    """Return whether the bar is missed even if all that was not asked yet were right."""
    return Proportion(right + total - asked, total).lower_bound < bar


async def get_measured_profile(chat: ChatEngine, *, declared: bool = False) -> ModelProfile:
    """Return the profile of the model served now, measured now unless this version of the check has measured it.

    `declared`: the operator says that it reads, so only its judging is measured. A measurement goes on if the caller
    is cancelled; a second caller waits for it. Raise EngineError.
    """
    info = await chat.info()
    profile = await in_db(_profile, info.name)
    if _is_current(profile, info) and (declared or profile.measured is not None):
        return profile
    if info.name not in _running:
        task = _running[info.name] = asyncio.create_task(_measure(chat, info, profile, declared))
        task.add_done_callback(lambda _: _running.pop(info.name, None))
    return await asyncio.shield(_running[info.name])


def _is_current(profile: ModelProfile, info: ModelInfo) -> bool:
    return profile.check_version == READING_CHECK_VERSION and profile.fingerprint == info.fingerprint


async def _measure(chat: ChatEngine, info: ModelInfo, profile: ModelProfile, declared: bool) -> ModelProfile:
    found: dict[str, object] = {"check_version": READING_CHECK_VERSION, "fingerprint": info.fingerprint}
    if not declared:
        profile.reading_right, profile.reading_asked = await measure_reading(chat)
        found |= {
            "reading_right": profile.reading_right, "reading_asked": profile.reading_asked, "measured": timezone.now(),
        }  # fmt: skip
    judged = await measure_judging(chat) if declared or model_trust.reads(profile) else (None, None)
    found |= dict(zip(("judging_right", "judging_asked"), judged, strict=True))
    if profile.fingerprint != info.fingerprint:
        found["prompt_tokens_per_s"] = None  # of other weights
    return await in_db(_keep, info.name, found)


async def measure_new_models(interval_s: float = MEASURE_INTERVAL_S) -> None:
    """Measure each model that this version of the check has not measured, as soon as its server can be reached.

    So are models that are added later, and another model behind the same name. Models that the operator says read
    badly are left out: nothing depends on a measurement. Tried every `interval_s` seconds, the first time after one:
    the first questions go before. Never returns, also if the
    database is away.
    """
    while True:
        await asyncio.sleep(interval_s)
        try:
            await measure_unmeasured()
        except DatabaseError as error:  # away for now: the next round tries again
            log.warning("The reading check could not be stored: %s", error)


async def measure_unmeasured() -> None:
    """Measure each model that needs it and can be reached."""
    for model in registry.list_chat_models():
        if model.passes_reading_check is not False:
            with suppress(EngineError):
                await _measure_model(registry.get_chat_engine(model.name), model)


async def _measure_model(chat: ChatEngine, model: ChatModel) -> None:
    """Measure reading and judging, and the speed of a model that reads. Raise EngineError."""
    info = await chat.info(fresh=True)
    profile = await get_measured_profile(chat, declared=bool(model.passes_reading_check))
    trust = model_trust.get_trust(profile, model)
    if profile.prompt_tokens_per_s is None and trust is not model_trust.ModelTrust.QUOTES:
        speed = await ask_patiently(partial(measure_prompt_speed, chat))
        await in_db(_keep, info.name, {"prompt_tokens_per_s": speed})


def _profile(name: str) -> ModelProfile:
    return ModelProfile.objects.get_or_create(name=name)[0]


def _keep(name: str, found: dict[str, object]) -> ModelProfile:
    ModelProfile.objects.filter(name=name).update(**found)
    return _profile(name)


async def _answer(chat: ChatEngine, item: ReadingItem) -> str:
    passages = "\n\n".join(f"Passage: {text}" for text in item.passages)
    messages = (
        ChatMessage("system", _INSTRUCTION),
        ChatMessage("user", f"{passages}\n\nQuestion: {item.question}"),
    )
    pieces: list[str] = []
    async with aclosing(
        chat.stream(ChatRequest(messages, Sampling(max_tokens=_TOKENS, temperature=0.0, seed=1), reasoning=False))
    ) as stream:
        async for part in stream:
            if isinstance(part, Delta):
                pieces.append(part.text)
    return "".join(pieces)


async def _judge(chat: ChatEngine, item: JudgingItem) -> Mapping[int, SentenceJudgement]:
    """Return the model's verdicts about an answer as if it had written it."""
    sentences = [text for text, _ in item.sentences]
    answered = build_answered_request(item.question, item.sources, sentences)
    return await FollowUpJudge(chat, "", lambda: answered, _JUDGE_S).judge((), sentences)


def build_answered_request(question: str, sources: Sequence[tuple[str, str]], sentences: Sequence[str]) -> ChatRequest:
    """Return a request that ends with an answer of these sentences; a source is (title, text)."""
    known = "\n".join(f'[{number}] {title}: "{text}"' for number, (title, text) in enumerate(sources, 1))
    return ChatRequest(
        (
            ChatMessage("system", _ANSWER_INSTRUCTION),
            ChatMessage("user", f"Sources:\n{known}\n\nQuestion: {question}"),
            ChatMessage("assistant", " ".join(sentences)),
        )
    )


@cache
def _phrase(text: str) -> str:
    return f" {' '.join(_words(text))} "


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in normalise_text(text)).split()
