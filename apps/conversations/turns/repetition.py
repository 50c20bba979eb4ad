"""Detect loops in a streamed answer, as small models fall into. Entry points: `RepetitionDetector.feed`,
`drop_repetitions`.

Loops are: a sentence that comes a third time; a phrase repeated within an unfinished sentence; sentences that only
count ("The answer is 1. The answer is 2."); a short line again and again; strung letters or numbers ("E-M-O-M-N-S-…",
"1.1.1.1.…").

Tables, code and lists are no loops if their lines differ in more than a counter.
"""

from __future__ import annotations

import re
import string
from itertools import pairwise

from apps.lib.text.analyzer import split_words
from apps.lib.text.sentences import find_sentences

LOOP_FINISH = "loop"  # finish reason: the model repeated itself and was stopped

# End of a sentence. The first character class makes the search much faster than alternatives in a row.
_END = re.compile(r"[.!?…。！？\n](?:(?<=[.!?…])[.!?…]*[\"'”’»)\]*_`]*(?:\s+|$)|(?<=[。！？])|(?<=\n)\n*)")
_LEAST_WORDS = 4  # shorter pieces (a brace, a heading, "Yes.") may be repeated
_CIRCLE_WORDS = 24  # words of the longest repeated phrase within a sentence; shorter phrases must fill as many
_IN_WORDS = (string.ascii_letters + string.digits + "_").encode()
# With fewer separators than this, a text has fewer than _CIRCLE_WORDS words, even if codes count as extra words.
_APART = _CIRCLE_WORDS * 2 // 3
_LATELY = 1000  # last characters of an unfinished sentence that are examined
_LOOP = 3  # repetitions of a sentence with nothing new in between that are a loop ...
_REFRAIN = 6  # ... and whatever stands in between
_ROWS = 8  # repetitions of a line of code or of a table with nothing new in between
_COUNTED = 6  # sentences in a row that differ in a counter alone
_SHORT_LINES, _NUMBER_LINES = 20, 40  # repetitions in a row of a line of few words, or of numbers alone
_ONE_LETTER_WORDS = 32  # words that a phrase of single letters must fill: tables and drawings have rows of them
# Strings of single letters or numbers, longer than any that people write.
_STRUNG = re.compile(r"(?<![\w-])(?:[^\W\d_]-){28}|(?<![\d.])(?:(\d{1,3}\.)\1{11}|(?:\d{1,3}\.){24})")
_STRUNG_CHARACTERS = 160  # last characters of the answer that are searched for one
_LIST_MARK = re.compile(r"^\s*(?:[-*+]\s*)?\d{1,4}[.)]\s+")
_NUMBER = re.compile(r"\d+")
# Signs of code, tables and records, whose lines may be repeated and may count.
_NO_PROSE = re.compile(r'[{}\[\]|="<>;\t`]|:\s*$|^ {2}|\w\(')
_STOP = re.compile(r"[.!?…。！？][\"'”’»)\]*_`]*\s*$")


def drop_repetitions(text: str) -> str:
    """Return the text with each of its sentences once: a model that sees its own loop goes on with it."""
    return " ".join(dict.fromkeys(text[start:end] for start, end in find_sentences(text)))


