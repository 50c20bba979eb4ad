"""Small models fall into saying the same thing over and over; nobody has to read that, or wait for its end."""

from __future__ import annotations

import re
import string

from apps.lib.words import words

# Of a sentence; begun with all characters that may, which is looked for much faster than one pattern after another.
_END = re.compile(r"[.!?…。！？\n](?:(?<=[.!?…])[.!?…]*[\"'”’»)\]*_`]*(?:\s+|$)|(?<=[。！？])|(?<=\n)\n*)")
_LEAST_WORDS = 4  # shorter pieces (a brace, a heading, "Yes.") may well come again
_CIRCLE_WORDS = 24  # of the longest turn of phrase that is looked for within one sentence; a shorter one fills as many
_IN_WORDS = (string.ascii_letters + string.digits + "_").encode()
# Fewer signs than so many, spaces among them, part fewer words, although two that make a code count as a third one.
_APART = _CIRCLE_WORDS * 2 // 3
_LATELY = 1000  # characters of an unfinished sentence in which it is
_LOOP = 3  # the same piece so often in one answer, whatever stands between, is a loop


class Repeats:
    """Remembers the sentences of one answer, which comes in pieces that end anywhere."""

    def __init__(self) -> None:
        self.over = False  # it goes round in circles
        self._seen: dict[tuple[str, ...], int] = {}
        self._often: set[tuple[str, ...]] = set()  # said as often as they may be
        self._longest = 0  # characters of one of those
        self._begun = ""  # of the unfinished sentence what is shown ...
        self._held = ""  # ... and what is not, because it may become one of those

    def until(self, piece: str) -> str:
        """What may be shown once this piece has come, as far as the answer does not go round in circles: several
        sentences come at once where the model is faster than the gate."""
        text, start, known = self._begun + self._held + piece, 0, len(self._begun)
        while (found := _END.search(text, start + 1)) is not None:
            if self.loops(text[start : found.end()]):
                self.over = True
                return text[known:start]
            start = found.end()
        rest, known_of_it = text[start:], max(0, known - start)
        if self._circles(rest):
            self.over = True
            return text[known:start]
        self._begun, self._held = (rest[:known_of_it], rest[known_of_it:]) if self._may_loop(rest) else (rest, "")
        return text[known : len(text) - len(self._held)]

    def rest(self) -> str:
        """What was held back, now that nothing follows it."""
        held, self._begun, self._held = self._held, "", ""
        return "" if self.over else held

    def loops(self, sentence: str) -> bool:
        """Whether the answer has begun to go round in circles with this one, which then is not to be shown."""
        said = tuple(words(sentence))
        if len(said) < _LEAST_WORDS:
            return False
        times = self._seen[said] = self._seen.get(said, 0) + 1
        if times == _LOOP - 1:
            self._often.add(said)
            self._longest = max(self._longest, len(sentence))
        return times >= _LOOP

    def _may_loop(self, rest: str) -> bool:
        said = tuple(words(rest)) if len(rest) <= 2 * self._longest else ()
        last = len(said) - 1  # a word that may go on
        same = (one for one in self._often if last >= 0 and one[:last] == said[:last])
        return any(one[last].startswith(said[last]) for one in same if len(one) > last)

    @staticmethod
    def _circles(rest: str) -> bool:
        """Whether a sentence that does not end says the same turn of phrase over and over."""
        if rest.isascii() and len(rest.encode().translate(None, _IN_WORDS)) < _APART:
            return False
        said = words(rest[-_LATELY:])[:-1]  # the last may go on
        if len(said) < _CIRCLE_WORDS:  # which any turn of phrase has to fill
            return False
        for size in range(1, min(_CIRCLE_WORDS, len(said) // _LOOP) + 1):
            if said[-1 - size] != said[-1]:
                continue
            times = max(_LOOP, -(-_CIRCLE_WORDS // size))
            turn = said[-size:]
            if said[-times * size :] == turn * times and any(len(word) > 1 and word.isalpha() for word in turn):
                return True
        return False
