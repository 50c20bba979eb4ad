"""Finds the passage behind each sentence of an answer, or finds that there is none. What the model claims itself counts
for nothing but a tie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.conversations import amounts
from apps.conversations.facts import SPELT, Facts, facts
from apps.conversations.grounding.lexicons import detect_language
from apps.conversations.sources import Stretch
from apps.conversations.support import SUPPORTED, check, rarity, shared
from apps.conversations.wrap import hints, without_hints
from apps.documents.passages import Passage
from apps.lib.sentences import spans

_WINDOWS = (1, 2, 3)  # sentences in a row that may support a claim together
_LOOKED_AT = 8  # windows that the check sees for one sentence
_SOURCES = 3
_HINTED = 0.02  # what a mark of the model's own is worth
_NEAR_BEST = 0.15  # a further source is shown where it supports nearly as well

_SHORT = 4  # content words of an answer that leaves out what was asked
_ABOUT, _LEAST_ABOUT = 0.8, 0.5  # of the best window's share of the question; and of all of it

_FRAME = re.compile(
    r"^\W*(?:(?:so|thus|therefore|hence),?\s+)?(?:(?:the|an?|my|final|correct|short|die|la)\s+)*(?:answer|antwort|respuesta)\b"
    r"(?:\s+(?:is|was|would be|to (?:that|this|your question) is|lautet|ist|es))?\s*[:–-]?\s*",
    re.IGNORECASE,
)
_TOO_LITTLE = re.compile(r"[\W_]*|\W*\d{1,2}[.)]")
_TALK = re.compile(
    r"^(?:hi|hello|hey|sure|certainly|of course|okay|ok|yes|no|great|thank you|thanks|you're welcome|i hope|"
    r"let me know|feel free|here(?:'s| is| are)|below (?:is|are)|the following|in summary|"
    r"to summari[sz]e|in conclusion|sources?|references?|note|answer|"
    r"based on the (?:provided |given )?(?:passages?|sources?|text|context|information|documents?)|"
    r"according to the (?:passages?|sources?|text|documents?)|is there anything)\b",
    re.IGNORECASE,
)
_CLAIM_WORDS = 4  # content words from which a sentence that begins like small talk may yet state something


@dataclass(frozen=True, slots=True)
class Cite:
    """That a source supports a sentence (or, with no source, that none does, but perhaps the result of a `tool`, by its
    title). Spans: the sentence's in the answer, the support's in the text of the source's page. `quoted`: the source
    says it in the same words."""

    sentence: int
    start: int
    end: int
    source: int | None
    source_start: int
    source_end: int
    score: float
    tool: str = ""
    quoted: bool = False

    @property
    def found(self) -> bool:
        """Whether it names where the sentence comes from."""
        return self.source is not None or bool(self.tool)


@dataclass(frozen=True, slots=True)
class Window:
    source: int
    start: int  # in Page.text
    end: int
    premise: str  # its text after the titles it stands under
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Short:
    """The window on which a short answer stands. `sure`: the passages speak of the question, so there is no other."""

    best: tuple[float, Window] | None
    sure: bool


class Citer:
    """Knows the passages of one answer, and what earlier turns of the path had been given. Sync, for `in_pool`."""

    def __init__(self, question: str, passages: Mapping[int, Passage], earlier: Iterable[Stretch] = ()) -> None:
        self.question = question
        own = [_stretch(number, passage) for number, passage in passages.items()]
        known = {item.number: item for item in own}
        further = [item for item in earlier if not _within(item, known.get(item.number))]
        self.windows = [window for item in (*own, *further) for window in _windows(item)]
        self._check = check()

    def cite(self, index: int, text: str, start: int, end: int) -> list[Cite]:
        """One to three sources of the sentence, best first; one `Cite` without a source where nothing supports it; none
        at all where there is nothing to support (see `states`)."""
        if not states(text):
            return []
        if not self.windows:
            return [Cite(index, start, end, None, 0, 0, 0.0)]
        claim = without_hints(text).strip(" \t\n*_#>|-")
        short = self._answering(claim)
        if short is not None and short.sure:
            return [self._one(index, start, end, short.best)]
        near = self.near(claim)
        judgement = self._check.judge(claim, [window.premise for window in near])
        if judgement.score < SUPPORTED:
            best = short.best if short is not None else None
            return [self._one(index, start, end, best, judgement.score)]
        chosen = _chosen(claim, list(zip(judgement.each, near, strict=True)), frozenset(hints(text)))
        return [
            Cite(index, start, end, window.source, window.start, window.end, round(max(score, SUPPORTED), 4))
            for score, window in chosen
        ]

    @staticmethod
    def _one(index: int, start: int, end: int, found: tuple[float, Window] | None, otherwise: float = 0.0) -> Cite:
        if found is None:
            return Cite(index, start, end, None, 0, 0, round(otherwise, 4))
        score, window = found
        return Cite(index, start, end, window.source, window.start, window.end, round(score, 4))

    def _answering(self, claim: str) -> _Short | None:
        """What becomes of a few words that only make sense as an answer to the question, as "41." after "How many tons
        does the crane lift?": a window that is about the question has to say them. None for other sentences."""
        asked, bare = facts(self.question), _FRAME.sub("", claim)
        said = facts(bare)
        new = said.terms - asked.terms
        if not new or len(new) > _SHORT or not asked.terms:
            return None
        share, about = self._about(asked)
        sure = share >= _ABOUT and len(bare.split()) <= _SHORT
        told = [w for w in about if said.numbers <= w.facts.numbers and new & said.names <= w.facts.terms]
        told = [window for window in told if amounts.fits(self.question, claim, window.premise)]
        words = new - SPELT if said.numbers else new
        says = [window for window in told if words <= window.facts.terms]
        if told and not says:
            return None  # in other words, or in another unit
        whole, found = f"{self.question.rstrip('?¿ ')} {bare}", list[tuple[float, Window]]()
        for window in says[:_SOURCES]:
            score = self._check.judge(whole, [window.premise]).score
            found += [(score, window)] if score >= SUPPORTED else []
        best = max(found, key=lambda pair: pair[0], default=None)
        return _Short(best, sure)

    def _about(self, asked: Facts) -> tuple[float, list[Window]]:
        """How much the windows share with the question, and those that do most, without what is wider than need be."""
        weight = rarity(asked, [window.facts for window in self.windows])
        share = [(shared(asked, window.facts, weight), window) for window in self.windows]
        most = max(value for value, _ in share)
        close = [pair for pair in share if pair[0] >= max(_ABOUT * most, _LEAST_ABOUT)]
        found: list[Window] = []
        for _, window in sorted(close, key=lambda pair: (-pair[0], len(pair[1].premise))):
            if not any(window.source == f.source and window.start < f.end and f.start < window.end for f in found):
                found.append(window)
        return most, found

    def near(self, claim: str) -> list[Window]:
        """The windows that share most with the claim, the short ones first among equals."""
        said = facts(claim)
        weight = rarity(said, [window.facts for window in self.windows])
        return sorted(self.windows, key=lambda w: (-shared(said, w.facts, weight), len(w.premise)))[:_LOOKED_AT]


