"""Types of the embedders' inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Spans = Sequence[tuple[int, int]]  # (start, end), end exclusive


@dataclass(frozen=True, slots=True)
class Tokenised:
    """Text as token ids of an embedder, so that counting and embedding tokenise it only once."""

    count: int  # tokens of the text itself, before truncation, without those that the model adds
    ids: Any  # opaque to all but the embedder


@dataclass(frozen=True, slots=True)
class SpanEmbeddings:
    """Embeddings of pieces of a passage, pooled inside the passage."""

    vectors: NDArray[np.float32]  # (pieces, width), unit rows
    passage_cosines: NDArray[np.float32]  # (pieces,): cosine of each with the passage
