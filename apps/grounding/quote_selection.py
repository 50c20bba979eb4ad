"""The sentences of the passages that answer a question best, as the reader reads question and passage together.

On a small machine the right sentence reaches the reader before a small model has said anything about it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Any

from apps.engines import registry
from apps.engines.reader.protocol import PassageReading
from apps.grounding import quote_limits as limits
from apps.grounding.claim_features import extract_features
from apps.grounding.passage import Passage, join_spans
from apps.grounding.quotable_runs import QuotableRun, QuotedRow, Span, lay_out_row, split_runs
from apps.lib.text.identifiers import Identifier, extract_identifiers, is_about_rivals
from apps.lib.text.text_normalization import normalize_text

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
_BULLET_BEFORE = re.compile(r"(?:[^\w\s(]{1,2}[^\S\n]+)?\Z")  # at the end of the text before an item
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_POINTS_BACK = re.compile(  # a pronoun at the beginning, or a personal one among the first four words
    r"\W*(?:(?:(?:of|for|in|with|from|to|by|at|on|after|besides) )?(?:this|these|those|that|such|both)\b|"
    r"(?:[\w,]+ ){0,3}(?:he|she|it|they|his|her|its|their)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quote:
    """Sentences of a source, or a row of a table; spans are in the text of its page."""

    source: int
    start: int
    end: int
    text: str
    score: float  # how likely the quote is right, 0 to 1
    spans: tuple[tuple[int, int], ...] = ()  # its parts, where it leaves something out between them
    table: QuotedRow | None = None  # the row
    side: int = -1  # of a comparison, 0 or 1; -1: there are none

    def record(self) -> dict[str, Any]:
        """Return what is stored of it: places and figures, never its text."""
        record: dict[str, Any] = {
            "source": self.source, "start": self.start, "end": self.end, "score": round(self.score, 4),
        }  # fmt: skip
        if self.spans:
            record["spans"] = [list(span) for span in self.spans]
        if self.table is not None:
            record["cell"] = self.table.asked_cell
        if self.side >= 0:
            record["side"] = self.side
        return record


def read_spans(record: Mapping[str, Any]) -> list[list[int]]:
    """Return the parts of a stored quote, in the text of its page."""
    return record.get("spans") or [[record["start"], record["end"]]]


@dataclass(slots=True)
class QuoteCandidate:
    """A sentence that may be quoted, and what speaks for it."""

    source: int
    position: int  # among the sentences of its passage
    start: int
    end: int
    text: str
    context: str  # with what it is weighed with: its lead, or the sentence before where this one points back
    passage: Passage
    run: QuotableRun
    codes: frozenset[Identifier]  # it speaks of: its own, else those of the sentences that it goes on from
    features: dict[str, float] = field(default_factory=dict)
    chance: float = 0.0  # that it answers, 0 to 1


def select_quotes(
    question: str,
    passages: Mapping[int, Passage],
    idf: Mapping[str, float],
    limit: int = limits.MAX_QUOTES,
    *,
    join: bool = True,
    must_answer: bool = True,
) -> list[Quote]:
    """Return the best quotes of the passages; see `QuoteSelection.select`. For `in_pool`."""
    return QuoteSelection(question, passages, idf).select(limit, join=join, must_answer=must_answer)


class QuoteSelection:
    """Choice of the quotes of one question. The reader reads the passages, best first.

    `is_answered` is awaited before the model is asked: it stops at the first passage that surely answers. `select`
    reads the rest. Sync, for `in_pool`; one thread at a time.
    """

    def __init__(self, question: str, passages: Mapping[int, Passage], idf: Mapping[str, float]) -> None:
        """Prepare for the question; no passage is read yet."""
        self._question = _Question.read(question, idf)
        self._idf = idf
        self._unread = _iter_candidates(passages)
        self._options: list[QuoteCandidate] = []  # of the passages read so far
        self._is_ordered = False

    @cached_property
    def is_answered(self) -> bool:
        """Return whether the passages are likely to answer the question."""
        self._read_until(limits.SURE_PROBABILITY)
        return self._best_chance >= limits.MIN_ANSWERED_PROBABILITY

    def select(self, limit: int = limits.MAX_QUOTES, *, join: bool = True, must_answer: bool = True) -> list[Quote]:
        """Return the best quotes, best first. The more likely each is right, the fewer there are.

        None without an answer (`is_answered`), unless `must_answer` is False. A sentence comes with what it needs to be
        read alone, and with neighbours that may hold the answer; without `join` it comes alone.
        """
        if must_answer and not self.is_answered:
            return []
        return self._choose(limit, limits.MIN_SHARE_OF_BEST_PROBABILITY, join=join)

    def select_nearest(self, limit: int = limits.MAX_NEAREST_QUOTES) -> list[Quote]:
        """Return the quotes that come nearest to an answer where none is likely one; [] where they are about something
        else."""
        if self.is_answered or self._best_chance < limits.MIN_NEAREST_PROBABILITY:
            return []
        return self._choose(limit, 0.0, join=True)

    def read_all(self) -> list[QuoteCandidate]:
        """Return every sentence of all passages, with its features and chance."""
        self._read_until(math.inf)
        return self._options

    def _choose(self, limit: int, of_best: float, *, join: bool) -> list[Quote]:
        options = self.read_all()
        self._order_lines(options)
        ranked = sorted(options, key=lambda option: -option.chance)
        taken: list[QuoteCandidate] = []
        found: list[Quote] = []
        wrong = 1.0  # how likely all quotes so far are wrong
        for option in ranked:
            if (
                len(found) == limit
                or wrong < limits.MAX_ALL_WRONG_PROBABILITY
                or (found and option.chance < of_best * ranked[0].chance)
            ):
                break
            if not any(_is_same_text(option, other) for other in taken):
                parts = _widen_quote(option, self._options, taken, first=not found) if join else [option]
                taken += parts
                found.append(
                    _make_quote(option, parts, self._question.text, self._idf) if join else quote_alone(option)
                )
                wrong *= 1 - found[-1].score
        return found

    def _order_lines(self, options: Sequence[QuoteCandidate]) -> None:
        """Give the chances of the fields and lines of a passage to them in the order in which each answers by itself.

        Read among others, a line is rated by what stands around it; alone, it has no context to be sure by.
        """
        if self._is_ordered:
            return
        self._is_ordered = True
        groups = groupby((one for one in options if one.run.reads_alone), key=lambda one: one.source)
        passages = [lines for _, group in groups if len(lines := list(group)) > 1]
        alone = [line for lines in passages for line in lines][: limits.MAX_READ_ALONE]
        readings = registry.get_passage_reader().read(self._question.text, [_write_line(line) for line in alone])
        answers = {id(line): reading.answers for line, reading in zip(alone, readings, strict=True)}
        for lines in passages:
            read = [line for line in lines if id(line) in answers]
            chances = sorted((line.chance for line in read), reverse=True)
            read.sort(key=lambda line: -answers[id(line)])
            for line, chance in zip(read, chances, strict=True):
                line.chance = chance

    @property
    def _best_chance(self) -> float:
        return max((option.chance for option in self._options), default=0.0)

    def _read_until(self, chance: float) -> None:
        """Read the next passages, best first, and rate their sentences, until one of all has that chance."""
        while self._best_chance < chance and (options := next(self._unread, None)) is not None:
            if not options:
                continue
            text = _write_text(options[0].passage)
            (reading,) = registry.get_passage_reader().read(self._question.text, [text])
            for option in options:
                option.features = _measure(self._question, option, reading, len(text))
                option.chance = _logistic(
                    limits.BIAS + sum(limits.WEIGHTS[name] * value for name, value in option.features.items())
                )
            self._options += options


def _write_text(passage: Passage) -> str:
    """Return a passage as the reader was taught to see it: below its title and headings."""
    names = " › ".join(name for name in (passage.title, passage.heading) if name)
    return f"{names}\n{passage.full_text}" if names else passage.full_text


def _write_line(line: QuoteCandidate) -> str:
    """Return a field or line as the reader was taught to see a passage."""
    passage = line.passage
    names = " › ".join(name for name in (passage.title, passage.heading) if name)
    return "\n".join(part for part in (names, line.run.lead_text, line.text) if part)


def _measure(asked: _Question, option: QuoteCandidate, reading: PassageReading, length: int) -> dict[str, float]:
    """Return the features of a sentence, by their names in `limits.WEIGHTS`. `length` is that of the text read, which
    ends with the passage."""
    passage = option.passage
    shift = length - len(passage.full_text) - passage.full_start
    return {
        "passage": min(max(reading.answers, -limits.MAX_LOG_ODDS), limits.MAX_LOG_ODDS),
        "sentence": _get_odds(reading.rate_span(option.start + shift, option.end + shift)),
        "words": _measure_words(asked, option),
        "relevance": _get_odds(passage.relevance),
        "code": float(bool(asked.codes & option.codes)),
        "rival": float(is_about_rivals(asked.codes, option.codes) or _is_row_of_other_year(asked.text, option)),
    }


def _measure_words(asked: _Question, option: QuoteCandidate) -> float:
    """Return the share of the question's weight, rare words more, that a sentence holds with its context."""
    here, around = extract_features(option.text).terms, extract_features(option.context).terms
    own, total = limits.OWN_WORD_SHARE, sum(asked.term_weights.values()) or 1.0
    held = (w * ((1 - own) * (term in around) + own * (term in here)) for term, w in asked.term_weights.items())
    return sum(held) / total


