"""Finds instructions to an assistant that were planted in a document: an indirect prompt injection.

The whole passage's vector hardly moves when one sentence is slipped in, so every sentence is looked at by itself. Words
alone sort out ninety-seven in a hundred. The rest are read piece by piece, so that an order among many other words is
not lost in their mean: its words, its form, what the embedder makes of it inside its passage, half-way through, and how
far that stands from the passage: a task beside the point is more suspicious than the same words in a text about such
tasks.

Trained by `./run train indirect_injection`; plain numpy at run time.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apps.engines import weight_files
from apps.engines.classify.hashed_ngrams import BUCKETS, hash_ngrams
from apps.engines.classify.linear_classifier import FOLDER
from apps.engines.types import EngineBroken, EngineRefused
from apps.lib.text import sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apps.engines.types import Vectors

LAYERS = 3  # of the embedder's six: later ones tell of what the passage is about, more than of who is spoken to
# The weights as they are committed; a file that differs is not loaded. `./run train indirect_injection` prints it.
SHA256 = "5f87cd53bdef162058f939ca119c0dfb4b2680f7ed4bf9f12ff60db42cb743ba"
_WHOSE = "the check for planted instructions"
CHARACTERS = 400  # that are read together; a longer line is read in parts, else what stands far to the right is not
OVERLAP = 120  # characters that two parts have in common: an order that a border cuts is whole in one of them
PIECE, LAP = 64, 44  # likewise of what the sure one reads together: in more an order is lost in the mean
_ATOM = re.compile(r"\S{1,16}")  # what is not cut: a word, or sixteen letters of what has no spaces
MAX_SENTENCES = 400  # sentences of a passage that are looked at; a passage has a dozen
FORM_FEATURES = 4  # numbers that say what a sentence looks like, see `form`
_LINE = re.compile(r"[^\n]+")
_THREE_WORDS = re.compile(r"\W*+\w++\W++\w++\W++\w")  # less asks for nothing


@dataclass(frozen=True, slots=True)
class InjectionHeads:
    """`rough` reads the words of a sentence, `sure` form and meaning of its pieces as well. `line` makes a probability
    of the sure one's sum.

    The rough one is not told of form: the letters it learnt from are shorter than what books and papers say in a
    sentence, so by length it took a quarter of their words for suspicious.
    """

    meaning: NDArray[np.float32]  # (dimension,)
    words: NDArray[np.float32]  # (2, BUCKETS): rough, sure
    form: NDArray[np.float32]  # (FORM,), of the sure one
    bias: NDArray[np.float32]  # (2,)
    line: NDArray[np.float32]  # slope and shift
    least: NDArray[np.float32]  # (1,): of the rough sum, to be looked at by the sure one
    layers: NDArray[np.float32]  # (1,): after which the vectors were read that `meaning` is for

    def rough(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(self._lexical(0, texts) + self.bias[0], np.float32)

    def sure(self, texts: Sequence[str], vectors: Vectors, near: NDArray[np.float32]) -> NDArray[np.float32]:
        lexical = self._lexical(1, texts) + vectors @ self.meaning
        return np.asarray(lexical + compute_form_features(texts, near) @ self.form + self.bias[1], np.float32)

    def probabilities(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(1 / (1 + np.exp(-np.clip(sums * self.line[0] + self.line[1], -30, 30))), np.float32)

    def _lexical(self, head: int, texts: Sequence[str]) -> NDArray[np.float32]:
        found = hash_ngrams(texts)
        sums = np.concatenate(([0.0], np.cumsum(self.words[head][found.buckets], dtype=np.float64)))
        return np.asarray(found.weights * (sums[found.starts[1:]] - sums[found.starts[:-1]]), np.float32)


def compute_form_features(texts: Sequence[str], near: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shape (n, FORM): how near the sentence stands to its passage, its length, a question, an announcement."""
    rows = [
        (
            float(close), np.log(1 + len(text.split())) / 3, float(text.endswith("?")), float(text.endswith(":"))
        ) for text, close in zip(texts, near, strict=True)
    ]  # fmt: skip
    return np.array(rows, np.float32).reshape(len(texts), FORM_FEATURES)


def find_candidate_sentences(text: str) -> list[str]:
    """The sentences that may ask for something: each line of a sentence by itself, code set aside."""
    found: list[str] = []
    for start, end in sentences.find_sentences(text):
        if text.startswith(("```", "~~~"), start):
            continue
        for line in _LINE.findall(text, start, end):
            found += [part for part in _parts(line.strip(), CHARACTERS, OVERLAP) if _THREE_WORDS.match(part)]
    return (
        found[:MAX_SENTENCES]
        if len(found) <= MAX_SENTENCES
        else [*found[: MAX_SENTENCES // 2], *found[-MAX_SENTENCES // 2 :]]
    )


def split_pieces(sentence: str) -> list[str]:
    """What of a sentence is read together by the sure head."""
    return list(_parts(sentence, PIECE, LAP))


def _parts(line: str, most: int, lap: int) -> Iterator[str]:
    """Whole words, of at most so many characters, of which two parts that follow each other have `lap` in common.
    However much white space stands between two words, it counts as one."""
    if len(line) <= most:
        yield line
        return
    spans = [atom.span() for atom in _ATOM.finditer(line)]
    starts, ends, at = [], [], 0
    for number, (start, end) in enumerate(spans):
        at += number > 0 and start > spans[number - 1][1]
        starts.append(at)
        ends.append(at := at + end - start)
    first = last = 0
    while last < len(spans):
        last = bisect_right(ends, starts[first] + most)
        yield line[spans[first][0] : spans[last - 1][1]]
        first = max(first + 1, bisect_left(starts, ends[last - 1] - lap))


class IndirectInjectionClassifier(weight_files.LazyWeights[InjectionHeads]):
    shipped = FOLDER, SHA256
    layers = LAYERS

    def suspects(self, texts: Sequence[str]) -> list[list[str]]:
        heads, found = self._load(), [find_candidate_sentences(text) for text in texts]
        worth = iter(heads.rough([sentence for row in found for sentence in row]) >= heads.least[0])
        kept = [[sentence for sentence, kept in zip(row, worth, strict=False) if kept] for row in found]
        return [list(dict.fromkeys(piece for sentence in row for piece in split_pieces(sentence))) for row in kept]

    def scores(self, pieces: Sequence[str], vectors: Vectors, near: NDArray[np.float32]) -> NDArray[np.float32]:
        heads = self._load()
        if vectors.shape != (len(pieces), len(heads.meaning)) or near.shape != (len(pieces),):
            raise EngineRefused("The check for planted instructions was given vectors of another embedding model.")
        found = heads.probabilities(heads.sure(pieces, vectors, near))
        if not np.isfinite(found).all():
            raise EngineBroken("The check for planted instructions gave a number that makes no sense.")
        return found

    def _read(self) -> InjectionHeads:
        arrays, _, self._fingerprint = weight_files.read_weights(self._folder, "planted", self._pinned, _WHOSE)
        try:
            heads = InjectionHeads(**arrays)
        except TypeError as error:
            raise EngineBroken(f"The weights of {_WHOSE} are missing or damaged.") from error
        if (
            heads.words.shape != (2, BUCKETS)
            or heads.form.shape != (FORM_FEATURES,)
            or heads.layers.tolist() != [LAYERS]
        ):
            raise EngineBroken(f"The weights of {_WHOSE} are of another version.")
        return heads
