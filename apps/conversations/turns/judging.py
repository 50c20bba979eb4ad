"""Ask the judge about sentences of a running answer that have no source, beside the stream.

The judge is the one of `SUPPORT_URL`, or the model that writes (`own_judge.py`). Text never waits for it, and its
failures cost verdicts only. `AnswerJudge` is the entry point.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from apps.engines import registry
from apps.engines.judge.protocol import JudgedSource, JudgeEngine, SentenceJudgement
from apps.engines.types import EngineError
from apps.grounding import judged_support
from apps.grounding.calibration.store import find_rates
from apps.grounding.citer import SentenceCitation, SourceSpan
from apps.grounding.lexicons import detect_language
from apps.lib.concurrency.threads import in_pool

log = logging.getLogger(__name__)

_FEWEST = 4  # waiting sentences for which a request is sent before the answer ends: each repeats the passages
_MOST = 20  # sentences of one request
_CHARACTERS = 60_000  # of all sources together, some 15,000 tokens; later ones are left out


@dataclass(frozen=True, slots=True)
class WaitingSentence:
    """Sentence without a source. `cite` is its only citation."""

    text: str
    cite: SentenceCitation

    @property
    def language(self) -> str:
        """Language by which the calibration of the judge counts: en, de or es."""
        return detect_language(self.text)


class AnswerJudge:
    """Judge of one running answer: one request at a time. `publish` gets the new citations of a sentence."""

    def __init__(self, publish: Callable[[Mapping[int, list[SentenceCitation]]], Awaitable[None]]) -> None:
        self._publish = publish
        self._engine: JudgeEngine | None = registry.get_judge_engine()
        self._waiting: list[WaitingSentence] = []
        self._task: asyncio.Task[None] | None = None
        self.asked_count = 0  # sentences that the judge was asked about

    @property
    def name(self) -> str:
        """Return the model's name; "" without a judge, or after it has failed."""
        return self._engine.name if self._engine is not None else ""

    def use_engine(self, engine: JudgeEngine) -> None:
        """Ask this judge from now on."""
        self._engine = engine

    def add(self, sentence: WaitingSentence) -> None:
        """Have the sentence judged with the next request, unless the calibration refused the judge for its language."""
        if self._engine is not None and self._get_least_cover(sentence) is not None:
            self._waiting.append(sentence)

    def _get_least_cover(self, sentence: WaitingSentence) -> float | None:
        """Return the share of the sentence's words that the judge's places must hold; None: it is not to be asked."""
        rates = find_rates(self._engine.key) if self._engine is not None else None
        own = (rates or {}).get(sentence.language)
        if own is None:
            return 0.0  # not calibrated
        return own.threshold if own.is_accepted else None

    def start(self, sources: Sequence[SourceSpan], *, fewest: int = _FEWEST) -> None:
        """Send a request about the waiting sentences, if there are enough and none is under way."""
        is_idle = self._task is None or self._task.done()
        if self._engine is None or not sources or not is_idle or len(self._waiting) < fewest:
            return
        asked, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        self.asked_count += len(asked)
        self._task = asyncio.create_task(self._judge(self._engine, asked, sources))

    async def finish(self, sources: Sequence[SourceSpan]) -> None:
        """Have all waiting sentences judged, for the engine's `timeout_s` at most."""
        if self._engine is None:
            return
        try:
            async with asyncio.timeout(self._engine.timeout_s):
                while self._waiting or self._task is not None:
                    self.start(sources, fewest=1)
                    if self._task is None:  # no source, or the judge has failed
                        return
                    await asyncio.wait([self._task])
                    self._task = None
        except TimeoutError:
            log.warning("The judge %s did not judge every sentence in time", self.name)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Drop the request that is under way and the sentences that wait."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    async def _judge(
        self, engine: JudgeEngine, asked: Sequence[WaitingSentence], sources: Sequence[SourceSpan]
    ) -> None:
        try:
            judgements = await engine.judge(_limit_sources(sources), [sentence.text for sentence in asked])
            covers = [self._get_least_cover(sentence) or 0.0 for sentence in asked]
            found = await in_pool(_cite_all, asked, judgements, sources, engine.name, covers)
            if found:
                await self._publish(found)
        except EngineError as error:
            log.warning("The judge %s gave no verdict: %s", engine.name, error)
            self._engine = None  # the rest of this answer is not worth another wait
        except Exception:  # whatever is wrong with a judge, the answer stands
            log.exception("Sentences could not be judged by %s", engine.name)
            self._engine = None


def _cite_all(
    asked: Sequence[WaitingSentence],
    judgements: Mapping[int, SentenceJudgement],
    sources: Sequence[SourceSpan],
    judge: str,
    least_covers: Sequence[float],
) -> dict[int, list[SentenceCitation]]:
    """Return the citations that changed, by number of sentence."""
    found: dict[int, list[SentenceCitation]] = {}
    for at, (sentence, least) in enumerate(zip(asked, least_covers, strict=True)):
        if (judgement := judgements.get(at)) is not None:
            cites = judged_support.cite_judged(sentence.cite, sentence.text, judgement, sources, judge, least)
            if cites != [sentence.cite]:
                found[sentence.cite.sentence] = cites
    return found


def _limit_sources(sources: Sequence[SourceSpan]) -> list[JudgedSource]:
    """Return the sources for the judge, best first, until they have _CHARACTERS together."""
    found: list[JudgedSource] = []
    left = _CHARACTERS
    for span in sources:
        if len(span.text) > left:
            break
        left -= len(span.text)
        found.append(JudgedSource(span.number, f"{span.title} {span.heading}".strip(), span.text))
    return found
