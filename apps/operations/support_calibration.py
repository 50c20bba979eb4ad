"""Calibrate the check of sentences that is in use: by pairs that ship with the product, on this site's own engines.

`calibrate_support` is the entry point. Checks are the judge of `SUPPORT_URL`, or the chat model where it is trusted to
judge itself, and the model of `SUPPORT_MODEL`, or the packaged check, which is only measured.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from apps.conversations.assistants import answer_style, reading_check
from apps.conversations.assistants.support_rates import PACKAGED, Calibration
from apps.engines import registry
from apps.engines.busy_retries import ask_patiently
from apps.engines.chat.model_catalog import MAIN
from apps.engines.judge.follow_up import FollowUpJudge
from apps.engines.judge.protocol import JudgedSource, JudgeEngine, SentenceJudgement
from apps.engines.types import ChatEngine, EngineBroken, EngineError
from apps.grounding.calibration import store
from apps.grounding.calibration.pairs import CalibrationPair, load_pairs
from apps.grounding.calibration.thresholds import LanguageRates, ScoredPair, compute_rates, measure_at
from apps.grounding.citer import Citer, SentenceCitation, SourceSpan
from apps.grounding.judged_support import cite_judged, find_places, measure_cover, select_places
from apps.grounding.support_check import get_classifier_key
from apps.grounding.support_limits import MIN_SUPPORT
from apps.lib.concurrency.threads import in_pool

log = logging.getLogger(__name__)

_AT_ONCE = 4  # requests to a judge
_JUDGE_S = 120.0  # seconds for one request of the chat model
_NOT_COMPARED = "other_question"  # kind of pairs for which a judge is not asked: it does not see the question


@dataclass(slots=True)
class CalibrationProgress:
    """Calibration in a process: its task, and why the last one failed."""

    task: asyncio.Task[None] | None = None
    error: str = ""

    @property
    def is_running(self) -> bool:
        """True until the task has ended."""
        return self.task is not None and not self.task.done()


_progress = CalibrationProgress()


async def calibrate_support() -> AsyncGenerator[Calibration, None]:
    """Yield each calibration as soon as it is stored. Raise EngineError if a judge is away, and OSError."""
    pairs = load_pairs()
    judge = registry.get_judge_engine()
    if judge is not None:
        yield await _store(judge.key, compute_rates(await _judge_pairs(judge, pairs)))
    else:
        chat = registry.get_chat_engine()
        if await _judges_itself(chat):
            own = _OwnPairs(chat, (await chat.info()).name)
            yield await _store(own.key, compute_rates(await _judge_pairs(own, pairs)))
    key = get_classifier_key()
    await in_pool(store.forget_rates, key)
    scored = await in_pool(_cite_pairs, pairs)
    yield await _store(key, measure_at(scored, MIN_SUPPORT) if key == PACKAGED else compute_rates(scored))


async def _judges_itself(chat: ChatEngine) -> bool:
    try:
        return await answer_style.may_judge((await chat.info()).name, MAIN)
    except EngineError:
        return False  # the other checks can be calibrated without it


async def _store(key: str, rates: Mapping[str, LanguageRates]) -> Calibration:
    await in_pool(store.save_rates, key, rates)
    return Calibration(key, rates)


def _cite_pairs(pairs: Sequence[CalibrationPair]) -> list[ScoredPair]:
    """Return the scores of the check as an answer meets it; what a rule decides (quotes, short answers) is marked."""
    scored = []
    for pair in pairs:
        cites = Citer(pair.question, pair.build_passages()).cite(0, pair.sentence, 0, len(pair.sentence))
        score = max((cite.score for cite in cites if cite.source is not None), default=0.0)
        scored.append(ScoredPair(pair.language, pair.is_true, score, by_rule=score >= 1.0))
    return scored


async def _judge_pairs(judge: JudgeEngine, pairs: Sequence[CalibrationPair]) -> list[ScoredPair]:
    """Return the scores of a judge: the share of the sentence's words that its places hold, 0 where it or a veto says
    no. Output outside the format counts as no. Raise EngineError for any other failure."""
    places_left = asyncio.Semaphore(_AT_ONCE)

    async def ask(pair: CalibrationPair) -> ScoredPair:
        sources = [SourceSpan(number, "", "", 0, text) for number, text in enumerate(pair.passages, 1)]
        async with places_left:
            try:
                given = [JudgedSource(one.number, "", one.text) for one in sources]
                judgements: Mapping[int, SentenceJudgement] = await ask_patiently(
                    lambda: judge.judge(given, [pair.sentence])
                )
            except EngineBroken:
                judgements = {}
        return ScoredPair(pair.language, pair.is_true, _score_judged(pair, judgements.get(0), sources))

    return list(await asyncio.gather(*(ask(pair) for pair in pairs if pair.kind != _NOT_COMPARED)))


def _score_judged(pair: CalibrationPair, judgement: SentenceJudgement | None, sources: Sequence[SourceSpan]) -> float:
    open_ = SentenceCitation(0, 0, len(pair.sentence), None, 0, 0, 0.0)
    if judgement is None or cite_judged(open_, pair.sentence, judgement, sources, "")[0].source is None:
        return 0.0
    evidence = judgement.evidence
    places = select_places(pair.sentence, sources) if evidence is None else find_places(evidence, sources)
    return max(measure_cover(pair.sentence, places), 1e-6)


class _OwnPairs:
    """Judge by the chat model, asked about a sentence as if it had written it."""

    def __init__(self, chat: ChatEngine, name: str) -> None:
        self.name, self.key, self.timeout_s = name, f"own {name}", _JUDGE_S
        self._chat = chat

    async def judge(self, sources: Sequence[JudgedSource], sentences: Sequence[str]) -> Mapping[int, SentenceJudgement]:
        request = reading_check.build_answered_request(
            "What do the sources say?", [(one.title, one.text) for one in sources], sentences
        )
        return await FollowUpJudge(self._chat, self.name, lambda: request, self.timeout_s).judge(sources, sentences)


def start_calibration() -> None:
    """Calibrate in a task of this process, unless one runs already. `get_progress` says how it goes."""
    if not _progress.is_running:
        _progress.error = ""
        _progress.task = asyncio.create_task(_calibrate_in_background())


async def _calibrate_in_background() -> None:
    try:
        async with aclosing(calibrate_support()) as calibrations:
            async for found in calibrations:
                log.info("Calibrated: %s", found.key)
    except (EngineError, OSError) as error:
        log.warning("The check of sentences could not be calibrated: %s", error)
        _progress.error = str(error)


def get_progress() -> CalibrationProgress:
    """Return the state of the calibration that this process was asked for last."""
    return _progress
