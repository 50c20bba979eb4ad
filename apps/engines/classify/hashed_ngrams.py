"""What a text looks like, letter by letter and word by word: hashed n-grams, beside the meaning that a vector holds.

Words and pairs of words tell "are not" from "are"; pieces of words see through spelling that was bent on purpose.
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
CHARACTERS = 2000  # of a text that are read; longer ones come in parts (`apps.safety.text.splitting`)
_WORD = re.compile(r"\w+|[^\w\s]")
_PIECES = (3, 4, 5)
_START = crc32(b"b")
_TOGETHER = 32  # texts whose buckets are sorted at once: they fit a processor's cache
_SUM_BYTES = 8
_SHORT = 32  # characters of words whose sums are kept; full, some 20 MB


@dataclass(frozen=True, slots=True)
class HashedNgrams:
    """The texts' n-grams end to end: those of text i are `buckets[starts[i]:starts[i + 1]]`, each with `weights[i]`."""

    buckets: NDArray[np.int32]
    starts: NDArray[np.int64]  # one more than there are texts
    weights: NDArray[np.float32]  # 1 / sqrt(number of n-grams): every text is a vector of length one


def hash_ngrams(texts: Sequence[str]) -> HashedNgrams:
    parts = [_filled([_sums(text) for text in texts[at : at + _TOGETHER]]) for at in range(0, len(texts), _TOGETHER)]
    buckets = np.concatenate([np.zeros(0, np.int32), *(part for part, _ in parts)])
    counts = np.concatenate([np.zeros(0, np.int64), *(part for _, part in parts)])
    starts = np.concatenate(([0], np.cumsum(counts)))
    return HashedNgrams(buckets, starts, (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32))


def _filled(sums: Sequence[bytes]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Which buckets each text fills, each once, in order, one text after the other; and how many each fills."""
    counts = np.fromiter(map(len, sums), np.int64, len(sums)) // _SUM_BYTES
    places = (np.frombuffer(b"".join(sums), np.int64) & (BUCKETS - 1)).astype(np.int32)
    places += np.repeat(np.arange(len(sums), dtype=np.int32) * BUCKETS, counts)
    places.sort()
    first = np.ones(len(places), np.bool_)
    np.not_equal(places[1:], places[:-1], out=first[1:])
    places = places[first]
    return places & (BUCKETS - 1), np.diff(np.searchsorted(places, np.arange(len(sums) + 1) * BUCKETS))


def _sums(text: str) -> bytes:
    """Return the sums of its n-grams, some more than once, as numbers of eight bytes."""
    words = _WORD.findall(text[:CHARACTERS].casefold())
    raw = [word.encode("utf-8", "surrogatepass") for word in words]
    before = [_START, *(crc32(word, _START) for word in raw)]  # of "b" and the word before, "" at the beginning
    pairs = array("q", (crc32(b" " + word, start) for word, start in zip(raw, before, strict=False)))
    return b"".join([pairs.tobytes(), *map(_sums_of_word, dict.fromkeys(words))])


def _sums_of_word(word: str) -> bytes:
    """Return the sums of the word itself and of its pieces, as numbers of eight bytes."""
    return _sums_of_short(word) if len(word) <= _SHORT else _hash_pieces(word)


def _hash_pieces(word: str) -> bytes:
    grams = [f"w{word}"]
    if len(word) > 2:
        padded = f"<{word}>"
        grams += [f"c{padded[at : at + size]}" for size in _PIECES for at in range(len(padded) - size + 1)]
    return array("q", (crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams)).tobytes()


_sums_of_short = lru_cache(maxsize=32_768)(_hash_pieces)  # a language uses few words most of the time