def _get_odds(chance: float) -> float:
    """Return the log-odds of a probability, within limits.MAX_LOG_ODDS."""
    least = _logistic(-limits.MAX_LOG_ODDS)
    chance = min(max(chance, least), 1 - least)
    return math.log(chance / (1 - chance))


def quote_alone(option: QuoteCandidate) -> Quote:
    """Return the sentence as a quote, without anything beside it."""
    return Quote(option.source, option.start, option.end, option.text, round(option.chance, 4))


def _make_quote(
    option: QuoteCandidate, parts: Sequence[QuoteCandidate], question: str, idf: Mapping[str, float]
) -> Quote:
    passage, run = option.passage, option.run
    offset, first = passage.full_start, min(parts, key=lambda part: part.position)
    spans = [(min(part.start for part in parts), max(part.end for part in parts))]
    if first.run.kind == "item" and len(parts) > 1:  # each item of a list has its bullet
        bullet = _BULLET_BEFORE.search(passage.full_text[: spans[0][0] - offset])
        spans = [(bullet.start() + offset if bullet else spans[0][0], spans[0][1])]
    if (lead := first.run.lead) is not None:
        spans = _add_lead(passage.full_text, lead, spans[0], offset, first.run)
    text = join_spans(passage.full_text, [(start - offset, end - offset) for start, end in spans], lines=True)
    table = None
    if run.has_labels:
        table = lay_out_row(text, passage.heading, passage.title, -1)
        table = replace(table, asked_cell=_find_asked_cell(table, run, question, idf))
    parted = tuple(spans) if len(spans) > 1 else ()
    shown = table.text if table else text
    return Quote(option.source, spans[0][0], spans[-1][1], shown, round(option.chance, 4), parted, table)


