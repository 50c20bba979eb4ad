"""Fake NLI model for tests: a claim follows as far as its words occur in the source."""

from __future__ import annotations

from collections.abc import Sequence

from apps.lib.text.analyzer import extract_content_terms


class FakeNli:
    """NLI model without weights: the probability is the share of the claim's content words in the source, at most
    .95."""

    def warm(self) -> None:
        """Load nothing."""

    def entailment_scores(self, pairs: Sequence[tuple[str, str]], language: str = "en") -> list[float]:
        """Return for each (source, claim) the probability, 0 to 1, that the claim follows."""
        return [_compute_overlap(source, claim) for source, claim in pairs]


def _compute_overlap(source: str, claim: str) -> float:
    claim_terms, source_terms = set(extract_content_terms(claim)), set(extract_content_terms(source))
    return 0.95 * len(claim_terms & source_terms) / len(claim_terms) if claim_terms else 0.0
