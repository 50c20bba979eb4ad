"""Judge whether sentences of a source support a claim: agreement first, then a model of inference.

Entry points: `check()` and `SupportCheck.judge`. A claim is never compared with more than one premise at a time, so
that numbers and names of several sentences cannot be joined to something that none of them says.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from apps.conversations.facts import Facts, write_digits
from apps.conversations.grounding.agreement import find_disagreement, is_verbatim, share_of_words
from apps.engines import registry

SUPPORTED = 0.5  # score from which a premise supports a claim; the packaged model is calibrated to it
STRONG = 0.6  # relevance from which a passage is called a strong match

_READ = 3  # agreeing premises that the model reads for one claim, some 10 ms of one core each
_DISAGREES = 0.4  # highest score of a premise that disagrees or is not read
_WHOLE_SENTENCE = 0.8  # share of a premise that a claim must repeat in a language that nothing else is known of


@dataclass(frozen=True, slots=True)
class Premise:
    """One sentence of a source, or two adjacent ones, under the title and heading in `context`.

    `language` is an ISO 639-1 code; None: none that the check knows, so that only its own words support a claim.
    """

    text: str
    context: str = ""
    language: str | None = "en"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Probability, 0 to 1, that a premise says all that a claim says. `quoted`: in the same words."""

    score: float
    quoted: bool = False


class SupportCheck(Protocol):
    """Sync, thread-safe. `settings.SUPPORT_CHECK` names another one by its dotted path."""

    def judge(self, claim: str, premises: Sequence[Premise]) -> list[Verdict]:
        """Return one verdict for each premise, in order."""


class AgreementAndInference:
    """Built-in check: what can be compared without a model must agree, and the model of inference must agree too."""

    def judge(self, claim: str, premises: Sequence[Premise]) -> list[Verdict]:
        """Return one verdict for each premise; the model reads the first few that agree, none where one is quoted."""
        verdicts = [_compare(claim, premise) for premise in premises]
        if any(verdict is not None and verdict.quoted for verdict in verdicts):
            open_ = []
        else:
            open_ = [at for at, verdict in enumerate(verdicts) if verdict is None][:_READ]
        language = next((premise.language for premise in premises if premise.language), "en")
        texts = [write_digits(text, language) for text in (claim, *(premises[at].text for at in open_))]
        scores = registry.inference().entailed([(text, texts[0]) for text in texts[1:]])
        for at, score in zip(open_, scores, strict=True):
            verdicts[at] = Verdict(float(score))
        return [Verdict(_DISAGREES) if verdict is None else verdict for verdict in verdicts]


def _compare(claim: str, premise: Premise) -> Verdict | None:
    """Return the verdict that needs no model: on a quote and on a disagreement. None where the model has to read."""
    if premise.language is None:
        long = len(claim.split()) >= _WHOLE_SENTENCE * len(premise.text.split())
        return Verdict(1.0, quoted=True) if long and is_verbatim(claim, premise.text) else Verdict(0.0)
    if find_disagreement(claim, premise.text, context=premise.context, hint=premise.language):
        return Verdict(_DISAGREES * share_of_words(claim, premise.text, premise.language))
    return Verdict(1.0, quoted=True) if is_verbatim(claim, premise.text) else None


_lock = threading.Lock()
_built: dict[str, SupportCheck] = {}


def check() -> SupportCheck:
    """Return the check that the settings name, built once a process."""
    config = settings.SUPPORT_CHECK
    key = repr(config)
    found = _built.get(key)
    if found is None:
        with _lock:
            built = import_string(config["BACKEND"])(**config.get("OPTIONS", {}))
            found = _built.setdefault(key, cast(SupportCheck, built))
    return found


def rarity(said: Facts, given: Sequence[Facts]) -> dict[str, float]:
    """Return the weight of each content word of `said`: the rarer among `given`, the higher."""
    seen = Counter(term for premise in given for term in premise.terms & said.terms)
    return {term: math.log(1 + (len(given) + 1) / (seen[term] + 0.5)) for term in said.terms}


def shared(said: Facts, premise: Facts, weight: Mapping[str, float]) -> float:
    """Return the share of the weight of `said` that a premise covers, 0 to 1."""
    whole = sum(weight.values())
    return sum(weight[term] for term in said.terms & premise.terms) / whole if whole else 0.0
