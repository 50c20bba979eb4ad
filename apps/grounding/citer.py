"""Find the passage behind each sentence of an answer, or that there is none.

`Citer.cite` is the entry point. A sentence is credited to a source only where one sentence of it, or two adjacent ones,
say all of it, and where it answers the question. What the model claims itself decides nothing but ties.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from apps.grounding import number_relevance
from apps.grounding import support_limits as limits
from apps.grounding.agreement import find_disagreement
from apps.grounding.answer_relevance import AnswerCheck, CreditedSentence
from apps.grounding.answer_type import detect_answer_type
from apps.grounding.claim_features import NUMBER_WORD_STEMS, ClaimFeatures, extract_features
from apps.grounding.lexicons import LEXICONS, detect_language
from apps.grounding.model_citations import find_model_citations, strip_model_citations
from apps.grounding.passage import Passage
from apps.grounding.restatement import find_changed_meaning
from apps.grounding.support_check import (
    Premise,
    SupportVerdict,
    get_covered_share,
    get_support_check,
    weigh_words,
)
from apps.lib.text.language_detection import detect_language_code
from apps.lib.text.table_rows import RowCell, parse_row, split_sentences_and_rows

_ENUMERATOR = re.compile(r"^(?:\(?\d{1,3}[.)]|[a-z][.)])\s+")
_OPENING = re.compile(  # words that say nothing of their own; a reference with a number does
    r"^(?:(?:first|firstly|second|secondly|third|then|next|finally|also|additionally|moreover|furthermore|however|"
    r"therefore|thus|so|yes|no|zuerst|zunächst|dann|danach|anschließend|schließlich|außerdem|ja|nein|primero|luego|"
    r"después|finalmente|además|sí|no)(?:,\s+|\s+(?=[a-zäöü]))|"
    r"(?:in short|kurz gesagt|en resumen)[,:]\s+|"
    r"(?:according to|as stated in|laut|gemäß|según|im (?:text|dokument) steht)[^,:\d]{0,60}[,:]\s+|"
    r"(?:the|der|die|das|el|la) (?:document|text|passage|source|manual|article|answer|dokument|quelle|antwort|"
    r"documento|fuente|texto|respuesta)\b[^,:.\d]{0,20}(?::|,?\s(?:that|que|dass)\b)\s+)+",
    re.IGNORECASE,
)
# Where a sentence may be made of two: each part has a subject of its own.
_JOINT = re.compile(
    r";\s+|,?\s+(?:and|but|while|whereas|und|aber|während|y|pero|mientras)\s+(?=(?:the|an?|its|their|der|die|das|ein|eine|"
    r"el|la|los|las|un|una|su)\s|[A-ZÄÖÜ])"
)
_ITEM = re.compile(r"\s*(?:[-*+•–]|\(?\d{1,3}[.)])\s")
_FRAME = re.compile(
    r"^\W*(?:(?:so|thus|therefore|hence),?\s+)?(?:(?:the|an?|my|final|correct|short|die|la)\s+)*(?:answer|antwort|respuesta)\b"
    r"(?:\s+(?:is|was|would be|to (?:that|this|your question) is|lautet|ist|es))?\s*[:–-]?\s*",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_TOO_LITTLE = re.compile(r"[\W_]*|\W*\d{1,2}[.)]")
_SECTION_NUMBER = re.compile(r"[\W_]*|\d{1,2}(?:\.\d{1,3})+\.?")  # "6.14." before its title, or marks alone
_TALK = re.compile(
    r"^(?:hi|hello|hey|sure|certainly|of course|okay|ok|yes|no|great|thank you|thanks|you're welcome|i hope|"
    r"let me know|feel free|here(?:'s| is| are)|below (?:is|are)|the following|in summary|"
    r"to summari[sz]e|in conclusion|sources?|references?|note|answer|"
    r"based on the (?:provided |given )?(?:passages?|sources?|text|context|information|documents?)|"
    r"according to the (?:passages?|sources?|text|documents?)|is there anything)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """Adjacent sentences of a source, exactly as on the page."""

    number: int
    title: str
    heading: str
    start: int  # in Page.text
    text: str


@dataclass(frozen=True, slots=True)
class SentenceCitation:
    """Citation of a sentence by a source, or by none. Without a source the result of a `tool`, by its title, may stand.

    Spans: the sentence's in the answer, the place's in the text of the source's page. `quoted`: the source says it in
    the same words. A sentence without a source may name the passage to be compared with it in `compared`, whose place
    the span is then; `contradicted`: that passage says otherwise.
    """

    sentence: int
    start: int
    end: int
    source: int | None
    source_start: int
    source_end: int
    score: float
    tool: str = ""
    quoted: bool = False
    compared: int | None = None
    contradicted: bool = False
    checked_by: str = ""  # name of the judge; "" for the built-in check

    @property
    def is_verified(self) -> bool:
        """True if the citation names where the sentence comes from."""
        return self.source is not None or bool(self.tool)


@dataclass(frozen=True, slots=True)
class EvidenceWindow:
    """Evidence of one sentence of a source, or of two adjacent ones."""

    source: int
    start: int  # in Page.text
    end: int
    premise: Premise
    facts: ClaimFeatures  # of its text and of the titles above it
    unread_language: str = ""  # language of the source (ISO 639-1) where the check does not know it

    @property
    def own_facts(self) -> ClaimFeatures:
        """Return the facts of its text alone."""
        return extract_features(self.premise.text, self.premise.language)

    def find_amounts(self) -> frozenset[str]:
        """Return the numbers of its text that are amounts, and do not count items, sections or pages."""
        return number_relevance.find_amounts(self.premise.text, self.premise.language)


@dataclass(frozen=True, slots=True)
class _ShortAnswerBasis:
    """Window on which a short answer stands. `is_certain`: the passages speak of the question, so there is no other."""

    best: tuple[SupportVerdict, EvidenceWindow] | None
    is_certain: bool


class Citer:
    """Finds the sources of an answer's sentences: in its own passages, and in those of earlier turns of the path.

    Sync, for `in_pool`.
    """

    def __init__(self, question: str, passages: Mapping[int, Passage], earlier: Iterable[SourceSpan] = ()) -> None:
        self.question = question
        self._asks_amount = detect_answer_type(question) in ("amount", "time")
        own = [_make_source_span(number, passage) for number, passage in passages.items()]
        known = {item.number: item for item in own}
        further = [item for item in earlier if not _is_within_passage(item, known.get(item.number))]
        self.sources = (*own, *further)
        self.windows = [window for item in self.sources for window in _make_windows(item)]
        self._has_unread_windows = any(window.unread_language for window in self.windows)
        self._check = get_support_check()
        single = {(w.source, w.start): w for w in reversed(self.windows)}
        self._answers = AnswerCheck(
            question, [CreditedSentence(w.source, w.premise.text, w.premise.context) for w in single.values()]
        )

    def cite(self, index: int, text: str, start: int, end: int) -> list[SentenceCitation]:
        """Return one to three sources of the sentence, best first; one without a source where nothing supports it; []
        where it states nothing (`is_factual_claim`). Call in the order of the sentences."""
        if not is_factual_claim(text):
            return []
        if not self.windows:
            return [SentenceCitation(index, start, end, None, 0, 0, 0.0)]
        claim = _OPENING.sub("", _ENUMERATOR.sub("", strip_model_citations(text).strip(" \t\n*_#>|-")))
        found, best = self._find_support(claim)
        if not found:
            return [SentenceCitation(index, start, end, None, 0, 0, round(min(best, limits.MAX_UNSUPPORTED_SCORE), 4))]
        return [
            SentenceCitation(
                index, start, end, w.source, w.start, w.end, round(verdict.score, 4), quoted=verdict.quoted
            )
            for verdict, w in _select_sources(found, frozenset(find_model_citations(text)))
        ]

    def _find_support(self, claim: str) -> tuple[list[tuple[SupportVerdict, EvidenceWindow]], float]:
        """Return the windows that support a claim which answers the question, best first, and the best score of any
        window."""
        short = self._find_answering(claim)
        if short is not None and (short.is_certain or short.best):
            return ([short.best] if short.best else []), 0.0
        found = self._find_supported(claim)
        if found[0][0].score < limits.MIN_SUPPORT:
            found = self._find_supported_in_parts(claim) or found
        found = [pair for pair in found if pair[0].quoted or not self._swaps_subject(claim, pair[1])]
        best = found[0][0].score if found else 0.0
        answers = best >= limits.MIN_SUPPORT and self._speaks_to_question(claim, found[0][1])
        return (found if answers else []), best

    def _swaps_subject(self, claim: str, window: EvidenceWindow) -> bool:
        """Return whether a claim answers a question for an amount or a time with what a window says of something else:
        it repeats a word of the question that other windows know and this one does not."""
        if not self._asks_amount:
            return False
        missing = (extract_features(claim).terms & extract_features(self.question).terms) - window.facts.terms
        return any(missing & other.facts.terms for other in self.windows)

    def find_unread_language(self, text: str) -> str:
        """Return the language of the passage nearest to a sentence, as ISO 639-1 code; "" where the check knows it."""
        if not self._has_unread_windows:
            return ""
        near = self.rank_windows(strip_model_citations(text))
        return near[0].unread_language if near else ""

    def _speaks_to_question(self, claim: str, window: EvidenceWindow) -> bool:
        return self._answers.accepts(CreditedSentence(window.source, claim, window.premise.context))

    def _find_supported(self, claim: str) -> list[tuple[SupportVerdict, EvidenceWindow]]:
        """Return the nearest windows with their verdicts, best first."""
        near = self.rank_windows(claim)
        verdicts = self._check.judge(claim, [window.premise for window in near])
        return sorted(zip(verdicts, near, strict=True), key=lambda pair: -pair[0].score)

    def _find_supported_in_parts(self, claim: str) -> list[tuple[SupportVerdict, EvidenceWindow]]:
        """Return the best window of each part of a sentence made of several, each with the score of the weakest part;
        [] where it is not made so, a part has no support, or the whole turns around what a window says."""
        parts = _JOINT.split(claim)
        if len(parts) == 1 or any(len(extract_features(part).terms) < limits.MIN_CLAUSE_WORDS for part in parts):
            return []
        best = [self._find_supported(part)[0] for part in parts]
        score = min(verdict.score for verdict, _ in best)
        if any(find_changed_meaning(claim, window.premise.text, window.premise.language) for _, window in best):
            return []
        return [(SupportVerdict(score), window) for _, window in best] if score >= limits.MIN_SUPPORT else []

    def _find_answering(self, claim: str) -> _ShortAnswerBasis | None:
        """Return the window on which a few words stand that only make sense as an answer to the question, as "41."
        after "How many tons does the crane lift?": one about the question has to say them. None for other sentences."""
        asked, bare = extract_features(self.question), strip_answer_frame(claim)
        claimed = extract_features(bare)
        new = claimed.terms - asked.terms
        if not new or len(new) > limits.SHORT_ANSWER_WORDS or not asked.terms:
            return None
        share, about = self._about_subject
        sure = share >= limits.ABOUT_SHARE_OF_BEST and len(bare.split()) <= limits.SHORT_ANSWER_WORDS
        supporting = [
            window
            for window in about
            if claimed.numbers <= window.facts.numbers
            and (not self._asks_amount or claimed.numbers - asked.numbers <= window.find_amounts())
            and new & claimed.names <= window.facts.terms
            and number_relevance.has_fitting_numbers(self.question, claim, window.premise.text)
        ]
        words = {term for term in new - NUMBER_WORD_STEMS if not _DIGITS.fullmatch(term)}  # numbers were compared
        says = [window for window in supporting if words <= window.facts.terms]
        if supporting and not says:
            return None  # in other words, or in another unit
        best = next((window for window in says if self._agrees(bare, window.premise)), None)
        return _ShortAnswerBasis(None if best is None else (SupportVerdict(1.0), best), sure)

    def _agrees(self, bare: str, premise: Premise) -> bool:
        """Return whether a short answer, and the question with it, say nothing against a premise with its words."""
        hint = premise.language
        full_claim = f"{self.question.rstrip('?¿ ')} {bare}"
        against = find_disagreement(full_claim, premise.text, context=premise.context, hint=hint)
        alone = find_disagreement(bare, premise.text, context=premise.context, hint=hint)
        return against not in ("negation", "antonym") and alone in ("", "words")  # the caller compared the words

    @cached_property
    def _about_subject(self) -> tuple[float, list[EvidenceWindow]]:
        """Return the largest share of the question that a window holds, and the windows that hold about as much.

        None of these is wider than need be. Titles and headings count only where no text speaks of the question: below
        "December 2015: Ian Murdock died" the text may go on with somebody else's death."""
        asked = extract_features(self.question)
        weight = weigh_words(asked, [window.facts for window in self.windows])
        share = [(get_covered_share(asked, w.own_facts, weight), w) for w in self.windows]
        if max(value for value, _ in share) < limits.ABOUT_SHARE_OF_BEST:
            share = [(get_covered_share(asked, window.facts, weight), window) for window in self.windows]
        best_share = max(value for value, _ in share)
        close = [
            pair for pair in share if pair[0] >= max(limits.ABOUT_SHARE_OF_BEST * best_share, limits.MIN_ABOUT_SHARE)
        ]
        found: list[EvidenceWindow] = []
        for _, window in sorted(close, key=lambda pair: (-pair[0], len(pair[1].premise.text))):
            if not any(window.source == f.source and window.start < f.end and f.start < window.end for f in found):
                found.append(window)
        return best_share, found

    def rank_windows(self, claim: str) -> list[EvidenceWindow]:
        """Return at most limits.MAX_CHECKED_WINDOWS windows, those with most of the claim's weighted words first.

        Of equal windows the shorter comes first.
        """
        features = extract_features(claim)
        weight = weigh_words(features, [window.facts for window in self.windows])
        return sorted(self.windows, key=lambda w: (-get_covered_share(features, w.facts, weight), len(w.premise.text)))[
            : limits.MAX_CHECKED_WINDOWS
        ]


