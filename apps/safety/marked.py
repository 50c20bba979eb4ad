"""Marks in a frozen text, for reviewers: what the signals of its checks point at. Where no signal names a place, the
check judged the text whole, and all of it is marked."""

from __future__ import annotations

from apps.safety import masking
from apps.safety.folding import Signal
from apps.safety.models import Case
from apps.safety.policy import Policy

Span = tuple[int, int]


def pieces(case: Case, held: Policy) -> list[tuple[str, bool]]:
    """Return the text in order, its secrets masked, each piece with whether it is marked. `held` is the policy by which
    it was judged."""
    text = case.snapshot.text
    found = joined(said(case, held))
    return masking.place_pieces(text, found or [(0, len(text))])


def said(case: Case, held: Policy) -> list[Span]:
    """Return the spans that the signals of the case point at for its clause."""
    found: list[Span] = []
    for signal in map(Signal.of, case.snapshot.signals):
        own = held.lists.get(signal.rule)
        if case.area in (signal.rule, own.code if own else "") or case.area in signal.scores:
            found += [(max(0, start), min(end, len(case.snapshot.text))) for start, end in signal.spans]
    return [(start, end) for start, end in found if end > start]


def joined(found: list[Span]) -> list[Span]:
    """In order, those that touch or overlap made one."""
    kept: list[Span] = []
    for start, end in sorted(found):
        if kept and start <= kept[-1][1]:
            kept[-1] = kept[-1][0], max(end, kept[-1][1])
        else:
            kept.append((start, end))
    return kept
