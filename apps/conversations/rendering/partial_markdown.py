"""Close or hold back unfinished markup at the end of a text that is still streamed.

Used only for intermediate rendering; finished text is rendered as written. Entry point: `close_open_markup`.
"""

from __future__ import annotations

import re

_HINT = re.compile(r"[ \t]?(?:\[\d[\d ,;–-]{0,20}|【\d[^】\n]{0,20}|[\[【])$")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\([^()\s]{0,2000}$")
_TICKS = re.compile(r"(?<!\\)`+")
_DOLLARS = re.compile(r"(?<!\\)\${1,2}(?=\S)[^$\n]{0,400}$|\\[\[(][^\n]{0,400}$")
_FORMULA = re.compile(r"[\\^_{}=]")
_OPENERS = re.compile(r"(?<![\w\\*~])(\*{1,3}|~~)(?=[^\s*~])|(?<=[^\s*~\\])(\*{1,3}|~~)(?![\w*~])")
_DANGLING = re.compile(r"(?:^|(?<=\s))(?:\*{1,3}|~{1,2}|_{1,2}|#{1,6}|[-+])$")
_LONGEST_END = 40  # characters; more than _HINT and _DANGLING match, with what precedes them
_LAST_PARAGRAPH = 4_000  # last characters that are examined


def close_open_markup(text: str) -> str:
    """Return the text with its unfinished end closed or held back; fenced code is left as it is."""
    last = text.rfind("\n\n") + 2 if "\n\n" in text else 0
    last = max(last, len(text) - _LAST_PARAGRAPH)
    head, tail = text[:last], text[last:]
    if _fenced(text):
        return text
    ticks = _TICKS.findall(tail) if "`" in tail else []
    if len(ticks) % 2 and len(ticks[-1]) < 3:
        return head + (tail + ticks[-1] if not tail.endswith("`") else tail.rstrip("`"))
    tail = _drop_end(_HINT, tail)
    if "](" in tail:
        tail = _LINK.sub(lambda match: match[1], tail)
    formula = _DOLLARS.search(tail) if "$" in tail or "\\" in tail else None
    if formula and (formula[0][0] == "\\" or formula[0].startswith("$$") or _FORMULA.search(formula[0])):
        tail = tail[: formula.start()]
    tail = _drop_end(_DANGLING, tail)
    return head + tail.rstrip() + (_closers(tail) if "*" in tail or "~" in tail else "")


def _drop_end(pattern: re.Pattern[str], text: str) -> str:
    """Return the text without its match at the end, which is looked for there alone: most text has none."""
    return pattern.sub("", text) if pattern.search(text, max(0, len(text) - _LONGEST_END)) else text


def _fenced(text: str) -> bool:
    if "```" not in text and "~~~" not in text:
        return False
    marks = re.findall(r"^[ \t]*(`{3,}|~{3,})", text, re.MULTILINE)
    return bool(len(marks) % 2)


def _closers(tail: str) -> str:
    """Return the marks that close open emphasis, the innermost first."""
    open_marks: list[str] = []
    for found in _OPENERS.finditer(_without_code(tail)):
        opens, closes = found[1], found[2]
        if opens:
            open_marks.append(opens)
        elif open_marks and open_marks[-1] == closes:
            open_marks.pop()
    return "".join(reversed(open_marks[-6:]))


def _without_code(text: str) -> str:
    return re.sub(r"(`+)[^`]*\1", "", text)