def strip_answer_frame(claim: str) -> str:
    """Return a claim without words such as "The answer is:" before it."""
    return _FRAME.sub("", claim)


def _select_sources(
    judged: Sequence[tuple[SupportVerdict, EvidenceWindow]], hinted: frozenset[int]
) -> list[tuple[SupportVerdict, EvidenceWindow]]:
    """Return the best window, then those of other sources that support nearly as well."""
    ranked = sorted(
        judged,
        key=lambda pair: (-pair[0].score - limits.MARK_BONUS * (pair[1].source in hinted), len(pair[1].premise.text)),
    )
    min_score = max(limits.MIN_SUPPORT, ranked[0][0].score - limits.FURTHER_SOURCE_MARGIN)
    by_source: dict[int, tuple[SupportVerdict, EvidenceWindow]] = {}
    for verdict, window in ranked:
        if verdict.score >= min_score:
            by_source.setdefault(window.source, (verdict, window))
    return list(by_source.values())[: limits.MAX_SOURCES]


def is_factual_claim(text: str) -> bool:
    """Return whether a sentence states something to support: it is no heading, question, small talk or label."""
    shown = strip_model_citations(text).strip()
    if shown.startswith("#") or shown.endswith(("?", ":")) or _TOO_LITTLE.fullmatch(shown):
        return False
    words = extract_features(shown).terms
    bare = shown.strip(" *_>-")
    if _TALK.match(bare):
        return len(words) >= limits.MIN_CLAIM_WORDS
    return len(words) >= 2 or bool(extract_features(shown).numbers)


