"""Choose the sentences of passages that go into the prompt: the best ones within a token budget, in reading order.
Pure.

On a small machine 100 tokens of prompt cost 160 ms, so passages are cut to the sentences that carry the answer.
Sentences are scored by the summed IDF of the question's terms in them; nothing is embedded here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.documents.retrieval.passages import PassageWindow
from apps.grounding.passage import Passage, join_spans
from apps.lib.text.analyzer import extract_terms
from apps.lib.text.table_rows import split_sentences_and_rows
from apps.lib.text.text_normalization import normalize_text

CountTokens = Callable[[Sequence[str]], list[int]]

_MAX_SENTENCES = 7  # sentences of one passage if the budget is small
# A budget above 700 tokens allows one more sentence for each 25 tokens: context helps.
_SMALL_BUDGET, _SENTENCE_TOKENS = 700, 25
_NEIGHBOUR_FACTOR = 0.6  # factor for a sentence of a neighbouring chunk
_BACK_REFERENCE = re.compile(
    r"(?:he|she|it|they|this|that|these|those|such|here|there|his|her|its|their|however|but|also)\b", re.I
)


@dataclass(slots=True)
class _Sentence:
    """Sentence of a window with its score."""

    passage: int
    index: int  # index among the sentences of its passage
    start: int  # [start, end) in Page.text
    end: int
    text: str
    score: float
    tokens: int = 0


def estimate_tokens(texts: Sequence[str]) -> list[int]:
    """Return an over-estimate of each text's tokens: a third of its characters, plus one. For models without a
    tokenizer."""
    return [len(text) // 3 + 1 for text in texts]


def select_sentences(
    windows: Sequence[PassageWindow],
    pages: Mapping[tuple[UUID, int], str],
    idf: Mapping[str, float],
    budget: int,
    count: CountTokens,
) -> list[Passage]:
    """Return a passage per window, in order, with its best sentences; all texts together within `budget` tokens.

    `pages` has the text by (document, page number), `idf` the weights of the question's stemmed terms. `count` returns
    the tokens of each text. Windows of which no sentence fits the budget are dropped.
    """
    groups = [_score_sentences(number, window, pages[window.page], idf) for number, window in enumerate(windows)]
    sentences = [sentence for group in groups for sentence in group]
    for sentence, tokens in zip(sentences, count([sentence.text for sentence in sentences]), strict=True):
        sentence.tokens = tokens
    chosen = _choose_sentences(groups, budget)
    return [
        _make_passage(window, pages[window.page], chosen[number])
        for number, window in enumerate(windows)
        if chosen[number]
    ]


def _score_sentences(number: int, window: PassageWindow, page: str, idf: Mapping[str, float]) -> list[_Sentence]:
    """Return the sentences of one window, each with the share of the question's IDF weight that it covers, 0 to 1."""
    total_idf = sum(idf.values()) or 1.0
    text = page[window.start : window.end]
    sentences: list[_Sentence] = []
    for start, end in split_sentences_and_rows(text):
        start, end = window.start + start, window.start + end
        sentence = page[start:end]
        if not (folded := normalize_text(sentence)):  # nothing but soft hyphens and the like
            continue
        score = sum(idf.get(term, 0.0) for term in set(extract_terms(sentence))) / total_idf
        if end <= window.hit.start or start >= window.hit.end:
            score *= _NEIGHBOUR_FACTOR
        sentences.append(_Sentence(number, len(sentences), start, end, folded, score))
    return sentences


def _choose_sentences(groups: Sequence[list[_Sentence]], budget: int) -> list[list[_Sentence]]:
    """Return the chosen sentences per passage, in reading order, within the budget.

    The best sentence of each passage comes first, best passage first; then the best of all others.
    """
    selected: list[list[_Sentence]] = [[] for _ in groups]
    remaining, max_per_passage = budget, _MAX_SENTENCES + max(0, budget - _SMALL_BUDGET) // _SENTENCE_TOKENS
    first = [max(group, key=lambda s: (s.score, -s.index)) for group in groups if group]
    chosen = {(s.passage, s.index) for s in first}
    further = sorted(
        (s for group in groups for s in group if (s.passage, s.index) not in chosen),
        key=lambda s: -_score_further_sentence(s, groups),
    )
    for sentence in [*first, *further]:
        if len(selected[sentence.passage]) >= max_per_passage:
            continue
        for piece in _with_antecedent(sentence, groups[sentence.passage], selected[sentence.passage]):
            if piece.tokens <= remaining:
                remaining -= piece.tokens
                selected[piece.passage].append(piece)
    return [sorted(group, key=lambda s: s.index) for group in selected]


def _score_further_sentence(sentence: _Sentence, groups: Sequence[list[_Sentence]]) -> float:
    """Return the score of a further sentence: its terms, its distance to the passage's best one, and the passage's
    rank."""
    group = groups[sentence.passage]
    best = max(group, key=lambda s: (s.score, -s.index))
    closeness = 1 / (1 + abs(best.index - sentence.index))
    return (sentence.score + 0.3 * closeness) / (1 + 0.35 * sentence.passage)


def _with_antecedent(sentence: _Sentence, group: Sequence[_Sentence], chosen: Iterable[_Sentence]) -> list[_Sentence]:
    """Return the sentence, followed by the one before it if it begins with a word that points back; [] if chosen
    already."""
    chosen_indexes = {s.index for s in chosen}
    if sentence.index in chosen_indexes:
        return []
    if sentence.index > 0 and sentence.index - 1 not in chosen_indexes and _BACK_REFERENCE.match(sentence.text):
        return [sentence, group[sentence.index - 1]]
    return [sentence]


def _make_passage(window: PassageWindow, page: str, chosen: Sequence[_Sentence]) -> Passage:
    hit = window.hit
    spans = tuple((s.start, s.end) for s in chosen)
    return Passage(
        chunk_id=hit.chunk_id, document_id=hit.document_id, collection_id=hit.collection_id, title=hit.title,
        kind=hit.kind, page_number=hit.page_number, heading=hit.heading, spans=spans, text=join_spans(page, spans),
        full_start=window.start, full_end=window.end, full_text=page[window.start : window.end],
        relevance=hit.relevance, cosine=hit.cosine, bm25=hit.bm25,
    )  # fmt: skip
