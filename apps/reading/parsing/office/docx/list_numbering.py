"""Compute the numbers that Word puts before headings and list items: they are in no text and counted at display.

A paragraph or its style names a list and a level. The list defines how each level is written ("%1.%2") and where it
starts. A level restarts after an item of a higher level.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.reading.parsing.office.docx.hidden_text import W, read_child_value

LEVELS = 9  # of a list in Word
MOST = 100_000  # numbers from here on are written in digits in any form
LONGEST = 40  # characters of a label; longer ones are dropped
_PLACE = re.compile(r"%([1-9])")
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_MOST_BASED = 20  # levels of inheritance between styles
_NOT_BEGUN = -1  # not 0, with which a list may begin


@dataclass(frozen=True, slots=True)
class _Level:
    """Level of a list."""

    text: str  # with placeholders %1, %2, ... for the numbers of the levels
    form: str  # format of the number, such as "lowerRoman"
    start: int
    after: int  # level, from 1, after whose items it restarts; 0: never
    legal: bool  # True if all numbers are written in digits


class ListNumbering:
    """Lists of one document with their current numbers. Call `label` once for each paragraph, in document order."""

    def __init__(self, numbering: Any, styles: Any) -> None:
        self._lists: dict[str, str] = {}  # list -> its abstract list
        self._levels: dict[tuple[str, int], _Level] = {}  # by (abstract list, level)
        self._starts: dict[tuple[str, int], int] = {}  # by (list, level): overridden start
        self._linked: dict[tuple[str, str], int] = {}  # (abstract list, style) -> level
        self._counts: dict[str, list[int]] = defaultdict(lambda: [_NOT_BEGUN] * LEVELS)  # by abstract list
        self._started_lists: set[str] = set()  # lists that have occurred
        self._styled = {
            style.get(W + "styleId") or "": (style.find(f"{W}pPr/{W}numPr"), read_child_value(style, "basedOn") or "")
            for style in styles.iter(W + "style")
        }
        if numbering is not None:
            self._learn(numbering)

    def _learn(self, numbering: Any) -> None:
        for abstract in numbering.iter(W + "abstractNum"):
            name = abstract.get(W + "abstractNumId") or ""
            for level in abstract.iter(W + "lvl"):
                at = _to_int(level.get(W + "ilvl"))
                self._levels[name, at] = _level(level)
                if (style := read_child_value(level, "pStyle")) is not None:
                    self._linked[name, style] = at
        for row in numbering.iter(W + "num"):
            key = row.get(W + "numId") or ""
            self._lists[key] = read_child_value(row, "abstractNumId") or ""
            for override in row.iter(W + "lvlOverride"):
                start = read_child_value(override, "startOverride")
                if start is not None:
                    self._starts[key, _to_int(override.get(W + "ilvl"))] = _to_int(start)

    def label(self, paragraph: Any) -> str:
        """Return the label that Word writes before the paragraph, "2.1" or "a)"; "" for none, and for bullets."""
        key, at = self._find_level(paragraph)
        name = self._lists.get(key)
        level = self._levels.get((name, at)) if name is not None else None
        if name is None or level is None:
            return ""
        counts = self._counts[name]
        if key not in self._started_lists:
            self._started_lists.add(key)
            for below in range(LEVELS):
                if (key, below) in self._starts:
                    counts[below] = _NOT_BEGUN
        counts[at] = self._first(key, name, at) if counts[at] == _NOT_BEGUN else counts[at] + 1
        for below in range(at + 1, LEVELS):
            after = self._levels[name, below].after if (name, below) in self._levels else below
            if after > at:
                counts[below] = _NOT_BEGUN
        return self._written(key, name, level, counts)

    def _first(self, key: str, name: str, at: int) -> int:
        level = self._levels.get((name, at))
        return self._starts.get((key, at), level.start if level else 1)

    def _written(self, key: str, name: str, level: _Level, counts: list[int]) -> str:
        if level.form in {"bullet", "none"} or "%" not in level.text:
            return ""

        def number(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            other = self._levels.get((name, at))
            form = "decimal" if level.legal or other is None else other.form
            return format_number(self._first(key, name, at) if counts[at] == _NOT_BEGUN else counts[at], form)

        label = " ".join(_PLACE.sub(number, level.text).split())
        return label if len(label) <= LONGEST else ""

    def _find_level(self, paragraph: Any) -> tuple[str, int]:
        """Return list and level of the paragraph; list "" for none."""
        properties = paragraph.find(W + "pPr")
        if properties is None:
            return "", 0
        key, level, style = "", None, read_child_value(properties, "pStyle") or ""
        for number_properties in (properties.find(W + "numPr"), *self._by_style(style)):
            if number_properties is not None:
                level = level if level is not None else read_child_value(number_properties, "ilvl")
                key = key or read_child_value(number_properties, "numId") or ""
        at = self._linked.get((self._lists.get(key, ""), style), 0) if level is None else _to_int(level)
        return (key, at) if key != "0" and 0 <= at < LEVELS else ("", 0)

    def _by_style(self, name: str) -> Iterator[Any]:
        for _ in range(_MOST_BASED):
            if name not in self._styled:
                return
            said, name = self._styled[name]
            yield said


def format_number(number: int, form: str) -> str:
    """Return the number in that format of Word; in digits for unknown formats."""
    if not 0 < number < MOST:
        return str(number)
    match form:
        case "lowerLetter" | "upperLetter":
            letters = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
            return letters[:LONGEST] if form == "lowerLetter" else letters[:LONGEST].upper()
        case "lowerRoman" | "upperRoman" if number < 4000:
            return _roman(number) if form == "lowerRoman" else _roman(number).upper()
        case "decimalZero":
            return f"{number:02}"
    return str(number)


def _roman(number: int) -> str:
    numeral = ""
    for size, letters in _ROMAN:
        numeral += letters * (number // size)
        number %= size
    return numeral


def _level(level: Any) -> _Level:
    at = _to_int(level.get(W + "ilvl"))
    legal = level.find(W + "isLgl")
    return _Level(
        text=(read_child_value(level, "lvlText") or "")[:200],
        form=read_child_value(level, "numFmt") or "decimal",
        start=_to_int(read_child_value(level, "start") or "0"),
        after=_to_int(read_child_value(level, "lvlRestart") or str(at)),
        legal=legal is not None and legal.get(W + "val") not in {"0", "false"},
    )


def _to_int(value: str | None) -> int:
    return int(value) if value and value.isascii() and value.isdecimal() and len(value) < 9 else 0
