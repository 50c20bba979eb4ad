"""Texts as an embedder reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Spans = Sequence[tuple[int, int]]  # (start, end), the end not in it


@dataclass(frozen=True, slots=True)
class Tokenised:
    """A text as the embedder reads it, so that counting and embedding tokenise it once."""

    count: int  # tokens of its own, uncut, without what the model adds
    ids: Any  # mean something to the embedder alone


@dataclass(frozen=True, slots=True)
class SpanEmbeddings:
    """Pieces of a passage as they are read inside it."""

    vectors: NDArray[np.float32]  # (pieces, width), unit rows
    near: NDArray[np.float32]  # (pieces,): cosine of each with the passage