def _add_lead(text: str, lead: Span, quoted: Span, offset: int, run: QuotableRun) -> list[Span]:
    """Return the spans of a quote with its lead, in the text of the page, where `text` begins at `offset`.

    A list and its introduction are one span. A term is a span of its own, so that it stands on a line of its own. What
    lies between lead and quote is left out where it is long, and between the fields of a record.
    """
    start, end = lead[0] + offset, lead[1] + offset
    if run.has_labels or len(text[lead[0] : quoted[1] - offset].split()) > limits.MAX_FIRST_QUOTE_WORDS:
        return [(start, end), quoted]
    if run.kind == "item":
        return [(start, quoted[1])]
    between = text[lead[1] : quoted[1] - offset]
    return [(start, end), (end + len(between) - len(between.lstrip()), quoted[1])]


def _find_asked_cell(table: QuotedRow, run: QuotableRun, question: str, idf: Mapping[str, float]) -> int:
    """Return the number of the cell whose column the question names while it does not hold the cell; -1 where it names
    none, or several alike. A field is the last cell of its record's first field and its own."""
    if run.kind == "field":
        return len(table.cells) - 1
    asked = extract_features(question).terms
    forms = {term[: limits.FORM_LETTERS] for term in asked if len(term) >= limits.FORM_LETTERS}
    values = [0.0] * len(table.cells)
    for at, cell in enumerate(table.cells):
        if not extract_features(cell.text).terms & asked:
            named = extract_features(cell.name).terms
            also = sum(
                term[: limits.FORM_LETTERS] in forms for term in named - asked
            )  # "recommended" where it is asked as a verb
            values[at] = (
                sum(idf.get(term, limits.UNKNOWN_WORD_WEIGHT) for term in named & asked)
                + also * limits.OTHER_FORM_WEIGHT
            )
    best = max(values, default=0.0)
    return values.index(best) if best > 0 and values.count(best) == 1 else -1


