"""Which written phrases say nearly what a template of the set says: what is measured on the template must not have been
learnt from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

_NEAR = 0.75  # of the words, places and lines of both are the same, in the same order
_RUN = 3  # words and places in a row, two of them words, are a phrase
_LONG, _RARE = 6, 2  # letters of a word that tells its sentence, where at most so many phrases hold it
_TOKEN = re.compile(r"\{[A-Z_]+\}|[^\W_]+(?:'[^\W_]+)?|\n")


def strangers(phrases: Sequence[str], patterns: Iterable[str]) -> set[str]:
    """The phrases that resemble none of the patterns: they share no run of words and no layout, nor a rare word where
    the phrase has no place and its words are all that it teaches."""
    known = {phrase: _tokens(phrase) for phrase in phrases}
    often = Counter(word for tokens in known.values() for word in set(tokens))
    theirs = [_tokens(pattern) for pattern in set(patterns)]
    runs = {run for tokens in theirs for run in _runs(tokens)}
    rare = {word for tokens in theirs for word in tokens if len(word) >= _LONG and often[word] <= _RARE}
    return {
        phrase
        for phrase, own in known.items()
        if not (runs & _runs(own) or any(_near(own, other) for other in theirs))
        and ("{" in phrase or not rare & set(own))
    }


def _near(one: list[str], other: list[str]) -> bool:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.quick_ratio() >= _NEAR and matcher.ratio() >= _NEAR


def _runs(tokens: list[str]) -> set[tuple[str, ...]]:
    runs = {tuple(tokens[at : at + _RUN]) for at in range(len(tokens) - _RUN + 1)}
    return {run for run in runs if sum(token[0].isalnum() for token in run) >= _RUN - 1}


def _tokens(text: str) -> list[str]:
    return [token if token[0] == "{" else token.casefold() for token in _TOKEN.findall(text)]
