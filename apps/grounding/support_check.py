"""Judge whether sentences of a source support a claim: agreement first, then a model of inference.

Entry points: `get_support_check()` and `SupportCheck.judge`. A claim is never compared with more than one premise at a
time, so that numbers and names of several sentences cannot be joined to something that none of them says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from apps.engines import registry
from apps.grounding import support_limits as limits
from apps.grounding.agreement import find_disagreement, get_word_overlap, is_verbatim
from apps.grounding.calibration.store import find_rates
from apps.grounding.claim_features import ClaimFeatures, write_digits


@dataclass(frozen=True, slots=True)
class Premise:
    """Text of one sentence of a source, or of two adjacent ones, under the title and heading in `context`.

    `language` is en, de or es. `only_quoted`: only a claim that repeats nearly all of the text has its support, since
    the check does not know the language, or the text is a row whose cells a claim could mix up.
    """

    text: str
    context: str = ""
    language: str = "en"
    only_quoted: bool = False


@dataclass(frozen=True, slots=True)
class SupportVerdict:
    """Probability, 0 to 1, that a premise says all that a claim says. `quoted`: in the same words."""

    score: float
    quoted: bool = False


class SupportCheck(Protocol):
    """Sync, thread-safe. `settings.SUPPORT_CHECK` names another one by its dotted path."""

    def judge(self, claim: str, premises: Sequence[Premise]) -> list[SupportVerdict]:
        """Return one verdict for each premise, in order."""


class AgreementAndInference:
    """Built-in check: what can be compared without a model must agree, and the model of inference must agree too."""

    def judge(self, claim: str, premises: Sequence[Premise]) -> list[SupportVerdict]:
        """Return one verdict for each premise; the model reads the first few that agree, none where one is quoted."""
        verdicts = [_compare(claim, premise) for premise in premises]
        quoted = any(verdict is not None and verdict.quoted for verdict in verdicts)
        open_ = (
            [] if quoted else [at for at, verdict in enumerate(verdicts) if verdict is None][: limits.MAX_READ_PREMISES]
        )
        for language in dict.fromkeys(premises[at].language for at in open_):
            same = [at for at in open_ if premises[at].language == language]
            pairs = [_write_pair(premises[at], claim) for at in same]
            scores = _score(pairs, language)
            for at, score in zip(same, scores, strict=True):
                verdicts[at] = SupportVerdict(float(score))
        return [SupportVerdict(limits.MAX_DISAGREEING_SCORE) if verdict is None else verdict for verdict in verdicts]


def get_classifier_key() -> str:
    """Return the key of the calibration of the model of inference in use."""
    return f"classifier {settings.SUPPORT_CLASSIFIER}" if settings.SUPPORT_CLASSIFIER else "packaged"


def _score(pairs: Sequence[tuple[str, str]], language: str) -> Sequence[float]:
    """Return the scores of the model in use, scaled so that its calibrated threshold is limits.MIN_SUPPORT; those of
    the packaged model where the calibration refused it for the language."""
    rates = find_rates(get_classifier_key()) if settings.SUPPORT_CLASSIFIER else None
    own = (rates or {}).get(language)
    if own is None:
        return registry.get_nli_engine().entailment_scores(pairs, language)
    if own.threshold is None or not own.is_accepted:
        return registry.get_packaged_nli_engine().entailment_scores(pairs, language)
    threshold = own.threshold
    return [_rescale(score, threshold) for score in registry.get_nli_engine().entailment_scores(pairs, language)]


def _rescale(score: float, threshold: float) -> float:
    """Return the score with `threshold`, above 0, moved to limits.MIN_SUPPORT; 0 and 1 stay where they are."""
    if score < threshold:
        return limits.MIN_SUPPORT * score / threshold
    return limits.MIN_SUPPORT + (1 - limits.MIN_SUPPORT) * (score - threshold) / max(1 - threshold, 1e-9)


def _compare(claim: str, premise: Premise) -> SupportVerdict | None:
    """Return the verdict that needs no model: on a quote and on a disagreement. None where the model has to read."""
    if premise.only_quoted:
        return SupportVerdict(1.0, quoted=True) if is_whole_quote(claim, premise) else SupportVerdict(0.0)
    if find_disagreement(claim, premise.text, context=premise.context, hint=premise.language):
        return SupportVerdict(limits.MAX_DISAGREEING_SCORE * get_word_overlap(claim, premise.text, premise.language))
    return SupportVerdict(1.0, quoted=True) if is_verbatim(claim, premise.text) else None


def is_whole_quote(claim: str, premise: Premise) -> bool:
    """Return whether a claim repeats nearly all of a premise in the same words."""
    long = len(claim.split()) >= limits.MIN_REPEATED_SHARE * len(premise.text.split())
    return long and is_verbatim(claim, premise.text)


def _write_pair(premise: Premise, claim: str) -> tuple[str, str]:
    """Return source and claim as the model reads them: with small numbers in digits, however each writes them."""
    return write_digits(premise.text, premise.language), write_digits(claim, premise.language)


def get_support_check() -> SupportCheck:
    """Return the check that the settings name, built once a process."""
    config = settings.SUPPORT_CHECK
    return _build(config["BACKEND"], tuple(config.get("OPTIONS", {}).items()))


@cache
def _build(backend: str, options: tuple[tuple[str, object], ...]) -> SupportCheck:
    return cast(SupportCheck, import_string(backend)(**dict(options)))


def weigh_words(claim: ClaimFeatures, premises: Sequence[ClaimFeatures]) -> dict[str, float]:
    """Return the weight of each content word of `claim`: the rarer among `premises`, the higher."""
    counts = Counter(term for premise in premises for term in premise.terms & claim.terms)
    return {term: math.log(1 + (len(premises) + 1) / (counts[term] + 0.5)) for term in claim.terms}


def get_covered_share(claim: ClaimFeatures, premise: ClaimFeatures, weight: Mapping[str, float]) -> float:
    """Return the share of the weight of `claim` that a premise covers, 0 to 1."""
    total_weight = sum(weight.values())
    return sum(weight[term] for term in claim.terms & premise.terms) / total_weight if total_weight else 0.0
