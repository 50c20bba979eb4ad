"""Fuse vector and word scores of candidates into one score, with pseudo-relevance feedback. Pure.

Cosines and BM25 have different scales that vary by question: each is standardised to standard deviations from the mean
of the question's candidates. Then the question's vector moves a little towards the vectors of the best candidates
(pseudo-relevance feedback after Rocchio). A candidate counts more the further it stands out: a single clear best keeps
the order; among many equals, what they have in common decides. The constants are the same for all benchmarks
(`docs/develop/decisions/013-ranks-are-fused-by-scores.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from apps.documents.settings import VECTOR_WEIGHT
from apps.engines.embed.calibration import IDENTITY_SCALE, LinearScale
from apps.engines.types import Candidate

if TYPE_CHECKING:
    from apps.engines.types import Vectors

    Numbers = NDArray[np.float64]

_FEEDBACK = 0.3  # weight of the best candidates' mean vector that is added to the question's
_FEEDBACK_DECAY = 0.2  # standard deviations behind the best at which a candidate's share of the feedback is 1/e of its


@dataclass(frozen=True, slots=True)
class EmbedderCandidates:
    """Candidates of one embedder, whose vectors are comparable with each other only.

    `vectors` are those of the candidates: an array of shape (n, dimension), or float32 bytes by chunk id as stored.
    Candidates without a vector add no feedback; None: there is none at all.
    """

    candidates: Sequence[Candidate]  # cosines on the common scale of all embedders
    query: Vectors | None = None
    vectors: Vectors | Mapping[int, bytes | memoryview] | None = None
    scale: LinearScale = IDENTITY_SCALE

    @property
    def rows(self) -> Vectors | None:
        """Return the vectors as an array of shape (n, dimension); None if query or vectors are not known."""
        if self.query is None or self.vectors is None or not len(self.vectors):
            return None
        vectors = self.vectors
        return vectors if isinstance(vectors, np.ndarray) else _stack_vectors(self.candidates, vectors, len(self.query))


def fuse_embedders(
    by_embedder: Sequence[EmbedderCandidates], vector_weight: float = VECTOR_WEIGHT
) -> list[tuple[float, Candidate]]:
    """Return every candidate of all embedders with its fused score, best first, ties by chunk id.

    Standardised over all candidates together; the feedback is computed per embedder, in its own vector space.
    """
    candidates = [candidate for group in by_embedder for candidate in group.candidates]
    if not candidates:
        return []
    cosines = np.array([candidate.cosine for candidate in candidates])
    words = (1 - vector_weight) * _standardise(np.array([candidate.bm25 for candidate in candidates]))
    scores = vector_weight * _standardise(cosines) + words
    if vector_weight:
        scores = vector_weight * _standardise(_apply_feedback(by_embedder, cosines, scores)) + words
    order = np.lexsort((np.array([candidate.chunk_id for candidate in candidates]), -scores))
    return [(score, candidates[at]) for score, at in zip(scores[order].tolist(), order.tolist(), strict=True)]


def _apply_feedback(by_embedder: Sequence[EmbedderCandidates], cosines: Numbers, scores: Numbers) -> Numbers:
    """Return the cosines after the feedback moved the question's vectors, which are normalised to unit length again."""
    share = np.exp((scores - scores.max()) / _FEEDBACK_DECAY)
    share /= share.sum()
    adjusted, at = cosines.copy(), 0
    for group in by_embedder:
        part = slice(at, at := at + len(group.candidates))
        if (rows := group.rows) is None or group.query is None:
            continue
        target = share[part] @ rows
        length = float(np.linalg.norm(group.query + _FEEDBACK * target))
        raw = (cosines[part] - group.scale.offset) / group.scale.slope
        adjusted[part] = group.scale.offset + group.scale.slope * (raw + _FEEDBACK * (rows @ target)) / length
    return adjusted


def _stack_vectors(
    candidates: Sequence[Candidate], vectors: Mapping[int, bytes | memoryview], dimension: int
) -> Vectors:
    """Return a row per candidate, zero (no feedback) if its vector is not known or has another length.

    Joined as bytes: one array per candidate took longer than the rest of the fusion for some hundred candidates.
    """
    none = bytes(4 * dimension)
    hit_vectors = [vectors.get(candidate.chunk_id, none) for candidate in candidates]
    rows = b"".join(row if len(row) == len(none) else none for row in hit_vectors)
    return np.frombuffer(rows, np.float32).reshape(len(hit_vectors), dimension)


def _standardise(values: Numbers) -> Numbers:
    """Return the values in standard deviations from their mean; all zero if all are equal."""
    spread = float(values.std())
    standard: Numbers = (values - values.mean()) / spread if spread > 1e-9 else np.zeros(len(values))
    return standard