def _chosen(claim: str, judged: Sequence[tuple[float, Window]], hinted: frozenset[int]) -> list[tuple[float, Window]]:
    """The best window; then, of other sources, those that support as well, or that say what the first leaves out."""
    ranked = sorted(judged, key=lambda pair: (-pair[0] - _HINTED * (pair[1].source in hinted), len(pair[1].premise)))
    best, first = ranked[0]
    kept = {first.source: (best, first)}
    said = facts(claim)
    missing = (said.terms | said.numbers) - (first.facts.terms | first.facts.numbers)
    for score, window in ranked[1:]:
        as_well = score >= max(SUPPORTED, best - _NEAR_BEST)
        adds = best < SUPPORTED and bool(missing & (window.facts.terms | window.facts.numbers))
        if window.source not in kept and (as_well or adds):
            kept[window.source] = (score, window)
            missing -= window.facts.terms | window.facts.numbers
    return list(kept.values())[:_SOURCES]


def states(text: str) -> bool:
    """Whether a sentence states something that a source could support: no heading, question, small talk or label."""
    shown = without_hints(text).strip()
    if shown.startswith("#") or shown.endswith(("?", ":")) or _TOO_LITTLE.fullmatch(shown):
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
        sentences[cite.sentence] = sentences.get(cite.sentence, False) or cite.found
    return bool(sentences) and sum(sentences.values()) * 2 < len(sentences)


def _stretch(number: int, passage: Passage) -> Stretch:
    return Stretch(number, passage.title, passage.heading, passage.full_start, passage.full_text)


def _within(item: Stretch, whole: Stretch | None) -> bool:
    """Whether this turn's passage of the same source holds it already."""
    return whole is not None and whole.start <= item.start and item.text in whole.text


def _windows(stretch: Stretch) -> list[Window]:
    found = spans(stretch.text)
    language = detect_language(stretch.text)
    prefix = f"{stretch.title} {stretch.heading} " if stretch.heading else f"{stretch.title} "
    windows = []
    for size in _WINDOWS:
        for first in range(len(found) - size + 1):
            start, end = found[first][0], found[first + size - 1][1]
            piece = prefix + " ".join(stretch.text[start:end].split())
            said = facts(piece, language)
            windows.append(Window(stretch.number, stretch.start + start, stretch.start + end, piece, said))
    return windows
