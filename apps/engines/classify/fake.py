"""Fake classifiers without weights, for tests: a marker in the text decides the score."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from apps.engines.classify.protocol import TaggedSpan
from apps.engines.types import EngineRefused, LabelThresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apps.engines.types import Vectors

LABELS = (
    "hate", "harassment", "sexual", "child_exploitation", "violence", "self_harm", "crime", "prompt_attack", "harm",
)  # fmt: skip


class FakeClassifier:
    """Text classifier: `a text with [hate]` scores 0.99 for hate, `[hate?]` scores 0.6, any other text 0.01."""

    labels = LABELS
    fingerprint = "text-fake"
    embedder = ""  # any

    @property
    def thresholds(self) -> Mapping[str, LabelThresholds]:
        return {label: LabelThresholds(flag=0.5, block=0.9) for label in LABELS}

    def warm(self) -> None:
        """Do nothing: no weights have to be loaded."""

    def text_to_embed(self, text: str) -> str:
        return text

    def scores(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        if len(vectors) != len(texts):
            raise EngineRefused("The text classifiers were given vectors of other texts.")
        rows = [
            [0.99 if f"[{label}]" in text else 0.6 if f"[{label}?]" in text else 0.01 for label in LABELS]
            for text in texts
        ]
        return np.array(rows, np.float32).reshape(len(texts), len(LABELS))


class FakeInjectionDetector:
    """Injection detector: a line with `[planted]` scores 0.99; others are no suspects."""

    fingerprint = "planted-fake"
    layers = 3

    def warm(self) -> None:
        """Do nothing: no weights have to be loaded."""

    def find_suspects(self, texts: Sequence[str]) -> list[list[str]]:
        return [list(dict.fromkeys(line for line in text.splitlines() if "[planted]" in line)) for text in texts]

    def scores(
        self, pieces: Sequence[str], vectors: Vectors, passage_cosines: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        return np.full(len(pieces), 0.99, np.float32)


class FakeTagger:
    """Tagger of personal data: `<Ann Lee>` is a PERSON; nothing else is found."""

    fingerprint = "tagger-fake"

    def warm(self) -> None:
        """Do nothing: no weights have to be loaded."""

    def spans(
        self, texts: Sequence[str], forms: Sequence[Sequence[TaggedSpan]], reader: object
    ) -> list[list[TaggedSpan]]:
        return [[TaggedSpan(*match.span(1), "PERSON") for match in re.finditer(r"<([^<>]+)>", text)] for text in texts]
