"""Classifier of messages that are no question about documents: greetings, thanks, sums, dates and questions to the
assistant about itself.

One softmax over hashed n-grams and three form features. No embedder is used, so all languages of the training examples
work alike. Trained by `./run train small_talk`; plain numpy at run time, a third of a millisecond per message.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from apps.engines import weight_files
from apps.engines.classify.hashed_ngrams import BUCKETS, hash_ngrams
from apps.engines.classify.linear_classifier import FOLDER
from apps.engines.types import EngineBroken

if TYPE_CHECKING:
    from numpy.typing import NDArray

# SHA-256 of the committed weights; other files are not loaded. `./run train small_talk` prints the new one.
SHA256 = "2961e7d9ef6868110b62a86129180ece66dc604c7c9283434ad56453747cdca5"
OTHER = "other"  # the label of questions
MAX_CHARACTERS = 160  # of a message that is classified; longer ones count as questions
FORM_FEATURES = 3  # number of features, see `compute_form_features`
_UNKNOWN_MOST = 3  # unknown words counted; further ones add no information
_STRETCHED = re.compile(r"([^\W\d])\1{2,}")  # "hiii"
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SIGNS = re.compile(r"[^\w\s%+*/^=()×÷:-]")


@dataclass(frozen=True, slots=True)
class SmallTalkHead:
    """Softmax weights, one row per label. `vocabulary` are the words of the training examples. The classifier of
    requests has three more fields. `kind_words` holds the words of each kind, `comparison_words` the words between the
    sides of a comparison, the commonest first. `lead_words` holds the words right before the first side."""

    labels: tuple[str, ...]
    vocabulary: frozenset[str]
    words: NDArray[np.float32]  # (labels, BUCKETS)
    form: NDArray[np.float32]  # (labels, FORM_FEATURES)
    bias: NDArray[np.float32]  # (labels,)
    kind_words: dict[str, frozenset[str]] = field(default_factory=dict)
    comparison_words: tuple[str, ...] = ()
    lead_words: frozenset[str] = frozenset()

    def probabilities(self, text: str) -> NDArray[np.float32]:
        """Return the probability of each label, shape (labels,), for a message that `normalise_message` returned."""
        ngrams = hash_ngrams([text])
        sums = ngrams.weights[0] * self.words[:, ngrams.buckets].sum(axis=1)
        sums += self.form @ compute_form_features([text], lambda _, word: word not in self.vocabulary)[0] + self.bias
        powers = np.exp(sums - sums.max())
        return np.asarray(powers / powers.sum(), np.float32)


class SmallTalkClassifier(weight_files.LazyWeights[SmallTalkHead]):
    """Classifier of small talk with the packaged weights or those of `folder`."""

    packaged = FOLDER, SHA256
    name: ClassVar[str] = "small_talk"  # file name of the weights
    description: ClassVar[str] = "the classifier of small talk"

    def classify(self, text: str) -> tuple[str, float]:
        """Return the likeliest kind of small talk, never OTHER, and the probability that the message is small talk of
        any kind. (OTHER, 0.0) for an empty text and above MAX_CHARACTERS. Raise EngineBroken if the weights cannot be
        read."""
        if not (normalised := normalise_message(text[: MAX_CHARACTERS + 1])) or len(text) > MAX_CHARACTERS:
            return OTHER, 0.0
        head = self._load()
        scores = dict(zip(head.labels, head.probabilities(normalised).tolist(), strict=True))
        other = scores.pop(OTHER)
        return max(scores, key=scores.__getitem__), 1.0 - other

    def _read(self) -> SmallTalkHead:
        arrays, card, digest = weight_files.read_weights(self._folder, self.name, self._pinned, self.description)
        self._fingerprint = f"{self.name}-{digest}"
        wording = {kind: frozenset(words) for kind, words in card.get("wording", {}).items()}
        try:
            head = SmallTalkHead(
                tuple(card["labels"]), frozenset(card["known"]), **arrays, kind_words=wording,
                comparison_words=tuple(card.get("joints", ())), lead_words=frozenset(card.get("leads", ())),
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise EngineBroken(f"The weights of {self.description} are missing or damaged.") from error
        if head.words.shape != (len(head.labels), BUCKETS) or head.form.shape != (len(head.labels), FORM_FEATURES):
            raise EngineBroken(f"The weights of {self.description} are of another version.")
        return head


def normalise_message(text: str) -> str:
    """Return the message in lower case, without accents and punctuation, each number as 0."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    numbers = _NUMBER.sub("0", _STRETCHED.sub(r"\1", plain))
    return " ".join(_SIGNS.sub(" ", numbers).split())


def compute_form_features(texts: Sequence[str], unknown: Callable[[int, str], bool]) -> NDArray[np.float32]:
    """Return features of shape (n, FORM_FEATURES): the share of unknown words, their capped number, and the log of the
    length in words. `unknown(i, word)` says whether a word of text i is unknown."""
    rows = []
    for index, text in enumerate(texts):
        words = text.split()
        unknown_count = sum(unknown(index, word) for word in words)
        share = unknown_count / max(1, len(words))
        rows.append((share, min(unknown_count, _UNKNOWN_MOST) / _UNKNOWN_MOST, float(np.log1p(len(words))) / 2))
    return np.array(rows, np.float32).reshape(len(texts), FORM_FEATURES)
