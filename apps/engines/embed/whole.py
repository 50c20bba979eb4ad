"""The tokens of a long text, of which parts are cut instead of being tokenised again.

A BERT tokenizer reads each run of characters between two spaces by itself: its tokens are the same whatever stands
around it, and however wide the spaces are.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apps.engines.embed.base import Tokenised, apart

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PARTS = ("BertNormalizer", "BertPreTokenizer", "WordPiece")
_REMEMBERED = 30_000  # runs between spaces whose tokens are kept; 8 MB
_LONGEST = 40  # characters of such a run
_OF_TITLES = 4096  # runs of titles and headings, which are short texts, likewise
_ODD = re.compile("[\x0b\x0c\x1c-\x1f\x85]")  # white space to Python, dropped by the tokenizer: it joins two words


def by_words(tokenizer: Any) -> bool:
    """Whether it reads each run between spaces by itself, and adds one token before a text and one after it."""
    parts = tuple(type(part).__name__ for part in (tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.model))
    added = tokenizer.get_added_tokens_decoder().values()
    plain = not any(token.lstrip or token.rstrip or token.content.split() != [token.content] for token in added)
    return parts == _PARTS and plain and tokenizer.encode("a").ids[1:-1] == _ids(tokenizer, "a")


class _Pool(NamedTuple):
    """Runs that were read, and their tokens, one behind the other."""

    ids: NDArray[np.int32]  # of tokens
    starts: NDArray[np.int64]  # where each begins in its run, characters
    ends: NDArray[np.int64]
    first: NDArray[np.int64]  # of each run: where its tokens begin
    counts: NDArray[np.int64]  # how many these are
    widths: NDArray[np.int64]  # its characters, and the space after it

    def followed_by(self, more: _Pool) -> _Pool:
        more = more._replace(first=more.first + len(self.ids))
        pairs: Iterator[tuple[NDArray[Any], NDArray[Any]]] = zip(self, more, strict=True)
        return _Pool(*map(np.concatenate, pairs))

    def tokens(self, runs: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the tokens of these runs stand here, in turn; and how many each run has."""
        counts = self.counts[runs]
        before = np.cumsum(counts) - counts
        return np.repeat(self.first[runs] - before, counts) + np.arange(int(counts.sum())), counts

    def only(self, runs: NDArray[np.int64]) -> _Pool:
        at, counts = self.tokens(runs)
        first = np.cumsum(counts) - counts
        return _Pool(self.ids[at], self.starts[at], self.ends[at], first, counts, self.widths[runs])


@dataclass(slots=True)
class _Kept:
    pool: _Pool
    numbers: dict[str, int] = field(default_factory=dict)  # of each run in the pool, which has grown before it is here


class Runs:
    """The tokens of texts, put together from those of their runs between spaces: of these few are new."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._lock = threading.Lock()
        self._empty = self._read([])
        self._kept = _Kept(self._empty)
        self._ids_of = lru_cache(_OF_TITLES)(partial(_ids, tokenizer))  # for so few, arrays would take longer
        ids = np.array(tokenizer.encode("a").ids, np.int32)
        self._before, self._after = ids[:1], ids[-1:]

    def ids(self, text: str) -> NDArray[np.int32]:
        """Those of a text of a few words alone, without what the model adds."""
        return np.fromiter(chain.from_iterable(map(self._ids_of, _cut(text))), np.int32)

    def with_edges(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
        """Likewise, and where in the text each of them starts and ends."""
        pool, runs = self._of(_cut(text))
        at, counts = pool.tokens(runs)
        widths = pool.widths[runs]
        places = np.repeat(np.cumsum(widths) - widths, counts)
        return pool.ids[at], places + pool.starts[at], places + pool.ends[at]

    def around(self, lead: NDArray[np.int32], rest: NDArray[np.int32]) -> NDArray[np.int32]:
        """Both in turn, between what the model adds."""
        return np.concatenate([self._before, lead, rest, self._after])

    def _of(self, words: Sequence[str]) -> tuple[_Pool, NDArray[np.int64]]:
        """A pool, and where in it each of these runs is."""
        kept = self._kept
        runs = np.fromiter(map(kept.numbers.get, words, repeat(-1)), np.int64, len(words))
        pool = kept.pool  # asked for after the numbers, so none of them is beyond it
        unread = np.flatnonzero(runs < 0)
        if not len(unread):
            return pool, runs
        new = list(dict.fromkeys(words[at] for at in unread.tolist()))
        read = self._read(new)
        self._keep(new, read)
        known = np.flatnonzero(runs >= 0)
        pool = pool.only(runs[known]).followed_by(read)  # a pool of this text's own
        numbers = {word: number for number, word in enumerate(new, len(known))}
        runs[known], runs[unread] = np.arange(len(known)), [numbers[words[at]] for at in unread.tolist()]
        return pool, runs

    def _keep(self, words: Sequence[str], read: _Pool) -> None:
        short = [at for at, word in enumerate(words) if len(word) <= _LONGEST][:_REMEMBERED]
        if not short:
            return
        with self._lock:
            if len(self._kept.pool.first) + len(short) > _REMEMBERED:
                self._kept = _Kept(self._empty)
            kept = self._kept
            first, kept.pool = len(kept.pool.first), kept.pool.followed_by(read.only(np.array(short, np.int64)))
            kept.numbers.update((words[at], number) for number, at in enumerate(short, first))

    def _read(self, words: Sequence[str]) -> _Pool:
        encoding = self._tokenizer.encode(" ".join(words), add_special_tokens=False)
        spans = np.array(encoding.offsets, np.int64).reshape(-1, 2)
        widths = np.fromiter(map(len, words), np.int64, len(words)) + 1
        places = np.cumsum(widths) - widths
        first = np.searchsorted(spans[:, 0], places)
        counts = np.diff(first, append=len(spans))
        own = spans - np.repeat(places, counts)[:, None]
        return _Pool(np.array(encoding.ids, np.int32), own[:, 0], own[:, 1], first, counts, widths)


class TokenisedWhole:
    """`made` takes the ids of a passage with all that the model adds to it; `prompt` stands before every passage."""

    def __init__(self, text: str, runs: Runs, prompt: str, made: Callable[[NDArray[np.int32]], Tokenised]) -> None:
        self._ids, starts, ends = runs.with_edges(text)
        self.starts: Sequence[int] = starts.tolist()
        self.ends: Sequence[int] = ends.tolist()
        self._text, self._runs, self._prompt, self._made = text, runs, prompt, made

    def part(self, lead: str, start: int, end: int) -> Tokenised | None:
        before = self._prompt + lead
        edges = before[-1:], self._text[start - 1 : start] if start else "", self._text[end : end + 1]
        if not all(map(_parts, edges)) or _ODD.search(self._text, start, end):
            return None
        first, last = bisect_left(self.starts, start), bisect_left(self.starts, end)
        return self._made(self._runs.around(self._runs.ids(before), self._ids[first:last]))


class Undivided:
    """Of a tokenizer for which that does not hold: every part has to be tokenised by itself."""

    def __init__(self, text: str, tokenizer: Any) -> None:
        self.starts, self.ends = apart(tokenizer.encode(text, add_special_tokens=False).offsets)

    def part(self, lead: str, start: int, end: int) -> Tokenised | None:
        return None


def _cut(text: str) -> list[str]:
    """Its runs between spaces and line ends; one of no characters where two of these follow each other."""
    return text.replace("\n", " ").split(" ")


def _parts(edge: str) -> bool:
    """Whether words on both sides of it are apart; nothing is the end of a text."""
    return not edge or (edge.isspace() and not _ODD.match(edge))


def _ids(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return found
