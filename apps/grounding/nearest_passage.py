"""Find the passage that a reader compares with a sentence which is not verified. Entry point: `add_nearest`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from apps.grounding import support_limits as limits
from apps.grounding.citer import EvidenceWindow, SentenceCitation
from apps.grounding.claim_features import extract_features
from apps.grounding.model_citations import strip_model_citations
from apps.grounding.support_check import get_covered_share, weigh_words


def add_nearest(
    citations: list[SentenceCitation], text: str, windows: Sequence[EvidenceWindow], numbers: Collection[int]
) -> list[SentenceCitation]:
    """Return the citations of a sentence; one that is not verified with the nearest place of the sources `numbers`, by
    words. Unchanged if none of them holds enough of its words."""
    if len(citations) != 1 or citations[0].is_verified or citations[0].contradicted:
        return citations
    found = find_nearest(text, [window for window in windows if window.source in numbers])
    if found is None:
        return citations
    return [replace(citations[0], compared=found.source, source_start=found.start, source_end=found.end)]


def find_nearest(text: str, windows: Sequence[EvidenceWindow]) -> EvidenceWindow | None:
    """Return the shortest window with most of a sentence's weighted content words; None without a meaningful one."""
    claim = extract_features(strip_model_citations(text))
    weight = weigh_words(claim, [window.facts for window in windows])
    shares = [
        (get_covered_share(claim, window.own_facts, weight), -len(window.premise.text), at)
        for at, window in enumerate(windows)
    ]
    if not shares:
        return None
    share, _, at = max(shares)
    shared = claim.terms & windows[at].own_facts.terms
    is_near = share >= limits.MIN_NEAR_SHARE and len(shared) >= limits.MIN_NEAR_WORDS
    return windows[at] if is_near else None
