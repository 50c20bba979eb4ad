"""Contract of readers, and the value that they return."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PassageReading:
    """Reading of one passage. Tokens are in reading order; `starts` and `ends` are characters of the text.

    `answers` is the log-odds that the passage answers the question, `sentence` the probability of each token to stand
    in an answering sentence.
    """

    answers: float
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    sentence: tuple[float, ...]

    def rate_span(self, start: int, end: int) -> float:
        """Return the mean probability of the tokens in [start, end) to stand in an answering sentence; 0 where there is
        no token."""
        first, last = bisect_left(self.ends, start + 1), bisect_left(self.starts, end)
        if first >= last:
            return 0.0
        return sum(self.sentence[first:last]) / (last - first)


class PassageReader(Protocol):
    """Sync, thread-safe."""

    def warm(self) -> None:
        """Load the model. Raise EngineBroken if that fails."""

    def read(self, question: str, texts: Sequence[str]) -> list[PassageReading]:
        """Return one reading for each text, in order. Long texts are read in windows. Raise EngineBroken if the model
        cannot be loaded or returns a value that is not finite."""
