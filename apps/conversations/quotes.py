"""The sentences of the passages that answer a question best: words, meaning, and whether the kind of answer is there.

On a small machine the right sentence reaches the reader before a small model has said anything about it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from apps.conversations.facts import facts
from apps.conversations.kinds import expects, holds
from apps.conversations.meaning import vectors
from apps.documents.passages import Passage
from apps.lib.codes import Code, codes, other_than
from apps.lib.sentences import spans
from apps.lib.words import terms

if TYPE_CHECKING:
    from apps.engines.base import Vectors

# Set by reason, then compared on ClapNQ and COVID-QA: each weight between half and double of these does as well there,
# a regression on either set does worse on the other.
WEIGHTS = {
    "words": 3.0, "rare": 0.5, "pairs": 1.5, "near": 0.6, "akin": 1.5, "meaning": 2.5, "passage": 1.0, "first": 0.3,
    "kind": 0.6, "short": -0.5, "long": -0.3, "question": -0.5, "goes on": 1.5, "other": -4.0,
}  # fmt: skip
_SLOPE, _MIDDLE = 0.6, 4.5  # from a score to how likely the sentence is right, on ClapNQ
_COMMON = 1.0  # weight of a question's word that the index does not know
_EMBEDDED = 8  # sentences, the best by words: as good as all of them; each costs 6 ms of one core
_LEAST_WORDS = 3
_MOST_CHARS = 700  # a "sentence" longer than this is a table or a list that nobody wants quoted
_FLOOR = 0.45  # of the best one's score: further quotes below it are left out
_CLOSE = 0.5  # of score: a neighbour this near to the best sentence answers about as well
_JOINED_WORDS = 60
_GOES_ON = 4  # sentences after the one that names a code
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
_BULLET = re.compile(r"[·•▪◦‣∙*–-]\s+")  # of a list: no part of what is said
_POINTS_BACK = re.compile(  # a pronoun at the beginning, or a personal one among the first four words
    r"\W*(?:(?:this|these|those|that|such|both)\b|(?:[\w,]+ ){0,3}(?:he|she|it|they|his|her|its|their)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a source; the span is in the text of its page."""

    source: int
    start: int
    end: int
    text: str
    score: float


@dataclass(slots=True)
class Option:
    """A sentence that may be quoted, and what speaks for it."""

    source: int
    rank: int  # of its passage, from 0
    place: int  # among the sentences of its passage
    start: int
    end: int
    text: str
    context: str  # with the sentence before, where this one points back
    passage: Passage
    codes: frozenset[Code]  # it speaks of: its own, else those of the sentences that it goes on from
    found: dict[str, float] = field(default_factory=dict)
    score: float = 0.0


def choose(
    question: str,
    vector: Vectors | None,
    passages: Mapping[int, Passage],
    idf: Mapping[str, float],
    limit: int = 3,
    *,
    join: bool = True,
) -> list[Quote]:
    """The best sentences, best first; passages come best first. A sentence that cannot be read alone comes joined with
    the one before it, and the best one with a neighbour that answers as well: two at most. For `in_pool`."""
    options = _options(passages)
    if not options:
        return []
    weigh(question, vector, options, idf)
    ranked = sorted(options, key=lambda option: -option.score)
    taken: list[Option] = []
    found: list[Quote] = []
    for option in ranked:
        if len(found) == limit or (found and option.score < ranked[0].score * _FLOOR):
            break
        if not any(_same(option, other) for other in taken):
            second = _second(option, ranked, taken) if join else None
            parts = [option] if second is None else [option, second]
            taken += parts
            found.append(_quote(option, parts))
    return found


def _quote(option: Option, parts: Sequence[Option]) -> Quote:
    start, end = min(part.start for part in parts), max(part.end for part in parts)
    offset = option.passage.full_start
    text = " ".join(option.passage.full_text[start - offset : end - offset].split())
    return Quote(option.source, start, end, text, _likely(option.score))


def _second(option: Option, ranked: Sequence[Option], taken: Sequence[Option]) -> Option | None:
    """The neighbour that belongs into the same quote, if any."""
    beside = [o for o in ranked if o.source == option.source and abs(o.place - option.place) == 1 and o not in taken]
    before = next((o for o in beside if o.place < option.place), None)
    if before is not None and _POINTS_BACK.match(option.text):
        return before if _fit(option, before) else None
    if option is ranked[0] and beside and beside[0] is ranked[1] and ranked[1].score >= option.score - _CLOSE:
        return beside[0] if _fit(option, beside[0]) else None
    return None


def _fit(one: Option, other: Option) -> bool:
    return len(one.text.split()) + len(other.text.split()) <= _JOINED_WORDS and not _same(one, other)


def _likely(score: float) -> float:
    return round(1 / (1 + math.exp(-_SLOPE * (score - _MIDDLE))), 4)


