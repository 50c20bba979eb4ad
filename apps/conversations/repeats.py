"""Small models fall into saying the same thing over and over; nobody has to read that, or wait for its end."""

from __future__ import annotations

import re

from apps.lib.words import words

# Of a sentence; begun with all characters that may, which is looked for much faster than one pattern after another.
_END = re.compile(r"[.!?…。！？\n](?:(?<=[.!?…])[.!?…]*[\"'”’»)\]*_`]*(?:\s+|$)|(?<=[。！？])|(?<=\n)\n*)")
_LEAST_WORDS = 4  # shorter pieces (a brace, a heading, "Yes.") may well come again
_LOOP = 3  # the same piece so often in one answer, whatever stands between, is a loop


class Repeats:
    """Remembers the pieces of one answer."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], int] = {}

    def until(self, piece: str) -> str:
        """The piece as far as the answer does not go round in circles: several sentences come at once where the model
        is faster than the gate."""
        start = 0
        while start < len(piece):
            found = _END.search(piece, start + 1)
            end = found.end() if found else len(piece)
            if self.loops(piece[start:end]):
                return piece[:start]
            start = end
        return piece

    def loops(self, piece: str) -> bool:
        """Whether the answer has begun to go round in circles with this piece, which then is not to be shown."""
        said = tuple(words(piece))
        if len(said) < _LEAST_WORDS:
            return False
        times = self._seen[said] = self._seen.get(said, 0) + 1
        return times >= _LOOP
