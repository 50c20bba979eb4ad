"""How surely a passage holds an instruction that was planted for an assistant, judged sentence by sentence."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from apps.engines import registry
from apps.engines.base import EngineBroken
from apps.safety.folding import Signal, Status

if TYPE_CHECKING:
    from apps.engines.base import Vectors
    from apps.safety.check import Suspects

LABEL = "prompt_attack"


def planted(texts: Sequence[str], vectors: Vectors, suspects: Suspects | None = None) -> list[Signal]:
    """One signal a passage, its surest sentence; `vectors` are of whole passages, by the classifiers' embedder. A
    sentence that stands in several passages, or comes again and again, is read once. Raises EngineError."""
    began, detector = time.perf_counter(), registry.planted()
    found = suspects.rows if suspects is not None else detector.suspects(texts)
    sentences = list(dict.fromkeys(sentence for row in found for sentence in row))
    at = {sentence: number for number, sentence in enumerate(sentences)}
    flat = [(row, sentence) for row, pieces in enumerate(found) for sentence in pieces]
    highest = np.zeros(len(texts), np.float32)
    surest: dict[int, tuple[tuple[int, int], ...]] = {}
    if flat:
        if suspects is not None:
            known = np.stack([suspects.vectors[sentence] for sentence in sentences])
        else:
            known = registry.classify_embed().embed_passages(sentences)
        rows = np.array([row for row, _ in flat])
        own = known[[at[sentence] for _, sentence in flat]]
        scores = np.asarray(detector.scores([sentence for _, sentence in flat], own, vectors[rows]))
        if scores.shape != (len(flat),) or not np.all((scores >= 0) & (scores <= 1)):
            raise EngineBroken("The check for planted instructions says something of another shape.")
        np.maximum.at(highest, rows, scores)
        for (row, sentence), score in zip(flat, scores, strict=True):
            if score == highest[row] and (start := texts[row].find(sentence)) >= 0:
                surest[row] = ((start, start + len(sentence)),)
    ms = (time.perf_counter() - began) * 1000 / max(1, len(texts))  # they are read together: each has its share
    return [
        Signal("planted", detector.fingerprint, Status.OK, {LABEL: float(score)}, ms=ms, spans=surest.get(row, ()))
        for row, score in enumerate(highest)
    ]  # fmt: skip