def weigh(question: str, vector: Vectors | None, options: Sequence[Option], idf: Mapping[str, float]) -> None:
    """Fills in what speaks for each option, and its `score`."""
    asked = _Question.read(question, idf)
    for option in options:
        option.found = _by_words(asked, option)
        option.score = _sum(option.found)
    pool = sorted(options, key=lambda option: -option.score)[:_EMBEDDED]
    rows = vectors([option.context for option in pool])
    near = rows @ (vectors([question])[0] if vector is None else vector)
    for option, cosine in zip(pool, near, strict=True):
        option.found["meaning"] = float(cosine)
        option.score = _sum(option.found)


def _sum(found: Mapping[str, float]) -> float:
    return sum(WEIGHTS[name] * value for name, value in found.items())


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    terms: frozenset[str]
    codes: frozenset[Code]
    weight: dict[str, float]  # of each term, the rarer the more
    pairs: tuple[tuple[str, str], ...]  # of words in a row, stop words included
    kind: str

    @classmethod
    def read(cls, text: str, idf: Mapping[str, float]) -> _Question:
        found = facts(text).terms
        weight = {term: idf.get(term, _COMMON) for term in found}
        return cls(text, found, codes(text), weight, tuple(pairwise(terms(text))), expects(text))


def _by_words(asked: _Question, option: Option) -> dict[str, float]:
    """What can be said without the embedder; `meaning` is added later, to the best ones."""
    here, around = facts(option.text), facts(option.context)
    weight = asked.weight
    whole = sum(weight.values()) or 1.0
    common = {term for term in weight if term in around.terms}
    strong = {term for term in weight if term in here.terms}
    rarest = max(weight.values(), default=1.0)
    places = [place for place, term in enumerate(here.order) if term in weight]
    have = set(pairwise(terms(option.context)))
    gap = (places[-1] - places[0] + 1) / len(set(places)) if len(places) > 1 else 0.0
    words = len(here.order)
    akin = sum(weight[t] for t in weight if t not in around.terms and any(_akin(t, o) for o in around.terms))
    return {
        "words": (0.8 * sum(weight[t] for t in common) + 0.2 * sum(weight[t] for t in strong)) / whole,
        "rare": float(any(weight[t] == rarest for t in common)),
        "pairs": sum(pair in have for pair in asked.pairs) / len(asked.pairs) if asked.pairs else 0.0,
        "near": 1 / gap if gap else 0.0,
        "akin": akin / whole,
        "passage": option.passage.relevance,
        "first": 1 / (1 + option.rank),
        "kind": 2 * holds(asked.kind, option.text, asked.text) - 1 if asked.kind else 0.0,
        "short": float(words < 5),
        "long": max(0.0, (words - 30) / 30),
        "question": float(option.text.rstrip().endswith("?")),
        "goes on": float(bool(asked.codes & (option.codes - codes(option.text)))),
        "other": float(other_than(asked.codes, option.codes)),
    }


def _akin(one: str, other: str) -> bool:
    """Whether two stems are likely of one family: founder and founded, Normandy and Norman."""
    return len(one) >= 5 and len(other) >= 5 and one[:5] == other[:5]


class _Named:
    """The codes that sentences in a row speak of: what one names holds for a few more, until the paragraph ends."""

    def __init__(self) -> None:
        self.codes: frozenset[Code] = frozenset()
        self._end = self._ago = 0

    def read(self, page: str, start: int, end: int) -> None:
        own = codes(page[start:end])
        self._ago = 0 if own else self._ago + 1
        if own or self._ago > _GOES_ON or _PARAGRAPH.search(page, self._end, start):
            self.codes = own
        self._end = end


def _options(passages: Mapping[int, Passage]) -> list[Option]:
    """Every sentence of the passages that could be quoted, once."""
    options: list[Option] = []
    seen: set[str] = set()
    for rank, (source, passage) in enumerate(passages.items()):
        before, headings = "", passage.heading.casefold().split(" › ")
        named = _Named()
        for place, (start, end) in enumerate(spans(passage.full_text)):
            if (bullet := _BULLET.match(passage.full_text, start, end)) is not None:
                start = bullet.end()
            text = " ".join(passage.full_text[start:end].split())
            named.read(passage.full_text, start, end)
            key = text.casefold()
            if (
                len(facts(text).order) >= _LEAST_WORDS
                and len(text) <= _MOST_CHARS
                and key not in seen
                and text[0] != "#"
                and key not in headings
            ):
                seen.add(key)
                context = f"{before} {text}" if before and _POINTS_BACK.match(text) else text
                offset = passage.full_start
                place_in_page = offset + start, offset + end
                options.append(Option(source, rank, place, *place_in_page, text, context, passage, named.codes))
            before = text
    return options


def _same(one: Option, other: Option) -> bool:
    """Whether two sentences say the same in nearly the same words."""
    a, b = facts(one.text), facts(other.text)
    return a.numbers == b.numbers and len(a.terms & b.terms) >= 0.85 * len(a.terms | b.terms)
