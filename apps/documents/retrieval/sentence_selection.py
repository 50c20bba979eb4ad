"""Which sentences of the passages go into the prompt: the best ones within a budget of tokens, in reading order.

On a small machine 100 tokens of prompt cost 160 ms, so a source is never sent whole where two sentences of it carry the
answer. Sentences are weighed by the words they share with the question, rare words more; nothing is embedded here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.documents.chunking.text_normalization import normalize_text
from apps.documents.retrieval.passages import Passage, PassageWindow, join_spans
from apps.documents.retrieval.table_rows import split_sentences_and_rows
from apps.lib.text.analyzer import extract_terms

CountTokens = Callable[[Sequence[str]], list[int]]

_AT_MOST = 7  # sentences of one passage where the budget is small
_SMALL, _SENTENCE_TOKENS = 700, 25  # beyond so many tokens one more for each 25: a large model reads what stands around
_OUTSIDE = 0.6  # a sentence of a neighbour counts less than one of the hit
_LEANS = re.compile(
    r"(?:he|she|it|they|this|that|these|those|such|here|there|his|her|its|their|however|but|also)\b", re.I
)


@dataclass(slots=True)
class _Sentence:
    passage: int
    place: int  # among the sentences of its passage
    start: int  # in Page.text
    end: int
    text: str
    value: float
    tokens: int = 0


def estimate_tokens(texts: Sequence[str]) -> list[int]:
    """Tokens of each text where no tokenizer is at hand: too many rather than too few."""
    return [len(text) // 3 + 1 for text in texts]


def select_sentences(
    windows: Sequence[PassageWindow],
    pages: Mapping[tuple[UUID, int], str],
    idf: Mapping[str, float],
    budget: int,
    count: CountTokens,
) -> list[Passage]:
    """Passages in the order of the windows, each with its best sentences; all texts together within `budget` tokens.

    A passage that gets not even one sentence into the budget is left out.
    """
    found = [_sentences(number, window, pages[window.page], idf) for number, window in enumerate(windows)]
    everything = [sentence for group in found for sentence in group]
    for sentence, tokens in zip(everything, count([sentence.text for sentence in everything]), strict=True):
        sentence.tokens = tokens
    taken = _taken(found, budget)
    return [
        _passage(window, pages[window.page], taken[number]) for number, window in enumerate(windows) if taken[number]
    ]


def _sentences(number: int, window: PassageWindow, page: str, idf: Mapping[str, float]) -> list[_Sentence]:
    """The sentences of one window with their value: the share of the question's weight that they cover."""
    whole = sum(idf.values()) or 1.0
    text = page[window.start : window.end]
    found: list[_Sentence] = []
    for start, end in split_sentences_and_rows(text):
        start, end = window.start + start, window.start + end
        sentence = page[start:end]
        if not (folded := normalize_text(sentence)):  # signs alone that show where a word may be split
            continue
        value = sum(idf.get(term, 0.0) for term in set(extract_terms(sentence))) / whole
        if end <= window.hit.start or start >= window.hit.end:
            value *= _OUTSIDE
        found.append(_Sentence(number, len(found), start, end, folded, value))
    return found


def _taken(found: Sequence[list[_Sentence]], budget: int) -> list[list[_Sentence]]:
    """First the best sentence of each passage, best passage first; then the best of all that is left."""
    taken: list[list[_Sentence]] = [[] for _ in found]
    left, most = budget, _AT_MOST + max(0, budget - _SMALL) // _SENTENCE_TOKENS
    first = [max(group, key=lambda s: (s.value, -s.place)) for group in found if group]
    chosen = {(s.passage, s.place) for s in first}
    rest = sorted(
        (s for group in found for s in group if (s.passage, s.place) not in chosen),
        key=lambda s: -_worth(s, found),
    )
    for sentence in [*first, *rest]:
        if len(taken[sentence.passage]) >= most:
            continue
        for piece in _with_what_it_leans_on(sentence, found[sentence.passage], taken[sentence.passage]):
            if piece.tokens <= left:
                left -= piece.tokens
                taken[piece.passage].append(piece)
    return [sorted(group, key=lambda s: s.place) for group in taken]


def _worth(sentence: _Sentence, found: Sequence[list[_Sentence]]) -> float:
    """What a further sentence is worth: its own words, then how near it stands to the passage's best one and how high
    its passage ranks."""
    group = found[sentence.passage]
    best = max(group, key=lambda s: (s.value, -s.place))
    near = 1 / (1 + abs(best.place - sentence.place))
    return (sentence.value + 0.3 * near) / (1 + 0.35 * sentence.passage)


def _with_what_it_leans_on(
    sentence: _Sentence, group: Sequence[_Sentence], taken: Iterable[_Sentence]
) -> list[_Sentence]:
    """The sentence, after the one before it where it begins with a word that points back."""
    have = {s.place for s in taken}
    if sentence.place in have:
        return []
    if sentence.place > 0 and sentence.place - 1 not in have and _LEANS.match(sentence.text):
        return [sentence, group[sentence.place - 1]]
    return [sentence]


def _passage(window: PassageWindow, page: str, taken: Sequence[_Sentence]) -> Passage:
    hit = window.hit
    spans = tuple((s.start, s.end) for s in taken)
    return Passage(
        chunk_id=hit.chunk_id, document_id=hit.document_id, collection_id=hit.collection_id, title=hit.title,
        kind=hit.kind, page_number=hit.page_number, heading=hit.heading, spans=spans, text=join_spans(page, spans),
        full_start=window.start, full_end=window.end, full_text=page[window.start : window.end],
        relevance=hit.relevance, cosine=hit.cosine, bm25=hit.bm25,
    )  # fmt: skip
