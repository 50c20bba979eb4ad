"""Spans of a text that are taken out: a marked gap of the same length stands in their place, so that whatever points
into the text still points to the same words, and each span can be put back by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from apps.safety.check import Verdict
from apps.safety.folding import SECRETS
from apps.safety.personal import find
from apps.safety.policy import Action
from apps.safety.secrets import is_person, is_secret

GAP = "█"
LEAST, MOST = 3, 50  # characters of a span that a person names, and how many of them at once

Span = tuple[int, int]
Gaps = list[tuple[int, str]]  # where, and what stood there


def found(text: str, code: str = "") -> list[Span]:
    """Secrets, and unless `code` names them alone personal data that has a form of its own."""
    wanted = [one for one in find(text) if is_secret(one, text) or (code != SECRETS and is_person(one))]
    return [(one.start, one.end) for one in wanted]


def places(text: str, wanted: Iterable[str]) -> list[Span]:
    """Wherever one of the strings stands, in order; what overlaps is one span."""
    spans: list[Span] = []
    for words in wanted:
        at = text.find(words)
        while at >= 0:
            spans.append((at, at + len(words)))
            at = text.find(words, at + len(words))
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def spelling(wanted: Iterable[str]) -> re.Pattern[str]:
    """Any of the strings in either case, with any space between its words: lines break elsewhere in a document."""
    return re.compile("|".join(r"\s+".join(map(re.escape, words.split())) for words in wanted), re.IGNORECASE)


def gapped(text: str, spans: Sequence[Span]) -> str:
    """Of the same length; line breaks stay."""
    chars = list(text)
    for start, end in spans:
        chars[start:end] = [char if char == "\n" else GAP for char in chars[start:end]]
    return "".join(chars)


def cut(text: str, spans: Sequence[Span]) -> tuple[str, Gaps]:
    """The text with gaps, and what `filled` needs to put it back."""
    return gapped(text, spans), [(start, text[start:end]) for start, end in spans]


def filled(text: str, gaps: Iterable[tuple[int, str]]) -> str:
    """What stood in the gaps is there again; a gap that another decision made too stays its own."""
    chars = list(text)
    for start, said in gaps:
        for at, char in enumerate(said, start):
            if at < len(chars) and chars[at] == GAP:
                chars[at] = char
    return "".join(chars)


def takes_out(verdict: Verdict) -> bool:
    return verdict.judged is not None and verdict.judged.outcome.action is Action.REDACT


def shown(text: str, since: int, verdict: Verdict) -> str:
    """`text[since:]` as it may be shown under that verdict; found in the whole, for a number may begin before it."""
    if verdict.judged is None or not takes_out(verdict):
        return text[since:]
    return gapped(text, found(text, verdict.judged.outcome.code))[since:]
