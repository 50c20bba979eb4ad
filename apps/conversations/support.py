"""Whether passages say what a sentence says. Similar is not the same: words, numbers, names, denial must agree too."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from apps.conversations.facts import Facts, facts
from apps.conversations.grounding.lexicons import detect_language
from apps.conversations.meaning import vectors
from apps.conversations.opposites import OPPOSITES
from apps.lib.sentences import spans

# From here on a sentence has a source: on WiCE dev 7 of 100 unsupported claims get there, 63 of 100 supported ones.
SUPPORTED = 0.4
STRONG = 0.6  # from here on the match is called strong

# Logistic regression on real claims and the pages they cite (WiCE dev): cross-validated area under ROC 0.82, where the
# cosine alone has 0.67.
BIAS = -2.31
WEIGHTS = {"together": 1.3, "best": 2.23, "meaning": 1.45, "numbers": -1.62, "names": -1.23}
_DISAGREES = 0.35  # the most that can support which says another number, or the contrary
_UNNAMED = 0.38  # ... which does not name most of what the sentence names


@dataclass(frozen=True, slots=True)
class Judgement:
    """How likely it is, 0 to 1, that the premises say all that the claim says: all of them together, and each alone."""

    score: float
    each: tuple[float, ...]


class SupportCheck(Protocol):
    """Sync, thread-safe. A model of inference by name takes this place through `settings.SUPPORT_CHECK`."""

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement: ...


class WordsAndMeaning:
    """The built-in check: no model of its own, only the embedder that is there, and that only where words leave a claim
    open: it costs 6 ms of one core a sentence, all else under 1 ms."""

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        if not premises:
            return Judgement(0.0, ())
        language = detect_language(" ".join((claim, *premises)))
        said, given = facts(claim, language), [facts(premise, language) for premise in premises]
        weight = rarity(said, given)
        near = nearest(said, premises, weight)
        against = contradicts(said, facts(near, language))
        found = [features(said, given, weight), *(features(said, [one], weight) for one in given)]

        def scores(meaning: float) -> list[float]:
            return [judged(one | {"meaning": meaning}, against) for one in found]

        if max(scores(1.0)) < SUPPORTED or max(scores(0.0)) >= STRONG:
            return _judgement(scores(found[0]["best"]))  # the embedder cannot change the outcome, so it is not asked
        # A second sentence would cost half as much again, and tells claims apart no better.
        one, other = vectors([claim, near])
        return _judgement(scores(max(0.0, float(one @ other))))


def _judgement(scores: Sequence[float]) -> Judgement:
    """Of all premises together, and of each."""
    return Judgement(max(scores), tuple(scores[1:]))


_lock = threading.Lock()
_built: dict[str, SupportCheck] = {}


def check() -> SupportCheck:
    """The check that the settings name, built once a process."""
    config = settings.SUPPORT_CHECK
    key = repr(config)
    found = _built.get(key)
    if found is None:
        with _lock:
            built = import_string(config["BACKEND"])(**config.get("OPTIONS", {}))
            found = _built.setdefault(key, cast(SupportCheck, built))
    return found


def rarity(said: Facts, given: Sequence[Facts]) -> dict[str, float]:
    """The weight of each word of the claim: the rarer among the premises, the more it must be there."""
    seen = Counter(term for premise in given for term in premise.terms & said.terms)
    return {term: math.log(1 + (len(given) + 1) / (seen[term] + 0.5)) for term in said.terms}


def shared(said: Facts, premise: Facts, weight: Mapping[str, float]) -> float:
    """The share of the claim's weight that a premise covers."""
    whole = sum(weight.values())
    return sum(weight[term] for term in said.terms & premise.terms) / whole if whole else 0.0


def nearest(said: Facts, premises: Sequence[str], weight: Mapping[str, float]) -> str:
    """The sentence of the premises that shares most with the claim, the shortest of equals."""
    sentences = dict.fromkeys(premise[start:end] for premise in premises for start, end in spans(premise))
    return min(sentences, key=lambda text: (-shared(said, facts(text), weight), len(text)), default=premises[0])


def features(said: Facts, given: Sequence[Facts], weight: Mapping[str, float]) -> dict[str, float]:
    """How far the words, numbers and names of the claim are there, each 0 to 1."""
    covered = [shared(said, premise, weight) for premise in given]
    terms = frozenset[str]().union(*(premise.terms for premise in given))
    numbers = frozenset[str]().union(*(premise.numbers for premise in given))
    whole = sum(weight.values()) or 1.0
    return {
        "together": sum(weight[term] for term in said.terms & terms) / whole,
        "best": max(covered),
        "numbers": len(said.numbers - numbers) / len(said.numbers) if said.numbers else 0.0,
        "names": len(said.names - terms) / len(said.names) if said.names else 0.0,
    }


def evidence(claim: str, premises: Sequence[str]) -> dict[str, float]:
    """All that the built-in check weighs, each 0 to 1 and named as in WEIGHTS; for calibration."""
    language = detect_language(" ".join((claim, *premises)))
    said, given = facts(claim, language), [facts(premise, language) for premise in premises]
    weight = rarity(said, given)
    one, other = vectors([claim, nearest(said, premises, weight)])
    return features(said, given, weight) | {"meaning": max(0.0, float(one @ other))}


def contradicts(said: Facts, premise: Facts) -> bool:
    """Whether one denies what the other states, or says "rose" where the other says "fell"."""
    if bool(said.denied & premise.terms) != bool(premise.denied & said.terms):
        return True
    known = OPPOSITES[said.language]
    return any(known[term] & (premise.terms - said.terms) for term in said.terms - premise.terms if term in known)


def disagreeing(score: float, said: Facts, given: Sequence[Facts], near: str) -> float:
    """A score from elsewhere, held down where the premises plainly disagree."""
    against = contradicts(said, facts(near, said.language))
    return _held(score, features(said, given, rarity(said, given)), against)


def judged(found: Mapping[str, float], against: bool) -> float:
    """The probability, held down where something plainly disagrees."""
    score = 1 / (1 + math.exp(-BIAS - sum(weight * found[name] for name, weight in WEIGHTS.items())))
    return _held(score, found, against)


def _held(score: float, found: Mapping[str, float], against: bool) -> float:
    if against or found["numbers"]:
        score = min(score, _DISAGREES)
    return min(score, _UNNAMED) if found["names"] > 0.5 else score