def is_mostly_unsupported(citations: Iterable[SentenceCitation]) -> bool:
    """Return whether more than half of the sentences that state something have no source."""
    sentences: dict[int, bool] = {}
    for cite in citations:
        sentences[cite.sentence] = sentences.get(cite.sentence, False) or cite.is_verified
    return bool(sentences) and sum(sentences.values()) * 2 < len(sentences)


def _make_source_span(number: int, passage: Passage) -> SourceSpan:
    return SourceSpan(number, passage.title, passage.heading, passage.full_start, passage.full_text)


def _is_within_passage(item: SourceSpan, passage: SourceSpan | None) -> bool:
    """Return whether this turn's passage of the same source holds it already."""
    return passage is not None and passage.start <= item.start and item.text in passage.text


def _make_windows(span: SourceSpan) -> list[EvidenceWindow]:
    """Return each sentence, each two adjacent ones, the cells of table rows, list items with their introduction."""
    found = split_sentences_and_rows(span.text)
    code = detect_language_code([span.text])
    unknown = bool(code) and code not in LEXICONS
    language = code if code in LEXICONS else detect_language(span.text)
    titles = f"{span.title} {span.heading}".strip()
    windows: list[EvidenceWindow] = []

    def add(first: int, last: int, text: str, context: str = "", *, only_quoted: bool = unknown) -> None:
        start, end = span.start + found[first][0], span.start + found[last][1]
        premise = Premise(" ".join(text.split()), f"{titles} {context}".strip(), language, only_quoted)
        features = extract_features(f"{premise.context} {premise.text}", language)
        windows.append(EvidenceWindow(span.number, start, end, premise, features, code if unknown else ""))

    introduction, joins = "", False  # whether the sentence before may be read together with this one
    for at, (start, end) in enumerate(found):
        text = span.text[start:end]
        if _SECTION_NUMBER.fullmatch(text.strip()):
            joins = False
            continue
        cells = parse_row(text)
        if cells:
            for cell in _list_cell_texts(cells):
                add(at, at, cell)
            add(at, at, text, only_quoted=True)
        else:
            item = bool(_ITEM.match(text))
            add(at, at, text, introduction if item else "")
            if joins and not item:
                add(at - 1, at, span.text[found[at - 1][0] : end])
            if not item:
                introduction = text if text.rstrip().endswith(":") else ""
        joins = not cells
    return windows


def _list_cell_texts(cells: Sequence[RowCell]) -> list[str]:
    """Return the cells of a row, each as a text with the row's first cell, since that says what the row is about."""
    first, *others = (f"{cell.name}: {cell.text}" if cell.name else cell.text for cell in cells)
    return [f"{first}; {other}" for other in others]
