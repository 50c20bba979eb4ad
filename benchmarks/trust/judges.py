"""Figures of judges on judged sentences: a stand-in with given error rates, and the judge of `SUPPORT_URL`.

`measure_judges` is the entry point. As in an answer, a judge reads the sentences for which the built-in check finds no
source, and its outcome goes through `cite_judged`. The stand-in knows what people said and errs by chance; it shows
what the vetoes of the places add to any judge.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.engines import registry
from apps.engines.judge.protocol import JudgedSource, JudgeEngine, Judgement, SentenceJudgement
from apps.engines.types import EngineError
from apps.grounding.citer import SentenceCitation, SourceSpan
from apps.grounding.judged_support import cite_judged, find_veto, select_places
from benchmarks.trust.pills import counted

if TYPE_CHECKING:
    from benchmarks.trust.judged_claims import JudgedClaim

ACCURACY = 0.9  # share of sentences on which the stand-in is right, of true and of false ones alike
_AT_ONCE = 4  # requests to the judge


@dataclass(frozen=True, slots=True)
class JudgeResult:
    """Outcome for one sentence: whether the judge called it supported, and whether it has a source then."""

    called_supported: bool
    has_source: bool


def measure_judges(claims: Sequence[JudgedClaim], passed: Sequence[bool]) -> dict[str, float]:
    """Return the figures `standin.NAME`, and `judge.NAME` where `SUPPORT_URL` is set. `passed` says which claims have a
    source by the built-in check."""
    standin = [_ask_standin(claim) for claim in claims]
    numbers = _summarise("standin", claims, passed, standin)
    kinds = Counter((claim.is_supported, find_claim_veto(claim)) for claim in claims)
    for kind, name in ((True, "veto_true"), (False, "veto_false")):
        total = sum(count for (is_supported, _), count in kinds.items() if is_supported is kind)
        numbers |= {
            f"{name}.{veto.replace(' ', '_')}": count / total
            for (is_supported, veto), count in sorted(kinds.items())
            if is_supported is kind and veto
        }
    if (engine := registry.get_judge_engine()) is not None:
        numbers |= _summarise("judge", claims, passed, asyncio.run(_ask_all(engine, claims, passed)))
    return numbers


def find_claim_veto(claim: JudgedClaim) -> str:
    """Return the first kind of assertion that the places of a claim lack, as chosen by its words; "" for none."""
    places = select_places(claim.sentence, _make_spans(claim))
    return find_veto(claim.sentence, places) if places else "no place"


def _summarise(
    name: str, claims: Sequence[JudgedClaim], passed: Sequence[bool], results: Sequence[JudgeResult]
) -> dict[str, float]:
    """Return the shares with a source, by the check or the judge; `.no_veto`: if the judge's word were enough."""
    numbers: dict[str, float] = {}
    for figure, is_supported in (("claims_true_pass", True), ("claims_false_pass", False)):
        rows = [
            (built_in or result.has_source, built_in or result.called_supported)
            for claim, built_in, result in zip(claims, passed, results, strict=True)
            if claim.is_supported is is_supported
        ]
        numbers |= counted(f"{name}.{figure}", [has_source for has_source, _ in rows])
        numbers |= counted(f"{name}.{figure}.no_veto", [called for _, called in rows])
    return numbers


def _ask_standin(claim: JudgedClaim) -> JudgeResult:
    is_right = random.Random(f"{claim.set} {claim.sentence}").random() < ACCURACY  # noqa: S311 - no secret
    outcome = Judgement.SUPPORTED if claim.is_supported is is_right else Judgement.NOT_THERE
    return _apply(claim, SentenceJudgement(outcome))


async def _ask_all(engine: JudgeEngine, claims: Sequence[JudgedClaim], passed: Sequence[bool]) -> list[JudgeResult]:
    at_once, failed = asyncio.Semaphore(_AT_ONCE), 0

    async def ask(claim: JudgedClaim, *, built_in: bool) -> JudgeResult:
        nonlocal failed
        if built_in:
            return JudgeResult(called_supported=True, has_source=True)
        async with at_once:
            try:
                found: Mapping[int, SentenceJudgement] = await engine.judge(
                    [JudgedSource(span.number, span.title, span.text) for span in _make_spans(claim)], [claim.sentence]
                )
            except EngineError:
                failed += 1
                found = {}
        return _apply(claim, found.get(0, SentenceJudgement(Judgement.NOT_THERE)))

    asked = (ask(claim, built_in=built_in) for claim, built_in in zip(claims, passed, strict=True))
    results = await asyncio.gather(*asked)
    print(f"judge {engine.name}: {failed} of {passed.count(False)} requests failed", file=sys.stderr)
    return results


def _apply(claim: JudgedClaim, judgement: SentenceJudgement) -> JudgeResult:
    cite = SentenceCitation(0, 0, len(claim.sentence), None, 0, 0, 0.0)
    cites = cite_judged(cite, claim.sentence, judgement, _make_spans(claim), "judge")
    return JudgeResult(judgement.outcome is Judgement.SUPPORTED, any(one.source is not None for one in cites))


def _make_spans(claim: JudgedClaim) -> list[SourceSpan]:
    return [SourceSpan(number, "", "", 0, text) for number, text in enumerate(claim.passages, 1)]
