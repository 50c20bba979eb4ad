"""Judge whether a sentence speaks to the question that was asked, and not to another one.

A sentence is measured against the sentences of the passages: the one nearest to the question sets the mark. Calibrated
on COVID-QA: with a margin of .2 eight of ten true answers are accepted, and one of nine answers to other questions
about the same article.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from apps.engines import registry
from apps.engines.embed.calibration import find_unread_languages
from apps.grounding import support_limits as limits
from apps.grounding.answer_type import detect_answer_type
from apps.grounding.claim_features import extract_features
from apps.grounding.lexicons import detect_language
from apps.grounding.sentence_embeddings import embed_sentences
from apps.grounding.support_check import get_covered_share, weigh_words

_OPEN = re.compile(
    r"^\W*(?:how (?!many|much|few|often|long|far|tall|high|old|large|big|deep|fast|wide|heavy)|why|explain|describe|"
    r"tell|summari|outline|list|compare|give|show|wie (?!viele?|lange|hoch|oft|weit|gro(?:ß|ss)|alt|teuer)|warum|"
    r"weshalb|wieso|erklär|beschreib|nenne|fasse|vergleich|cómo|por qué|explica|describe|resume|enumera|compara)",
    re.IGNORECASE,
)
_BETWEEN_PARTS = re.compile(  # of one question: "How long is it, and what does it cost?"
    r"\?\s+(?=\S)|[,;]?\s+(?:and|or|und|oder|y|o)\s+(?=(?:what|how|when|where|who|whom|whose|why|which|was|wie|wann|wo|"
    r"wer|warum|welche[rsnm]?|qué|cómo|cuándo|cuánt[oa]s?|dónde|quién|por qué|cuál(?:es)?)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CreditedSentence:
    """Sentence of a source, or of an answer and credited to one; `context` holds the source's title and heading."""

    source: int
    text: str
    context: str


class AnswerCheck:
    """Compare sentences of one answer with its question, or with each part of it. Sync; embeds a few sentences on
    first use.

    A sentence is accepted that is about as near to the question as the nearest sentence of the passages. After it,
    what the same source says is accepted too, since answers go on; so is all of the nearest source where the question
    takes several sentences ("how", "why", "describe").
    """

    def __init__(self, question: str, sentences: Sequence[CreditedSentence]) -> None:
        """Prepare for the sentences of the passages."""
        self._question = question
        self._asked = extract_features(question)
        self._sentences = sentences
        self._sources = set[int]()  # that have answered
        self.takes_sentences = bool(_OPEN.match(question)) and not detect_answer_type(question)
        parts = [part for part in _BETWEEN_PARTS.split(question) if extract_features(part).terms]
        self._parts = [AnswerCheck(part, sentences) for part in parts] if len(parts) > 1 else []

    def accepts(self, claim: CreditedSentence) -> bool:
        """Return whether a claim, with the number and titles of its source, speaks to the question or a part of it.
        True for a question without content words."""
        return self._accepts_whole(claim) or any(part.accepts(claim) for part in self._parts)

    def accepts_alone(self, claim: CreditedSentence) -> bool:
        """Return whether a claim speaks to the question or a part of it by itself, whatever was said before it."""
        if not self._asked.terms or not self._sentences:
            return True
        alone = self._measure_nearness([claim])[0] >= self._find_nearest[0] - self._margin
        return alone or any(part.accepts_alone(claim) for part in self._parts)

    def _accepts_whole(self, claim: CreditedSentence) -> bool:
        """Return whether a claim speaks to the whole question, or follows one from the same source that did: sources
        of accepted claims are remembered, so claims are passed in their order."""
        if not self._asked.terms or not self._sentences:
            return True
        best, source = self._find_nearest
        if self.takes_sentences:
            self._sources.add(source)
        if claim.source not in self._sources and self._measure_nearness([claim])[0] < best - self._margin:
            return False
        self._sources.add(claim.source)
        return True

    @cached_property
    def _margin(self) -> float:
        language = detect_language(self._question)
        return (
            limits.UNREAD_NEARNESS_MARGIN
            if language in find_unread_languages(registry.get_embedder())
            else limits.NEARNESS_MARGIN
        )

    @cached_property
    def _find_nearest(self) -> tuple[float, int]:
        """Return nearness and source of the sentence that is nearest to the question."""
        ranked = sorted(self._sentences, key=lambda one: -self._measure_shared_weight(one))[
            : limits.MAX_COMPARED_SENTENCES
        ]
        return max(zip(self._measure_nearness(ranked), (one.source for one in ranked), strict=True))

    @cached_property
    def _term_weights(self) -> dict[str, float]:
        return weigh_words(self._asked, [extract_features(one.text) for one in self._sentences])

    def _measure_shared_weight(self, one: CreditedSentence) -> float:
        return get_covered_share(self._asked, extract_features(f"{one.context} {one.text}"), self._term_weights)

    def _measure_nearness(self, sentences: Sequence[CreditedSentence]) -> list[float]:
        asked, *rows = embed_sentences([self._question, *(one.text for one in sentences)])
        return [
            float(asked @ row) + limits.QUESTION_WORDS_WEIGHT * self._measure_shared_weight(one)
            for row, one in zip(rows, sentences, strict=True)
        ]
