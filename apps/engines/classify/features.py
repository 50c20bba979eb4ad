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

BUCKETS = 1 << 14
CHARACTERS = 2000  # of a text that are read; longer ones come in parts (`apps.safety.parts`)
_WORD = re.compile(r"\w+|[^\w\s]")
_PIECES = (3, 4, 5)
_START = crc32(b"b")
_LONG = 32  # letters; what is longer is hardly a word that comes again


@dataclass(frozen=True, slots=True)
class Grams:
    """The texts' n-grams end to end: those of text i are `buckets[starts[i]:starts[i + 1]]`, each with `weights[i]`."""

    buckets: NDArray[np.int64]
    starts: NDArray[np.int64]  # one more than there are texts
    weights: NDArray[np.float32]  # 1 / sqrt(number of n-grams): every text is a vector of length one


def grams(texts: Sequence[str]) -> Grams:
    found = [_buckets(text) for text in texts]
    counts = np.array([len(row) for row in found], dtype=np.int64)
    starts = np.concatenate(([0], np.cumsum(counts)))
    buckets = np.concatenate(found) if found else np.zeros(0, np.int64)
    return Grams(buckets, starts, (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32))


def _buckets(text: str) -> NDArray[np.int64]:
    """Which buckets the text fills, each once, in order."""
    words = _WORD.findall(text[:CHARACTERS].casefold())
    known = {word: _of_word(word) if len(word) <= _LONG else _taken_apart(word) for word in set(words)}
    found = [known[word] for word in words]
    begun = [_START, *(start for start, _, _ in found)]
    pairs = array("q", map(crc32, (tail for _, tail, _ in found), begun))  # of "b", the word before, a space, this word
    sums = b"".join([pairs.tobytes(), *(pieces for _, _, pieces in known.values())])
    filled = np.zeros(BUCKETS, np.bool_)
    filled[np.frombuffer(sums, np.int64) % BUCKETS] = True
    return np.flatnonzero(filled)


def _taken_apart(word: str) -> tuple[int, bytes, bytes]:
    """The sum of "b" and the word, with which its pair with the next begins; how its pair with the one before goes on;
    and the sums of the word itself and of its pieces, as numbers of eight bytes."""
    grams = [f"w{word}"]
    if len(word) > 2:
        padded = f"<{word}>"
        grams += [f"c{padded[at : at + size]}" for size in _PIECES for at in range(len(padded) - size + 1)]
    raw = word.encode("utf-8", "surrogatepass")
    sums = array("q", [crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams])
    return crc32(raw, _START), b" " + raw, sums.tobytes()


_of_word = lru_cache(maxsize=32_768)(_taken_apart)  # a language uses few words most of the time; 20 MB