def _widen_quote(
    option: QuoteCandidate, options: Sequence[QuoteCandidate], taken: Sequence[QuoteCandidate], *, first: bool
) -> list[QuoteCandidate]:
    """Return the sentence with neighbours of its paragraph: the one before where it points back, what it introduces by
    a colon, then the likelier ones as far as there is room. A list is quoted as far as there is room. The first quote
    has more of it than others."""
    parts, room = [option], limits.MAX_FIRST_QUOTE_WORDS if first else limits.MAX_OTHER_QUOTE_WORDS
    if option.run.has_labels:
        return parts
    by_position = {
        other.position: other
        for other in options
        if other.source == option.source and not any(_is_same_text(other, quoted) for quoted in taken)
    }
    while len(parts) < (
        limits.MAX_QUOTE_ITEMS
        if any(part.run.kind == "item" or _introduces(part) for part in parts)
        else limits.MAX_QUOTE_SENTENCES
    ):
        before, after = by_position.get(parts[0].position - 1), by_position.get(parts[-1].position + 1)
        beside = _order_neighbours(parts, before, after)
        new = next((other for other in beside if _fits_quote(parts, other, room)), None)
        if new is None:
            break
        parts = [new, *parts] if new.position < parts[0].position else [*parts, new]
    if _introduces(parts[-1]) and parts[-1] is not option:
        parts.pop()  # what it introduces does not fit
    return parts


def _order_neighbours(
    parts: Sequence[QuoteCandidate], before: QuoteCandidate | None, after: QuoteCandidate | None
) -> list[QuoteCandidate]:
    """Return the neighbours that a quote may go on with, the better first. One that points back goes on better."""
    if before is not None and len(parts) == 1 and _POINTS_BACK.match(parts[0].text):
        return [before]
    if _introduces(parts[-1]):
        return [after] if after is not None else []
    if after is None or before is None:
        return [other for other in (after, before) if other is not None]
    refers = _POINTS_BACK.match(after.text) is not None
    return [after, before] if refers or after.chance > before.chance else [before, after]


def _introduces(part: QuoteCandidate) -> bool:
    return part.text.endswith(":")


