"""Highlight the parts of a frozen text that its signals point at, for reviewers.

If no signal names a span, the whole text is highlighted.
"""

from __future__ import annotations

from apps.safety.models import Case
from apps.safety.moderation import masking
from apps.safety.policy.evaluation import Signal
from apps.safety.policy.schema import Policy

Span = tuple[int, int]


def split_highlights(case: Case, held: Policy) -> list[tuple[str, bool]]:
    """Return the text in order, secrets masked, as pieces with whether each is highlighted.

    `held` is the policy that judged the text.
    """
    text = case.snapshot.text
    found = merge_spans(find_signal_spans(case, held))
    return masking.split_masked(text, found or [(0, len(text))])


def find_signal_spans(case: Case, held: Policy) -> list[Span]:
    """Return the spans (start, end) of the signals that concern the clause of the case, unsorted."""
    found: list[Span] = []
    for signal in map(Signal.from_json, case.snapshot.signals):
        own = held.blocklists.get(signal.rule)
        if case.clause in (signal.rule, own.code if own else "") or case.clause in signal.scores:
            found += [(max(0, start), min(end, len(case.snapshot.text))) for start, end in signal.spans]
    return [(start, end) for start, end in found if end > start]


def merge_spans(found: list[Span]) -> list[Span]:
    """Return the spans in order; spans that touch or overlap are merged."""
    kept: list[Span] = []
    for start, end in sorted(found):
        if kept and start <= kept[-1][1]:
            kept[-1] = kept[-1][0], max(end, kept[-1][1])
        else:
            kept.append((start, end))
    return kept
