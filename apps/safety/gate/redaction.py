"""Spans of a text that are taken out: a marked gap of the same length stands in their place, so that whatever points
into the text still points to the same words, and each span can be put back by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from apps.safety.detectors.pii import find_pii
from apps.safety.detectors.sensitive_data import is_personal_data, is_secret
from apps.safety.policy.evaluation import SECRETS
from apps.safety.policy.schema import Action
from apps.safety.policy.verdicts import Verdict
from apps.safety.text.redaction_marks import REDACTION_CHARACTER, Span, redact_spans

LEAST, MOST = 3, 50  # characters of a span that a person names, and how many of them at once

Redactions = list[tuple[int, str]]  # where, and what stood there


def find_sensitive_spans(text: str, code: str = "") -> list[Span]:
    """Secrets, and unless `code` names them alone personal data that has a form of its own."""
    wanted = [one for one in find_pii(text) if is_secret(one, text) or (code != SECRETS and is_personal_data(one))]
    return [(one.start, one.end) for one in wanted]


def find_terms(text: str, wanted: Iterable[str]) -> list[Span]:
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


def compile_terms(wanted: Iterable[str]) -> re.Pattern[str]:
    """Any of the strings in either case, with any space between its words: lines break elsewhere in a document."""
    return re.compile("|".join(r"\s+".join(map(re.escape, words.split())) for words in wanted), re.IGNORECASE)


def cut_spans(text: str, spans: Sequence[Span]) -> tuple[str, Redactions]:
    """The text with gaps, and what `filled` needs to put it back."""
    return redact_spans(text, spans), [(start, text[start:end]) for start, end in spans]


def restore_spans(text: str, gaps: Iterable[tuple[int, str]]) -> str:
    """What stood in the gaps is there again; a gap that another decision made too stays its own."""
    chars = list(text)
    for start, said in gaps:
        for at, char in enumerate(said, start):
            if at < len(chars) and chars[at] == REDACTION_CHARACTER:
                chars[at] = char
    return "".join(chars)


def is_redaction(verdict: Verdict) -> bool:
    return verdict.judged is not None and verdict.judged.outcome.action is Action.REDACT


def redact_answer(text: str, since: int, verdict: Verdict) -> str:
    """`text[since:]` as it may be shown under that verdict; found in the whole, for a number may begin before it."""
    if verdict.judged is None or not is_redaction(verdict):
        return text[since:]
    return redact_spans(text, find_sensitive_spans(text, verdict.judged.outcome.code))[since:]
