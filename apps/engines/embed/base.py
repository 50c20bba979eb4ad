"""Texts as an embedder reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Tokenised:
    """A text as the embedder reads it, so that counting and embedding tokenise it once."""

    count: int  # tokens of its own, uncut, without what the model adds
    ids: Any  # mean something to the embedder alone


class Whole(Protocol):
    """A long text that was tokenised once, so that its parts need not be."""

    spans: Sequence[tuple[int, int]]  # of its tokens, as `EmbedEngine.offsets`

    def part(self, lead: str, start: int, end: int) -> Tokenised | None:
        """What `tokenised` would make of `lead` and, after it, these characters with one space for every run of white
        space; None where that cannot be told from the tokens of the whole."""
