"""Whether a passage says what a sentence says. Similar is not the same: words, numbers, names and denial must agree too."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from apps.conversations.facts import Facts, facts
from apps.conversations.meaning import vectors
from apps.conversations.opposites import OPPOSITES

SUPPORTED = 0.5  # from here on a sentence has a source
STRONG = 0.75  # from here on the match is called strong
DEFAULT = {"BACKEND": "apps.conversations.support.WordsAndMeaning", "OPTIONS": {}}

# Fitted on claims of Wikipedia with the pages they cite (WiCE dev); see tests/conversations/test_support_calibration.py.
WEIGHTS = {
    "bias": -4.0, "coverage": 5.0, "order": 1.0, "cosine": 2.0, "numbers": -1.0, "names": -1.5, "denial": -1.0, "length": 0.0
}  # fmt: skip
_DISAGREES = 0.35  # the most that a passage can support which says another number, or the contrary
_UNNAMED = 0.45  # ... which does not name what the sentence names


class SupportCheck(Protocol):
    """Sync, thread-safe. A model of inference by name takes its place through `settings.SUPPORT_CHECK`."""

    def scores(self, claim: str, premises: Sequence[str]) -> list[float]:
        """For each premise, how likely it is, 0 to 1, that it says all that the claim says."""


class WordsAndMeaning:
    """The built-in check: no model of its own, only the embedder that is there."""

    def scores(self, claim: str, premises: Sequence[str]) -> list[float]:
        said = facts(claim)
        given = [facts(premise) for premise in premises]
        weight = rarity(said, given)
        cosines = vectors([claim, *premises])
        near = cosines[1:] @ cosines[0] if premises else []
        return [
            judged(features(said, premise, weight, float(cosine))) for premise, cosine in zip(given, near, strict=True)
        ]


def check() -> SupportCheck:
    """The check that the settings name, built once a process."""
    config = getattr(settings, "SUPPORT_CHECK", DEFAULT)
    key = repr(config)
    found = _built.get(key)
    if found is None:
        with _lock:
            found = _built.setdefault(key, import_string(config["BACKEND"])(**config.get("OPTIONS", {})))
    return cast(SupportCheck, found)


_lock = threading.Lock()
_built: dict[str, object] = {}


def rarity(said: Facts, given: Sequence[Facts]) -> dict[str, float]:
    """The weight of each word of the claim: the rarer among the premises, the more it must be there."""
    seen = Counter(term for premise in given for term in premise.terms & said.terms)
    return {term: math.log(1 + (len(given) + 1) / (seen[term] + 0.5)) for term in said.terms}


def features(said: Facts, premise: Facts, weight: Mapping[str, float], cosine: float) -> dict[str, float]:
    """What agrees and what does not, each 0 to 1."""
    whole = sum(weight.values()) or 1.0
    pairs = list(zip(said.order, said.order[1:], strict=False))
    theirs = set(zip(premise.order, premise.order[1:], strict=False))
    names = said.names - premise.terms
    return {
        "bias": 1.0,
        "coverage": sum(weight[term] for term in said.terms & premise.terms) / whole,
        "order": sum(pair in theirs for pair in pairs) / len(pairs) if pairs else 0.0,
        "cosine": cosine,
        "numbers": len(said.numbers - premise.numbers) / len(said.numbers) if said.numbers else 0.0,
        "names": len(names) / len(said.names) if said.names else 0.0,
        "denial": float((said.denies > 0) != (premise.denies > 0)),
        "contrary": float(contrary(said, premise)),
        "length": min(len(said.terms) / 25, 1.0),
    }


def contrary(said: Facts, premise: Facts) -> bool:
    """Whether one says "rose" where the other says "fell"."""
    return any(
        OPPOSITES[term] & (premise.terms - said.terms) for term in said.terms - premise.terms if term in OPPOSITES
    )


def judged(found: Mapping[str, float]) -> float:
    """The probability, held down where something plainly disagrees."""
    score = 1 / (1 + math.exp(-sum(weight * found[name] for name, weight in WEIGHTS.items())))
    if found["numbers"] or found["denial"] or found["contrary"]:
        score = min(score, _DISAGREES)
    if found["names"] > 0.5:
        score = min(score, _UNNAMED)
    return score
