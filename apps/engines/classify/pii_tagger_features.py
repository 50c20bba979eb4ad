"""Word features of the tagger of personal data, for training and run time alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apps.engines.classify.protocol import TaggedSpan, TokenStates

LAYERS = 4  # of the embedder that are run: later layers represent the sentence more and the word less
BUCKETS = 8192
KINDS = (
    "PERSON", "GPE", "STREET_ADDRESS", "ORGANIZATION", "TITLE", "AGE", "NRP", "DATE_TIME", "ZIP_CODE",
    "US_DRIVER_LICENSE", "PHONE_NUMBER", "US_SSN",
)  # fmt: skip
# Kinds that a pattern detector finds first. The tagger is told of them, since they inform about their neighbours.
PATTERN_KINDS = (
    "EMAIL_ADDRESS", "DOMAIN_NAME", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "US_SSN", "PHONE_NUMBER",
)  # fmt: skip
TAGS = ("O", *(f"{part}-{kind}" for kind in KINDS for part in "BI"))
_WORD = re.compile(r"\n|[^\W\d_]+|\d+|[^\w\s]|_")
_PIECES = (2, 3, 4)
_LONGEST = 20  # letters that are read per word
_DIGITS = 7
_SHAPE = 17 + _DIGITS
SHAPE = _SHAPE + len(PATTERN_KINDS)


@dataclass(frozen=True, slots=True)
class WordFeatures:
    """Features of one text. `words` are character spans (start, end)."""

    words: list[tuple[int, int]]
    ngrams: list[tuple[int, ...]]  # hash buckets of the character n-grams of each word
    shape: NDArray[np.float32]  # (words, SHAPE)
    states: NDArray[np.float32]  # (words, width): mean state of the word's tokens; zeros beyond the embedder's window


def extract_word_features(text: str, patterns: Sequence[TaggedSpan], token_states: TokenStates) -> WordFeatures:
    """Return the features of each word of the text. `patterns` are the spans that a pattern detector found;
    `token_states` the embedder's token states of the same text."""
    words = [match.span() for match in _WORD.finditer(text)]
    shape = np.zeros((len(words), SHAPE), np.float32)
    for at, (start, end) in enumerate(words):
        before = text[words[at - 1][0] : words[at - 1][1]] if at else ""
        shape[at, :_SHAPE] = _compute_shape(text, start, end, before)
        for form in patterns:
            if form.start <= start and end <= form.end and form.kind in PATTERN_KINDS:
                shape[at, _SHAPE + PATTERN_KINDS.index(form.kind)] = 1
    if len(words):
        shape[[0, -1], [15, 16]] = 1
    pieces = [_letters(text[start:end]) for start, end in words]
    return WordFeatures(words, pieces, shape, _states(words, token_states))


def _states(words: list[tuple[int, int]], token_states: TokenStates) -> NDArray[np.float32]:
    states = np.zeros((len(words), token_states.states.shape[1]), np.float32)
    if not words:
        return states
    has_position = token_states.spans[:, 1] > token_states.spans[:, 0]  # special tokens have no position
    starts = np.array([start for start, _ in words])
    at = np.searchsorted(starts, token_states.spans[has_position, 0], side="right") - 1
    covered = at >= 0
    np.add.at(states, at[covered], token_states.states[has_position][covered])
    counts = np.maximum(np.bincount(at[covered], minlength=len(words)), 1).astype(np.float32)
    return np.asarray(states / counts[:, None], np.float32)


def _compute_shape(text: str, start: int, end: int, before: str) -> list[float]:
    word = text[start:end]
    digits = [0.0] * _DIGITS
    if word.isdigit():
        digits[min(len(word), _DIGITS) - 1] = 1
    return [
        word[0].isupper(), word.isupper() and len(word) > 1, word[0].isupper() and not word.isupper(), word.islower(),
        word.isdigit(), word == "\n", not word[0].isalnum() and word != "\n", len(word) == 1,
        text[start - 1 : start] == " ", text[end : end + 1] == " ", not word.isascii(), min(len(word), 12) / 12,
        before in (".", "!", "?"), before == "\n", before == ":", 0, 0, *digits,
    ]  # fmt: skip


@lru_cache(maxsize=16_384)
def _letters(word: str) -> tuple[int, ...]:
    if not word[0].isalpha():
        grams = [word]
    else:
        padded = f"<{word.casefold()[:_LONGEST]}>"
        grams = [padded, *(padded[at : at + size] for size in _PIECES for at in range(len(padded) - size + 1))]
    return tuple(crc32(gram.encode("utf-8", "surrogatepass")) % BUCKETS for gram in grams)
