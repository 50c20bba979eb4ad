"""One score a candidate from meaning and words, and what the best ones are alike in. Pure.

Cosines and BM25 have scales of their own, which differ by question: each is told in standard deviations from the mean
of the question's candidates. Then the question's vector moves a little towards those of the best candidates
(pseudo-relevance feedback after Rocchio), which count the more the further they stand out: where one does, the order
stays; where many are about as good, what they have in common decides. No set of questions has values of its own
(`docs/decisions/013-ranks-are-fused-by-scores.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from apps.documents.indexing.embedder_calibration import IDENTITY_SCALE, LinearScale
from apps.documents.settings import VECTOR_WEIGHT
from apps.engines.types import Candidate

if TYPE_CHECKING:
    from apps.engines.types import Vectors

    Numbers = NDArray[np.float64]

_FEEDBACK = 0.3  # how far the question's vector moves
_STANDS_OUT = 0.2  # standard deviations by which a candidate's share of the feedback falls to 1/e


@dataclass(frozen=True, slots=True)
class EmbedderCandidates:
    """Candidates of one embedder, whose vectors compare with each other only. `vectors` are those of the candidates: a
    row each, or by chunk as stored (float32), as far as they are known; without any there is no feedback."""

    candidates: Sequence[Candidate]  # cosines as told on the common scale
    query: Vectors | None = None
    vectors: Vectors | Mapping[int, bytes | memoryview] | None = None
    scale: LinearScale = IDENTITY_SCALE

    @property
    def rows(self) -> Vectors | None:
        if self.query is None or self.vectors is None or not len(self.vectors):
            return None
        held = self.vectors
        return held if isinstance(held, np.ndarray) else _rows(self.candidates, held, len(self.query))


def fuse_scores(
    candidates: Sequence[Candidate],
    meaning: float = VECTOR_WEIGHT,
    query: Vectors | None = None,
    vectors: Vectors | Mapping[int, bytes | memoryview] | None = None,
) -> list[tuple[float, Candidate]]:
    """Every candidate of one embedder with its score, best first. Scores compare candidates of one question only."""
    return fuse_embedders([EmbedderCandidates(candidates, query, vectors)], meaning)


def fuse_embedders(
    sides: Sequence[EmbedderCandidates], meaning: float = VECTOR_WEIGHT
) -> list[tuple[float, Candidate]]:
    """The same over several embedders: what each has in common with the best is told in its own vectors."""
    candidates = [candidate for side in sides for candidate in side.candidates]
    if not candidates:
        return []
    cosines = np.array([candidate.cosine for candidate in candidates])
    words = (1 - meaning) * _standard(np.array([candidate.bm25 for candidate in candidates]))
    scores = meaning * _standard(cosines) + words
    if meaning:
        scores = meaning * _standard(_moved(sides, cosines, scores)) + words
    order = np.lexsort((np.array([candidate.chunk_id for candidate in candidates]), -scores))
    return [(score, candidates[at]) for score, at in zip(scores[order].tolist(), order.tolist(), strict=True)]


def _moved(sides: Sequence[EmbedderCandidates], cosines: Numbers, scores: Numbers) -> Numbers:
    """Cosines with the question's vectors after they moved; of unit length again, so that they stay cosines."""
    share = np.exp((scores - scores.max()) / _STANDS_OUT)
    share /= share.sum()
    moved, at = cosines.copy(), 0
    for side in sides:
        part = slice(at, at := at + len(side.candidates))
        if (rows := side.rows) is None or side.query is None:
            continue
        target = share[part] @ rows
        length = float(np.linalg.norm(side.query + _FEEDBACK * target))
        raw = (cosines[part] - side.scale.offset) / side.scale.slope
        moved[part] = side.scale.offset + side.scale.slope * (raw + _FEEDBACK * (rows @ target)) / length
    return moved


def _rows(candidates: Sequence[Candidate], vectors: Mapping[int, bytes | memoryview], dimension: int) -> Vectors:
    """A row a candidate; zero, which moves nothing, where its vector is not known. Joined as bytes: an array each for
    some hundred candidates took longer than everything else here."""
    none = bytes(4 * dimension)
    found = [vectors.get(candidate.chunk_id, none) for candidate in candidates]
    rows = b"".join(row if len(row) == len(none) else none for row in found)
    return np.frombuffer(rows, np.float32).reshape(len(found), dimension)


def _standard(values: Numbers) -> Numbers:
    """In standard deviations from the mean; all zero where all are equal."""
    spread = float(values.std())
    standard: Numbers = (values - values.mean()) / spread if spread > 1e-9 else np.zeros(len(values))
    return standard
