"""Deduplication of written phrases against the templates of a data set, so that a template is never measured after
training on a near copy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

_MIN_SIMILARITY = 0.75  # similarity of the token sequences from which two texts count as the same
_RUN = 3  # tokens in a row, two of them words, that make a phrase
_LONG, _RARE = 6, 2  # letters of a word that identifies its sentence if at most this many phrases hold it
_TOKEN = re.compile(r"\{[A-Z_]+\}|[^\W_]+(?:'[^\W_]+)?|\n")


def find_dissimilar(phrases: Sequence[str], patterns: Iterable[str]) -> set[str]:
    """Return the phrases that resemble none of the patterns: no common run of words and no similar layout. A phrase
    without placeholders, of which only the words are learnt, must not share a rare word either."""
    tokens_by_phrase = {phrase: _tokens(phrase) for phrase in phrases}
    counts = Counter(word for tokens in tokens_by_phrase.values() for word in set(tokens))
    pattern_tokens = [_tokens(pattern) for pattern in set(patterns)]
    runs = {run for tokens in pattern_tokens for run in _runs(tokens)}
    rare = {word for tokens in pattern_tokens for word in tokens if len(word) >= _LONG and counts[word] <= _RARE}
    return {
        phrase
        for phrase, own in tokens_by_phrase.items()
        if not (runs & _runs(own) or any(_is_similar(own, other) for other in pattern_tokens))
        and ("{" in phrase or not rare & set(own))
    }


def _is_similar(one: list[str], other: list[str]) -> bool:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.quick_ratio() >= _MIN_SIMILARITY and matcher.ratio() >= _MIN_SIMILARITY


def _runs(tokens: list[str]) -> set[tuple[str, ...]]:
    runs = {tuple(tokens[at : at + _RUN]) for at in range(len(tokens) - _RUN + 1)}
    return {run for run in runs if sum(token[0].isalnum() for token in run) >= _RUN - 1}


def _tokens(text: str) -> list[str]:
    return [token if token[0] == "{" else token.casefold() for token in _TOKEN.findall(text)]
