"""Detector of indirect prompt injections: instructions to an assistant that were planted in a document.

A single sentence hardly moves the vector of a whole passage, so every sentence is examined by itself. A first head on
n-grams rules out 97 of 100 sentences. A second head examines the rest in short pieces, so that an instruction among
many words is not averaged away. The features are n-grams, form, the embedding of the piece inside its passage after
LAYERS layers, and the cosine of piece and passage. A low cosine is suspicious: an instruction in a text about such
instructions is less so.

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

LAYERS = 3  # of the embedder's six: later layers represent the topic more than the addressee
# SHA-256 of the committed weights; other files are not loaded. `./run train indirect_injection` prints it.
SHA256 = "5f87cd53bdef162058f939ca119c0dfb4b2680f7ed4bf9f12ff60db42cb743ba"
_DESCRIPTION = "the check for planted instructions"
CHARACTERS = 400  # scored together; a longer line is scored in parts, else its right end would not be read
OVERLAP = 120  # characters that two parts share: an instruction across a border is whole in one of them
# Characters of a piece that the second head scores, and their overlap: in longer pieces an instruction is lost.
PIECE, PIECE_OVERLAP = 64, 44
_ATOM = re.compile(r"\S{1,16}")  # unit that is never split: a word, or sixteen characters of text without spaces
MAX_SENTENCES = 400  # per passage; a passage usually has a dozen
FORM_FEATURES = 4  # number of features, see `compute_form_features`
_LINE = re.compile(r"[^\n]+")
_THREE_WORDS = re.compile(r"\W*+\w++\W++\w++\W++\w")  # fewer words make no instruction


@dataclass(frozen=True, slots=True)
class InjectionHeads:
    """Weights of the two heads. `prefilter_sums` scores the n-grams of a sentence, `classifier_sums`
    also form and embedding of its pieces. `line` maps the sum of the second head to a probability.

    The first head does not use form. Instructions in the training data are shorter than sentences of books and papers,
    so by length it flagged a quarter of those.
    """

    meaning: NDArray[np.float32]  # (dimension,)
    words: NDArray[np.float32]  # (2, BUCKETS): first head, second head
    form: NDArray[np.float32]  # (FORM_FEATURES,), of the second head
    bias: NDArray[np.float32]  # (2,)
    line: NDArray[np.float32]  # slope and shift
    least: NDArray[np.float32]  # (1,): least sum of the first head for the second to be asked
    layers: NDArray[np.float32]  # (1,): number of the embedder's layers whose vectors `meaning` was trained on

    def prefilter_sums(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the sums of the first head, shape (len(texts),): unscaled, to be compared with `least`."""
        return np.asarray(self._lexical(0, texts) + self.bias[0], np.float32)

    def classifier_sums(
        self, texts: Sequence[str], vectors: Vectors, passage_cosines: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the sums of the second head, shape (n,). `vectors` is (n, dimension); `passage_cosines` (n,) is the
        cosine of each piece with its passage."""
        lexical = self._lexical(1, texts) + vectors @ self.meaning
        return np.asarray(
            lexical + compute_form_features(texts, passage_cosines) @ self.form + self.bias[1], np.float32
        )

    def probabilities(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities for sums of the second head, same shape."""
        return np.asarray(1 / (1 + np.exp(-np.clip(sums * self.line[0] + self.line[1], -30, 30))), np.float32)

    def _lexical(self, head: int, texts: Sequence[str]) -> NDArray[np.float32]:
        ngrams = hash_ngrams(texts)
        sums = np.concatenate(([0.0], np.cumsum(self.words[head][ngrams.buckets], dtype=np.float64)))
        return np.asarray(ngrams.weights * (sums[ngrams.starts[1:]] - sums[ngrams.starts[:-1]]), np.float32)


def compute_form_features(texts: Sequence[str], passage_cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return features of shape (n, FORM_FEATURES): cosine with the passage, scaled log of the word count, ends with
    "?", ends with ":"."""
    rows = [
        (
            float(cosine), np.log(1 + len(text.split())) / 3, float(text.endswith("?")), float(text.endswith(":"))
        ) for text, cosine in zip(texts, passage_cosines, strict=True)
    ]  # fmt: skip
    return np.array(rows, np.float32).reshape(len(texts), FORM_FEATURES)


def find_candidate_sentences(text: str) -> list[str]:
    """Return the sentences that may hold an instruction: each line of a sentence by itself, code blocks and lines below
    four words left out. Above MAX_SENTENCES, only the first and last halves of that number."""
    candidates: list[str] = []
    for start, end in sentences.find_sentences(text):
        if text.startswith(("```", "~~~"), start):
            continue
        for line in _LINE.findall(text, start, end):
            candidates += [part for part in _split_line(line.strip(), CHARACTERS, OVERLAP) if _THREE_WORDS.match(part)]
    return (
        candidates[:MAX_SENTENCES]
        if len(candidates) <= MAX_SENTENCES
        else [*candidates[: MAX_SENTENCES // 2], *candidates[-MAX_SENTENCES // 2 :]]
    )


def split_pieces(sentence: str) -> list[str]:
    """Return the overlapping pieces of a sentence that the second head scores."""
    return list(_split_line(sentence, PIECE, PIECE_OVERLAP))


def _split_line(line: str, size: int, overlap: int) -> Iterator[str]:
    """Yield parts of whole words with at most `size` characters; consecutive parts share about `overlap` characters. A
    run of white space counts as one character."""
    if len(line) <= size:
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
        last = bisect_right(ends, starts[first] + size)
        yield line[spans[first][0] : spans[last - 1][1]]
        first = max(first + 1, bisect_left(starts, ends[last - 1] - overlap))


class IndirectInjectionClassifier(weight_files.LazyWeights[InjectionHeads]):
    """Detector of indirect prompt injections with the packaged weights or those of `folder`."""

    packaged = FOLDER, SHA256
    layers = LAYERS

    def find_suspects(self, texts: Sequence[str]) -> list[list[str]]:
        heads, candidates = self._load(), [find_candidate_sentences(text) for text in texts]
        suspicious = iter(heads.prefilter_sums([sentence for row in candidates for sentence in row]) >= heads.least[0])
        suspicious_sentences = [
            [sentence for sentence, kept in zip(row, suspicious, strict=False) if kept] for row in candidates
        ]
        return [
            list(dict.fromkeys(piece for sentence in row for piece in split_pieces(sentence)))
            for row in suspicious_sentences
        ]

    def scores(
        self, pieces: Sequence[str], vectors: Vectors, passage_cosines: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        heads = self._load()
        if vectors.shape != (len(pieces), len(heads.meaning)) or passage_cosines.shape != (len(pieces),):
            raise EngineRefused("The check for planted instructions was given vectors of another embedding model.")
        probabilities = heads.probabilities(heads.classifier_sums(pieces, vectors, passage_cosines))
        if not np.isfinite(probabilities).all():
            raise EngineBroken("The check for planted instructions returned an invalid number.")
        return probabilities

    def _read(self) -> InjectionHeads:
        arrays, _, digest = weight_files.read_weights(self._folder, "indirect_injection", self._pinned, _DESCRIPTION)
        self._fingerprint = f"planted-{digest}"  # stored verdicts name their detector by it
        try:
            heads = InjectionHeads(**arrays)
        except TypeError as error:
            raise EngineBroken(f"The weights of {_DESCRIPTION} are missing or damaged.") from error
        if (
            heads.words.shape != (2, BUCKETS)
            or heads.form.shape != (FORM_FEATURES,)
            or heads.layers.tolist() != [LAYERS]
        ):
            raise EngineBroken(f"The weights of {_DESCRIPTION} are of another version.")
        return heads