def _fits_quote(parts: Sequence[QuoteCandidate], other: QuoteCandidate, room: int) -> bool:
    """Return whether a neighbour belongs to the same paragraph and subject, adds something, and leaves the quote
    readable."""
    if any(is_about_rivals(part.codes, other.codes) for part in parts):
        return False
    introduced = other.run.kind == "item" and any(other.run.intro == part.run.intro != () for part in parts)
    together = introduced or other.run.block == parts[0].run.block
    if other.run.has_labels or not together or any(_is_same_text(part, other) for part in parts):
        return False
    lead_text = min([*parts, other], key=lambda part: part.position).run.lead_text
    return len(lead_text.split()) + sum(len(part.text.split()) for part in [*parts, other]) <= room


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    codes: frozenset[Identifier]
    term_weights: dict[str, float]  # of each term, the rarer the more

    @classmethod
    def read(cls, text: str, idf: Mapping[str, float]) -> _Question:
        weights = {term: idf.get(term, limits.UNKNOWN_WORD_WEIGHT) for term in extract_features(text).terms}
        return cls(text, extract_identifiers(text), weights)


def _is_row_of_other_year(question: str, option: QuoteCandidate) -> bool:
    """Return whether the first cell of a row is about another year than the question."""
    if not option.run.has_labels:
        return False
    asked, own = (set(_YEAR.findall(text)) for text in (question, re.split(r"[;|]", option.text, maxsplit=1)[0]))
    return bool(asked and own) and not asked & own


class _CodeContext:
    """The codes that sentences in a row speak of: what one names holds for a few more, until the paragraph ends."""

    def __init__(self) -> None:
        self.codes: frozenset[Identifier] = frozenset()
        self._end = self._ago = 0

    def read(self, page: str, start: int, end: int) -> None:
        own = extract_identifiers(page[start:end])
        self._ago = 0 if own else self._ago + 1
        if own or self._ago > limits.MAX_CODE_SENTENCES or _PARAGRAPH.search(page, self._end, start):
            self.codes = own
        self._end = end


def _iter_candidates(passages: Mapping[int, Passage]) -> Iterator[list[QuoteCandidate]]:
    """Yield for each passage every sentence and row of it that could be quoted, once."""
    seen: set[str] = set()
    for source, passage in passages.items():
        options: list[QuoteCandidate] = []
        before, page = "", passage.full_text
        named, offset = _CodeContext(), passage.full_start
        for index, run in enumerate(split_runs(page, passage.heading, page_begins=not offset)):
            text = normalize_text(page[run.start : run.end])
            named.read(page, run.start, run.end)
            context = _get_context(run, text, before, passage)
            key = context.casefold() if run.has_labels else text.casefold()
            minimum = 1 if run.kind == "item" or run.has_labels else limits.MIN_SENTENCE_WORDS
            if (
                len(extract_features(text).term_order) >= minimum
                and len(text) <= limits.MAX_SENTENCE_CHARACTERS
                and key not in seen
            ):
                seen.add(key)
                span = offset + run.start, offset + run.end
                options.append(QuoteCandidate(source, index, *span, text, context, passage, run, named.codes))
            before = text
        yield options


def _get_context(run: QuotableRun, text: str, before: str, passage: Passage) -> str:
    """Return the text with what it is weighed with: the name of its table, its lead, the sentence before."""
    if run.has_labels:
        return " ".join((passage.heading.rpartition(" › ")[2] or passage.title, run.lead_text, text))
    if run.lead_text:
        return f"{run.lead_text} {text}"
    return f"{before} {text}" if before and _POINTS_BACK.match(text) else text


def _is_same_text(one: QuoteCandidate, other: QuoteCandidate) -> bool:
    """Return whether two sentences say the same in nearly the same words."""
    a, b = (extract_features(o.context if o.run.has_labels else o.text) for o in (one, other))
    return a.numbers == b.numbers and len(a.terms & b.terms) >= 0.85 * len(a.terms | b.terms)
