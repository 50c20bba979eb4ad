"""Redact spans of a text, and restore them.

Marks of the same length replace a span, so that offsets into the text stay valid and each span can be restored alone.
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

MIN_TERM_CHARACTERS, MAX_TERMS = 3, 50  # terms that a reviewer names

Redactions = list[tuple[int, str]]  # start of each span and its original text


def find_sensitive_spans(text: str, code: str = "") -> list[Span]:
    """Return the spans of secrets and of personal data with a fixed format; with `code` SECRETS only secrets."""
    matches = [
        match for match in find_pii(text) if is_secret(match, text) or (code != SECRETS and is_personal_data(match))
    ]
    return [(match.start, match.end) for match in matches]


def find_terms(text: str, terms: Iterable[str]) -> list[Span]:
    """Return the spans of all occurrences of the terms in order; overlapping spans are merged."""
    spans: list[Span] = []
    for term in terms:
        at = text.find(term)
        while at >= 0:
            spans.append((at, at + len(term)))
            at = text.find(term, at + len(term))
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def compile_terms(terms: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for any of the terms, ignoring case, with any space between their words.

    Line breaks differ between a document and its text.
    """
    return re.compile("|".join(r"\s+".join(map(re.escape, term.split())) for term in terms), re.IGNORECASE)


def cut_spans(text: str, spans: Sequence[Span]) -> tuple[str, Redactions]:
    """Return the redacted text, and what `restore_spans` needs."""
    return redact_spans(text, spans), [(start, text[start:end]) for start, end in spans]


def restore_spans(text: str, redactions: Iterable[tuple[int, str]]) -> str:
    """Return the text with the spans restored. Characters that no longer are redaction marks stay."""
    chars = list(text)
    for start, original in redactions:
        for at, char in enumerate(original, start):
            if at < len(chars) and chars[at] == REDACTION_CHARACTER:
                chars[at] = char
    return "".join(chars)


def is_redaction(verdict: Verdict) -> bool:
    """Return whether the verdict requires redaction."""
    return verdict.evaluation is not None and verdict.evaluation.result.action is Action.REDACT


def redact_answer(text: str, since: int, verdict: Verdict) -> str:
    """Return `text[since:]` as it may be shown under the verdict.

    Spans are searched in the whole text, as a number may begin before `since`.
    """
    if verdict.evaluation is None or not is_redaction(verdict):
        return text[since:]
    return redact_spans(text, find_sensitive_spans(text, verdict.evaluation.result.code))[since:]
