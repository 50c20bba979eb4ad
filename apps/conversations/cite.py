"""Finds the passage behind each sentence of an answer, or finds that there is none. What the model claims itself counts
for nothing but a tie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.conversations.facts import Facts, facts
from apps.conversations.support import SUPPORTED, check, rarity
from apps.conversations.wrap import hints, without_hints
from apps.documents.passages import Passage
from apps.lib.sentences import spans

_WINDOWS = (1, 2, 3)  # sentences in a row that may support a claim together
_LOOKED_AT = 6  # windows that the check sees for one sentence
_SOURCES = 3
_HINTED = 0.02  # what a mark of the model's own is worth
_NEAR_BEST = 0.15  # a further source is shown where it supports nearly as well

_TOO_LITTLE = re.compile(r"^[\W\d_]*$")
_TALK = re.compile(
    r"^(?:hi|hello|hey|sure|certainly|of course|okay|ok|yes|no|great|thank you|thanks|you're welcome|i hope|let me know|feel free|"
    r"here(?:'s| is| are)|below (?:is|are)|the following|in summary|to summari[sz]e|in conclusion|sources?|references?|note|answer|"
    r"based on the (?:provided |given )?(?:passages?|sources?|text|context|information|documents?)|"
    r"according to the (?:passages?|sources?|text|documents?)|is there anything)\b",
    re.IGNORECASE,
)
_CLAIM_WORDS = 4  # content words from which a sentence that begins like small talk may yet state something


@dataclass(frozen=True, slots=True)
class Cite:
    """That a source supports a sentence (or, with no source, that none does). Spans: the sentence's in the answer, the
    support's in the text of the source's page."""

    sentence: int
    start: int
    end: int
    source: int | None
    source_start: int
    source_end: int
    score: float


@dataclass(frozen=True, slots=True)
class _Window:
    source: int
    start: int  # in Page.text
    end: int
    premise: str  # its text after the titles it stands under
    facts: Facts


class Citer:
    """Knows the passages of one answer. Sync, for `in_pool`."""

    def __init__(self, question: str, passages: Mapping[int, Passage]) -> None:
        self.question = question
        self.windows = [window for number, passage in passages.items() for window in _windows(number, passage)]
        self._check = check()

    def cite(self, index: int, text: str, start: int, end: int) -> list[Cite]:
        """One to three sources of the sentence, best first; one `Cite` without a source where nothing supports it; none
        at all where there is nothing to support (see `states`)."""
        claim = without_hints(text).strip(" \t\n*_#>|-")
        if not states(text):
            return []
        found = self._looked_up(claim, frozenset(hints(text)))
        best = self._supporting(claim, found)
        if not best:
            highest = found[0][0] if found else 0.0
            return [Cite(index, start, end, None, 0, 0, round(highest, 4))]
        return [Cite(index, start, end, w.source, w.start, w.end, round(min(score, 1.0), 4)) for score, w in best]

    def _looked_up(self, claim: str, hinted: frozenset[int]) -> list[tuple[float, _Window]]:
        """The windows that may support the claim with their scores, best first."""
        near = self._near(claim)
        scores = self._check.scores(claim, [window.premise for window in near]) if near else []
        return sorted(
            ((score + _HINTED * (window.source in hinted), window) for score, window in zip(scores, near, strict=True)),
            key=lambda pair: (-pair[0], len(pair[1].premise)),
        )

    def _supporting(self, claim: str, found: Sequence[tuple[float, _Window]]) -> list[tuple[float, _Window]]:
        if not found:
            return []
        if found[0][0] < SUPPORTED:
            return self._together(claim, found)
        kept: dict[int, tuple[float, _Window]] = {}
        for score, window in found:
            if score >= max(SUPPORTED, found[0][0] - _NEAR_BEST):
                kept.setdefault(window.source, (score, window))
        return list(kept.values())[:_SOURCES]

    def _together(self, claim: str, found: Sequence[tuple[float, _Window]]) -> list[tuple[float, _Window]]:
        """Two sources that support the sentence only together."""
        first = found[0][1]
        others = [window for _, window in found[1:] if window.source != first.source or window.start > first.end]
        if not others:
            return []
        missing = facts(claim).terms - first.facts.terms
        other = max(others, key=lambda window: len(missing & window.facts.terms))
        score = self._check.scores(claim, [f"{first.premise} {other.premise}", first.premise, other.premise])[0]
        if score < SUPPORTED:
            return []
        return [(score, first)] if other.source == first.source else [(score, first), (score, other)]

    def _near(self, claim: str) -> list[_Window]:
        """The windows that share most with the claim, the short ones first among equals."""
        said = facts(claim)
        weight = rarity(said, [window.facts for window in self.windows])

        def shared(window: _Window) -> tuple[float, int]:
            return -sum(weight[term] for term in said.terms & window.facts.terms), len(window.premise)

        return sorted(self.windows, key=shared)[:_LOOKED_AT]


def states(text: str) -> bool:
    """Whether a sentence states something that a source could support: no heading, no question, no small talk, no label."""
    shown = without_hints(text).strip()
    if shown.startswith("#") or shown.endswith(("?", ":")) or _TOO_LITTLE.match(shown):
        return False
    words = facts(shown).terms
    bare = shown.strip(" *_>-")
    if _TALK.match(bare):
        return len(words) >= _CLAIM_WORDS
    return len(words) >= 2 or bool(facts(shown).numbers)


def weak(cites: Iterable[Cite]) -> bool:
    """Whether more than half of the sentences that state something have no source."""
    sentences: dict[int, bool] = {}
    for cite in cites:
        sentences[cite.sentence] = sentences.get(cite.sentence, False) or cite.source is not None
    return bool(sentences) and sum(sentences.values()) * 2 < len(sentences)


WEAK = "Most of this answer is not in your documents. Check it against the sources before you rely on it."


def _windows(number: int, passage: Passage) -> list[_Window]:
    text, offset = passage.full_text, passage.full_start
    found = spans(text)
    prefix = f"{passage.title} {passage.heading} " if passage.heading else f"{passage.title} "
    windows = []
    for size in _WINDOWS:
        for first in range(len(found) - size + 1):
            start, end = found[first][0], found[first + size - 1][1]
            piece = " ".join(text[start:end].split())
            windows.append(_Window(number, offset + start, offset + end, prefix + piece, facts(prefix + piece)))
    return windows
