"""Classifier of requests that concern a whole document: a summary, an outline, a list of all of something, a
comparison.

Built like the classifier of small talk, with weights of its own. Trained by `./run train whole_document_requests`.
"""

from __future__ import annotations

from apps.engines.classify.linear_classifier import FOLDER
from apps.engines.classify.small_talk import SmallTalkClassifier

# SHA-256 of the committed weights; other files are not loaded. `./run train whole_document_requests` prints it.
SHA256 = "3831d3084efc96ffa8d9a981c3160422027464a694a3aae21da9254744d605b0"


class WholeDocumentRequestClassifier(SmallTalkClassifier):
    """Classifier of the kinds "summary", "outline", "list" and "compare"; `classify` returns the kind and the
    probability that the message is such a request."""

    packaged = FOLDER, SHA256
    name = "whole_document_requests"
    description = "the classifier of requests"

    def kind_words(self, kind: str) -> frozenset[str]:
        """Return the words, as `normalise_message` leaves them, in which requests of that kind are phrased, without
        names and subjects. Empty for an unknown kind."""
        return self._load().kind_words.get(kind, frozenset())

    def comparison_words(self) -> tuple[str, ...]:
        """Return the words between the two sides of a comparison, joined by spaces, the commonest first."""
        return self._load().comparison_words

    def lead_words(self) -> frozenset[str]:
        """Return the words right before the first side of a comparison, as `normalise_message` leaves them."""
        return self._load().lead_words
