"""The tokens of a long text, of which parts are cut instead of being tokenised again.

A BERT tokenizer reads each run of characters between two spaces by itself: its tokens are the same whatever stands
around it, and however wide the spaces are.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.engines.embed.base import Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PARTS = ("BertNormalizer", "BertPreTokenizer", "WordPiece")
_ODD = re.compile("[\x0b\x0c\x1c-\x1f\x85]")  # white space to Python, dropped by the tokenizer: it joins two words


def by_words(tokenizer: Any) -> bool:
    """Whether it reads each run between spaces by itself, and adds one token before a text and one after it."""
    parts = tuple(type(part).__name__ for part in (tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.model))
    added = tokenizer.get_added_tokens_decoder().values()
    plain = not any(token.lstrip or token.rstrip or token.content.split() != [token.content] for token in added)
    return parts == _PARTS and plain and tokenizer.encode("a").ids[1:-1] == _ids(tokenizer, "a")


class TokenisedWhole:
    """`made` takes the ids of a passage with all that the model adds to it; `prompt` stands before every passage."""

    def __init__(
        self, text: str, tokenizer: Any, prompt: str, made: Callable[[NDArray[np.int32]], Tokenised] | None
    ) -> None:
        encoding = tokenizer.encode(text, add_special_tokens=False)
        self.spans: Sequence[tuple[int, int]] = encoding.offsets
        self._text, self._tokenizer, self._prompt, self._made = text, tokenizer, prompt, made
        self._ids = np.asarray(encoding.ids, np.int32) if made else np.zeros(0, np.int32)

    def part(self, lead: str, start: int, end: int) -> Tokenised | None:
        before = self._prompt + lead
        edges = before[-1:], self._text[start - 1 : start] if start else "", self._text[end : end + 1]
        if self._made is None or not all(map(_parts, edges)) or _ODD.search(self._text, start, end):
            return None
        first, last = (bisect_left(self.spans, (at, 0)) for at in (start, end))
        around = np.asarray(self._tokenizer.encode(before).ids, np.int32)
        return self._made(np.concatenate([around[:-1], self._ids[first:last], around[-1:]]))


def _parts(edge: str) -> bool:
    """Whether words on both sides of it are apart; nothing is the end of a text."""
    return not edge or (edge.isspace() and not _ODD.match(edge))


def _ids(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return found
