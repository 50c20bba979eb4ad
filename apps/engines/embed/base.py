"""Texts as an embedder reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

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
class Inside:
    """Pieces of a passage as they are read inside it."""

    vectors: NDArray[np.float32]  # (pieces, width), unit rows
    near: NDArray[np.float32]  # (pieces,): cosine of each with the passage


def apart(spans: Spans) -> tuple[Sequence[int], Sequence[int]]:
    """Where they start, and where they end."""
    return [start for start, _ in spans], [end for _, end in spans]


class Whole(Protocol):
    """A long text that was tokenised once, so that its parts need not be."""

    starts: Sequence[int]  # of its tokens, as `EmbedEngine.offsets`
    ends: Sequence[int]

    def part(self, lead: str, start: int, end: int) -> Tokenised | None:
        """What `tokenised` would make of `lead` and, after it, these characters with one space for every run of white
        space; None where that cannot be told from the tokens of the whole."""
