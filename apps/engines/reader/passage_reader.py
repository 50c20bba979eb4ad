"""Packaged reader: the packaged encoder, fine-tuned in `training/reader` to read a question together with a passage.

Trained on English, a little Spanish and Portuguese; of German it knows what these languages share.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from apps.engines.pair_encoder import EncodedPairs, PairEncoder, raise_if_not_finite
from apps.engines.reader.protocol import PassageReading
from apps.engines.weight_files import read_weights

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = Path(__file__).parent / "weights"
NAME = "passage_reader"
# SHA-256 of the committed weights; other files are not loaded. `./run train reader` prints the new one.
SHA256 = "ba652a26781eb4d309f7400dab7b0d751bd5d7e6a7fd1e801f572ff0a6cb4bfb"
MAX_TOKENS = 160  # of question and passage together; a longer passage is read in windows
STRIDE = 32  # tokens that two windows share
QUESTION_TOKENS = 64  # of the question that are read, at most: a window needs room for the passage
_TOGETHER = 4  # passages of one pass, of like length


class PackagedReader:
    """Packaged reader. Sync and thread-safe; each pass on the core of its caller."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._encoder: PairEncoder | None = None

    def warm(self) -> None:
        """Load the weights. Raise EngineBroken if they are missing or damaged."""
        self.read("Is the door open?", ["The door is open."])

    def read(self, question: str, texts: Sequence[str]) -> list[PassageReading]:
        """Return one reading for each text. Raise EngineBroken if the weights are missing or damaged."""
        encoder = self._load()
        question = encoder.cut(question, QUESTION_TOKENS)
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        found: dict[int, PassageReading] = {}
        for start in range(0, len(order), _TOGETHER):
            batch = order[start : start + _TOGETHER]
            readings = _read_batch(encoder, [(question, texts[at]) for at in batch])
            found |= zip(batch, readings, strict=True)
        raise_if_not_finite([reading.answers for reading in found.values()], "The reader of passages")
        return [found[at] for at in range(len(texts))]

    def _load(self) -> PairEncoder:
        with self._lock:
            if self._encoder is None:
                weights = read_weights(WEIGHTS, NAME, SHA256, "the reader of passages")
                self._encoder = PairEncoder(weights, MAX_TOKENS, "only_second", STRIDE)
        return self._encoder


def _read_batch(encoder: PairEncoder, pairs: Sequence[tuple[str, str]]) -> list[PassageReading]:
    import torch

    with torch.inference_mode():
        read = encoder.encode(pairs)
        answers = encoder.score_pairs(read).tolist()
        places = torch.sigmoid(encoder.apply_linear(read.states, "places")[..., 0].float())
    return [_join_windows(read, answers, places, pair) for pair in range(len(pairs))]


def _join_windows(read: EncodedPairs, answers: Sequence[float], places: Tensor, pair: int) -> PassageReading:
    """Return the reading of a passage: of its best window, and the tokens of all, each as its first window reads it."""
    starts: list[int] = []
    ends: list[int] = []
    chances: list[float] = []
    windows = [at for at, number in enumerate(read.pairs) if number == pair]
    for at in windows:
        inside = (read.kinds[at] * read.mask[at]).tolist()
        for (start, end), counted, chance in zip(read.offsets[at], inside, places[at].tolist(), strict=True):
            if counted and end > start and (not starts or start > starts[-1]):
                starts.append(start)
                ends.append(end)
                chances.append(chance)
    return PassageReading(max(answers[at] for at in windows), tuple(starts), tuple(ends), tuple(chances))
