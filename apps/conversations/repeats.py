"""Small models fall into saying the same thing over and over; nobody has to read that, or wait for its end."""

from __future__ import annotations

import re
from collections import Counter

from apps.lib.words import words

_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’»)\]*_`]*(?:\s+|$)|[。！？]|\n+|$)", re.DOTALL)
_LEAST_WORDS = 4  # shorter pieces (a brace, a heading, "Yes.") may well come again
_IN_A_ROW = 3  # the same piece so often, one after the other, is a loop
_IN_ALL = 3  # ... or so often in one answer, whatever stands between


class Repeats:
    """Remembers the pieces of one answer."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._last: tuple[str, ...] = ()
        self._row = 0

    def until(self, piece: str) -> str:
        """The piece as far as the answer does not go round in circles: several sentences come at once where the model
        is faster than the gate."""
        for sentence in _SENTENCE.finditer(piece):
            if self.loops(sentence.group()):
                return piece[: sentence.start()]
        return piece

    def loops(self, piece: str) -> bool:
        """Whether the answer has begun to go round in circles with this piece, which then is not to be shown."""
        said = tuple(words(piece))
        if len(said) < _LEAST_WORDS:
            return False
        self._row = self._row + 1 if said == self._last else 1
        self._last = said
        self._seen[said] += 1
        return self._row >= _IN_A_ROW or self._seen[said] >= _IN_ALL