class RepetitionDetector:
    """Loop detector of one answer, fed with pieces that may end anywhere."""

    def __init__(self) -> None:
        self.over = False  # the answer has become a loop
        self._seen: dict[tuple[str, ...], int] = {}
        self._round: dict[tuple[str, ...], int] = {}  # as `_seen`, since the last new sentence
        self._last: tuple[str, ...] = ()  # words of the last sentence ...
        self._row = 0  # ... and how often it came in a row
        self._form = ""  # last sentence with "#" for numbers
        self._numbers: list[int] = []  # numbers of that sentence
        self._end = ""  # end of the answer, for strings of letters
        self._counted = 0  # sentences in a row that only count
        self._often: set[tuple[str, ...]] = set()  # sentences whose next repetition is a loop
        self._longest = 0  # characters of the longest of those
        self._begun = ""  # shown part of the unfinished sentence ...
        self._held = ""  # ... and the part held back, which may become one of `_often`

    def feed(self, piece: str) -> str:
        """Return the text that may be shown after this piece, up to where a loop begins; then `over` is True.

        Several sentences may come at once, if the model is faster than the gate.
        """
        if (kept := self._find_strung_letters(piece)) is not None:
            self.over = True
            return (self._held + piece[:kept]) if kept else ""
        text, start, known = self._begun + self._held + piece, 0, len(self._begun)
        while (found := _END.search(text, start + 1)) is not None:
            if self.has_loop(text[start : found.end()]):
                self.over = True
                return text[known:start]
            start = found.end()
        rest, known_of_it = text[start:], max(0, known - start)
        if self._goes_in_circles(rest):
            self.over = True
            return text[known:start]
        self._begun, self._held = (rest[:known_of_it], rest[known_of_it:]) if self._may_loop(rest) else (rest, "")
        return text[known : len(text) - len(self._held)]

    def _find_strung_letters(self, piece: str) -> int | None:
        """Return how much of the piece stands before a string of letters or numbers; None if there is none."""
        self._end = self._end[-_STRUNG_CHARACTERS:] + piece
        found = _STRUNG.search(self._end)
        return None if found is None else max(0, found.start() - (len(self._end) - len(piece)))

    def flush(self) -> str:
        """Return the text that was held back. Call once, after the last piece."""
        held, self._begun, self._held = self._held, "", ""
        return "" if self.over else held

    def has_loop(self, sentence: str) -> bool:
        """Return whether this complete sentence makes the answer a loop; it must not be shown then."""
        words = tuple(split_words(_LIST_MARK.sub("", sentence)))
        if not words:  # a list number or a horizontal rule
            return False
        self._row = self._row + 1 if words == self._last else 1
        self._last = words
        letters = any(map(_has_letters, words))
        times = self._seen[words] = self._seen.get(words, 0) + 1
        if times == 1 and letters:
            self._round.clear()
        if self._row >= (_SHORT_LINES if letters else _NUMBER_LINES):
            return True
        if len(words) < _LEAST_WORDS or not any(len(word) > 1 and _has_letters(word) for word in words):
            return False
        counts = self._only_counts(sentence)
        return (times > 1 and self._is_repeated(words, sentence, times)) or counts

    def _is_repeated(self, words: tuple[str, ...], sentence: str, times: int) -> bool:
        """Return whether the sentence has come too often. Code and tables may repeat a line between others."""
        again = self._round[words] = self._round.get(words, 0) + 1
        if _NO_PROSE.search(sentence):
            return times >= _ROWS and again >= _ROWS - 1
        if times == _LOOP - 1:
            self._often.add(words)
            self._longest = max(self._longest, len(sentence))
        return (times >= _LOOP and again >= _LOOP - 1) or (times >= _REFRAIN and bool(_STOP.search(sentence)))

    def _only_counts(self, sentence: str) -> bool:
        """Return whether sentences in a row say the same but for a number that goes up by one."""
        form = _NUMBER.sub("#", " ".join(sentence.split()))
        numbers = [int(number) for number in _NUMBER.findall(sentence)]
        before, self._numbers = self._numbers, numbers
        same, self._form = form == self._form, form
        steps = {now - then for now, then in zip(numbers, before, strict=True)} if same else set()
        counts = steps in ({1}, {0, 1}) and not _NO_PROSE.search(sentence)
        self._counted = self._counted + 1 if counts else 1
        return self._counted >= _COUNTED and sum(map(_has_letters, split_words(sentence))) >= _LEAST_WORDS - 1

    def _may_loop(self, rest: str) -> bool:
        words = tuple(split_words(rest)) if len(rest) <= 2 * self._longest else ()
        last = len(words) - 1  # index of the last word, which may be incomplete
        same = (one for one in self._often if last >= 0 and one[:last] == words[:last])
        return any(one[last].startswith(words[last]) for one in same if len(one) > last)

    @staticmethod
    def _goes_in_circles(rest: str) -> bool:
        """Return whether an unfinished sentence repeats one phrase."""
        if rest.isascii() and len(rest.encode().translate(None, _IN_WORDS)) < _APART:
            return False
        words = split_words(rest[-_LATELY:])[:-1]  # the last word may be incomplete
        if len(words) < _CIRCLE_WORDS:  # a repeated phrase fills at least as many
            return False
        for size in range(1, min(_CIRCLE_WORDS, len(words) // _LOOP) + 1):
            if words[-1 - size] != words[-1]:
                continue
            times = max(_LOOP, -(-_CIRCLE_WORDS // size))
            turn = words[-size:]
            if words[-times * size :] == turn * times and any(len(word) > 1 and word.isalpha() for word in turn):
                return True
        return _strings_letters(words) or _counts_on(rest[-_LATELY:])


def _has_letters(word: str) -> bool:
    return any(sign.isalpha() for sign in word)


def _strings_letters(words: list[str]) -> bool:
    """Return whether the words end in a short turn of single letters over and over ("-n -n -n")."""
    last = words[-_ONE_LETTER_WORDS:]
    if len(last) < _ONE_LETTER_WORDS or not any(map(str.isalpha, last)):
        return False
    return any(last[size:] == last[:-size] for size in range(1, 5))


def _counts_on(rest: str) -> bool:
    """Return whether a sentence without an end only counts: "the answer is 1, the answer is 2, the answer is 3"."""
    if _NO_PROSE.search(rest) or sum(map(str.isdigit, rest)) < _COUNTED:
        return False
    parts = [" ".join(part.split()).casefold() for part in rest.split(",")[-_COUNTED - 1 : -1]]
    numbers = [_NUMBER.findall(part) for part in parts]
    if len(parts) < _COUNTED or len({_NUMBER.sub("#", part) for part in parts}) > 1 or len(numbers[0]) != 1:
        return False
    values = [int(number) for (number,) in numbers]
    letters = sum(map(_has_letters, split_words(parts[0])))
    return letters >= _LEAST_WORDS - 2 and all(now - then == 1 for then, now in pairwise(values))
