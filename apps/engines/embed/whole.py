"""The tokens of a long text, of which parts are cut instead of being tokenised again.

A BERT tokenizer reads each run of characters between two spaces by itself: its tokens are the same whatever stands
around it, and however wide the spaces are.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.engines.embed.base import Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PARTS = ("BertNormalizer", "BertPreTokenizer", "WordPiece")
_Run = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # ids, and where each starts and ends in the run

_REMEMBERED = 30_000  # runs between spaces whose tokens are kept; 12 MB
_LONGEST = 40  # characters of such a run
_ODD = re.compile("[\x0b\x0c\x1c-\x1f\x85]")  # white space to Python, dropped by the tokenizer: it joins two words


def by_words(tokenizer: Any) -> bool:
    """Whether it reads each run between spaces by itself, and adds one token before a text and one after it."""
    parts = tuple(type(part).__name__ for part in (tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.model))
    added = tokenizer.get_added_tokens_decoder().values()
    plain = not any(token.lstrip or token.rstrip or token.content.split() != [token.content] for token in added)
    return parts == _PARTS and plain and tokenizer.encode("a").ids[1:-1] == _ids(tokenizer, "a")


class Runs:
    """The tokens of texts, put together from those of their runs between spaces: of these few are new."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, _Run] = {}
        ids = tokenizer.encode("a").ids
        self._before, self._after = ids[:1], ids[-1:]

    def ids(self, text: str) -> NDArray[np.int32]:
        """Those of the text alone, without what the model adds."""
        return _joined([ids for ids, _, _ in self._of(_cut(text))], np.int32)

    def with_spans(self, text: str) -> tuple[NDArray[np.int32], list[tuple[int, int]]]:
        words = _cut(text)
        runs = self._of(words)
        ids = [run[0] for run in runs]
        lengths = np.fromiter(map(len, words), np.int64) + 1
        at = np.repeat(np.cumsum(lengths) - lengths, [len(each) for each in ids])
        starts, ends = (at + _joined([run[part] for run in runs], np.int64) for part in (1, 2))
        return _joined(ids, np.int32), list(zip(starts.tolist(), ends.tolist(), strict=True))

    def around(self, lead: NDArray[np.int32], rest: NDArray[np.int32]) -> NDArray[np.int32]:
        """Both in turn, between what the model adds."""
        return np.concatenate([np.asarray(self._before, np.int32), lead, rest, np.asarray(self._after, np.int32)])

    def _of(self, words: Sequence[str]) -> list[_Run]:
        known = self._known
        found = list(map(known.get, words))
        new = self._read(list({word: None for word, run in zip(words, found, strict=True) if run is None}))
        if len(known) + len(new) > _REMEMBERED:
            known = self._known = {}
        known.update([item for item in new.items() if len(item[0]) <= _LONGEST][:_REMEMBERED])
        return [new[word] if run is None else run for word, run in zip(words, found, strict=True)]

    def _read(self, words: Sequence[str]) -> dict[str, _Run]:
        if not words:
            return {}
        encoding = self._tokenizer.encode(" ".join(words), add_special_tokens=False)
        ids, spans, found, at = encoding.ids, encoding.offsets, dict[str, _Run](), 0
        for word in words:
            first, last = (bisect_left(spans, (place, 0)) for place in (at, at + len(word) + 1))
            own = spans[first:last]
            found[word] = tuple(ids[first:last]), tuple(s - at for s, _ in own), tuple(e - at for _, e in own)
            at += len(word) + 1
        return found


class TokenisedWhole:
    """`made` takes the ids of a passage with all that the model adds to it; `prompt` stands before every passage."""

    def __init__(self, text: str, runs: Runs, prompt: str, made: Callable[[NDArray[np.int32]], Tokenised]) -> None:
        self.spans: Sequence[tuple[int, int]]
        self._ids, self.spans = runs.with_spans(text)
        self._text, self._runs, self._prompt, self._made = text, runs, prompt, made

    def part(self, lead: str, start: int, end: int) -> Tokenised | None:
        before = self._prompt + lead
        edges = before[-1:], self._text[start - 1 : start] if start else "", self._text[end : end + 1]
        if not all(map(_parts, edges)) or _ODD.search(self._text, start, end):
            return None
        first, last = (bisect_left(self.spans, (at, 0)) for at in (start, end))
        return self._made(self._runs.around(self._runs.ids(before), self._ids[first:last]))


class Undivided:
    """Of a tokenizer for which that does not hold: every part has to be tokenised by itself."""

    def __init__(self, text: str, tokenizer: Any) -> None:
        self.spans: Sequence[tuple[int, int]] = tokenizer.encode(text, add_special_tokens=False).offsets

    def part(self, lead: str, start: int, end: int) -> Tokenised | None:
        return None


def _cut(text: str) -> list[str]:
    """Its runs between spaces and line ends; one of no characters where two of these follow each other."""
    return text.replace("\n", " ").split(" ")


def _joined(parts: Iterable[Sequence[int]], kind: Any) -> NDArray[Any]:
    return np.fromiter(chain.from_iterable(parts), kind)


def _parts(edge: str) -> bool:
    """Whether words on both sides of it are apart; nothing is the end of a text."""
    return not edge or (edge.isspace() and not _ODD.match(edge))


def _ids(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return found
