"""Hashed n-grams of characters and words: the surface features of a text, beside the meaning in its embedding.

Words and word pairs tell "are not" from "are"; character n-grams see through deliberate misspelling.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKETS = 1 << 14  # a power of two
CHARACTERS = 2000  # read per text; longer texts are passed in parts (`apps.safety.text.splitting`)
_WORD = re.compile(r"\w+|[^\w\s]")
_PIECES = (3, 4, 5)
_START = crc32(b"b")
_BATCH_TEXTS = 32  # texts whose buckets are sorted at once: they fit the CPU cache
_HASH_BYTES = 8
_SHORT = 32  # longest words whose hashes are cached; the full cache takes some 20 MB


@dataclass(frozen=True, slots=True)
class HashedNgrams:
    """N-grams of several texts in one array: those of text i are `buckets[starts[i]:starts[i + 1]]`, each with the
    weight `weights[i]`."""

    buckets: NDArray[np.int32]
    starts: NDArray[np.int64]  # one entry more than texts
    weights: NDArray[np.float32]  # 1 / sqrt(number of n-grams): every text is a unit vector


def hash_ngrams(texts: Sequence[str]) -> HashedNgrams:
    """Return the hashed n-grams of the first CHARACTERS of each text, each bucket once per text, in ascending order."""
    parts = [
        _unique_buckets([_hash_ngrams(text) for text in texts[at : at + _BATCH_TEXTS]])
        for at in range(0, len(texts), _BATCH_TEXTS)
    ]
    buckets = np.concatenate([np.zeros(0, np.int32), *(part for part, _ in parts)])
    counts = np.concatenate([np.zeros(0, np.int64), *(part for _, part in parts)])
    starts = np.concatenate(([0], np.cumsum(counts)))
    return HashedNgrams(buckets, starts, (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32))


def _unique_buckets(sums: Sequence[bytes]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the buckets of each text, each once, ascending, concatenated; and the number of buckets per text."""
    counts = np.fromiter(map(len, sums), np.int64, len(sums)) // _HASH_BYTES
    buckets = (np.frombuffer(b"".join(sums), np.int64) & (BUCKETS - 1)).astype(np.int32)
    buckets += np.repeat(np.arange(len(sums), dtype=np.int32) * BUCKETS, counts)
    buckets.sort()
    first = np.ones(len(buckets), np.bool_)
    np.not_equal(buckets[1:], buckets[:-1], out=first[1:])
    buckets = buckets[first]
    return buckets & (BUCKETS - 1), np.diff(np.searchsorted(buckets, np.arange(len(sums) + 1) * BUCKETS))


def _hash_ngrams(text: str) -> bytes:
    """Return the hashes of a text's n-grams, with repetitions, as integers of eight bytes."""
    words = _WORD.findall(text[:CHARACTERS].casefold())
    raw = [word.encode("utf-8", "surrogatepass") for word in words]
    before = [_START, *(crc32(word, _START) for word in raw)]  # hash of "b" and the previous word, "" at the beginning
    pairs = array("q", (crc32(b" " + word, start) for word, start in zip(raw, before, strict=False)))
    return b"".join([pairs.tobytes(), *map(_hash_word, dict.fromkeys(words))])


def _hash_word(word: str) -> bytes:
    """Return the hashes of the word and of its character n-grams, as integers of eight bytes."""
    return _hash_short_word(word) if len(word) <= _SHORT else _hash_pieces(word)


def _hash_pieces(word: str) -> bytes:
    grams = [f"w{word}"]
    if len(word) > 2:
        padded = f"<{word}>"
        grams += [f"c{padded[at : at + size]}" for size in _PIECES for at in range(len(padded) - size + 1)]
    return array("q", (crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams)).tobytes()


_hash_short_word = lru_cache(maxsize=32_768)(_hash_pieces)  # most words of a text are few and frequent
