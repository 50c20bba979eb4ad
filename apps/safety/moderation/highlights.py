"""Highlight the parts of a frozen text that its signals point at, for reviewers.

If no signal names a span, the whole text is highlighted.
"""

from __future__ import annotations

from apps.safety.models import Case
from apps.safety.moderation import masking
from apps.safety.policy.evaluation import Signal
from apps.safety.policy.schema import Policy

Span = tuple[int, int]


def split_highlights(case: Case, policy: Policy) -> list[tuple[str, bool]]:
    """Return the text in order, secrets masked, as pieces with whether each is highlighted.

    `policy` is the policy that judged the text.
    """
    text = case.snapshot.text
    spans = merge_spans(find_signal_spans(case, policy))
    return masking.split_masked(text, spans or [(0, len(text))])


def find_signal_spans(case: Case, policy: Policy) -> list[Span]:
    """Return the spans (start, end) of the signals that concern the clause of the case, unsorted."""
    spans: list[Span] = []
    for signal in map(Signal.from_json, case.snapshot.signals):
        blocklist = policy.blocklists.get(signal.rule)
        if case.clause in (signal.rule, blocklist.code if blocklist else "") or case.clause in signal.scores:
            spans += [(max(0, start), min(end, len(case.snapshot.text))) for start, end in signal.spans]
    return [(start, end) for start, end in spans if end > start]


def merge_spans(spans: list[Span]) -> list[Span]:
    """Return the spans in order; spans that touch or overlap are merged."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
