"""Fake reader for tests: a sentence answers as far as it holds the content words of the question."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from apps.engines.reader.protocol import PassageReading
from apps.lib.text.analyzer import extract_content_terms

_MOST = 0.95  # highest probability
_SENTENCE = re.compile(r"[^.!?\n]+")


class FakeReader:
    """Reader without weights: the probability of a sentence is the share of the question's content words in it, at most
    .95, that of a passage is its best sentence's."""

    def warm(self) -> None:
        """Load nothing."""

    def read(self, question: str, texts: Sequence[str]) -> list[PassageReading]:
        """Return one reading for each text, with one token for each sentence."""
        return [_read(set(extract_content_terms(question)), text) for text in texts]


def _read(asked: set[str], text: str) -> PassageReading:
    found = list(_SENTENCE.finditer(text))
    shares = tuple(
        min(_MOST, len(asked & set(extract_content_terms(match.group()))) / max(1, len(asked))) for match in found
    )
    best = max(shares, default=0.0) or 1 - _MOST
    starts, ends = (
        (tuple(edges) for edges in zip(*(match.span() for match in found), strict=True)) if found else ((), ())
    )
    return PassageReading(math.log(best / (1 - best)), starts, ends, shares)
