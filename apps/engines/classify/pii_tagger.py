"""Tagger of personal data without a fixed pattern: names, places, organisations, addresses, dates, jobs and ages of
people.

Features are the token states of the packaged embedder (meaning in context), the character n-grams of each word (what
names look like) and its shape. Three dilated convolutions over the words follow, then Viterbi decoding over valid tag
sequences. Trained by `./run train pii_tagger`; plain numpy at run time.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from apps.engines import weight_files
from apps.engines.classify.linear_classifier import FOLDER
from apps.engines.classify.pii_tagger_features import BUCKETS, LAYERS, TAGS, WordFeatures, extract_word_features
from apps.engines.classify.protocol import TaggedSpan, TokenStateEmbedder
from apps.engines.types import EngineBroken, EngineRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

# SHA-256 of the committed weights; other files are not loaded. `./run train pii_tagger` prints the new one.
SHA256 = "8c69066174efd531c0fa96d80ecf9a23a3237285d7ab0fca0485c282fee3cc46"
_WHOSE = "the tagger of personal data"
DILATIONS = (1, 2, 4)  # distance in words between the inputs of each convolution
_NAMES = ("state", "letters", "joined", *(f"around{step}" for step in DILATIONS), "out")
_NEVER = -1e4
_BATCH = 32
_AND = re.compile(r" (?:and|und|et|y|&) ")
_LINES = re.compile(r"[\n,]")
_GAP = re.compile(r",?[ \t]*\n?[ \t]*")
_LIST = re.compile(r",? (?:and )?")
_NUMBER = re.compile(r"(\d+) (\d+ .*\D.*|[^\d\n].*\d\.?)", re.DOTALL)
_WHOLE = re.compile(r"[\n,]|\b(?:Suite|Apt|Unit|Flat)\b", re.IGNORECASE)

_STOPS = ",;:!?()[]\"'“”‘’-–_*>#|"
_NAMES_ONLY = frozenset({"PERSON", "GPE", "ORGANIZATION", "TITLE", "NRP"})
_EDGES = dict.fromkeys(_NAMES_ONLY, _STOPS) | {"STREET_ADDRESS": ",;"}
_DIRECTION = re.compile(r"(?:north|south|east|west)(?:ern)?", re.IGNORECASE)
_HONORIFIC = re.compile(r"(?:Mrs?|Ms|Dr|Prof)", re.IGNORECASE)

_FOLLOWS = np.array(
    [[0.0 if not tag.startswith("I-") or before[2:] == tag[2:] else _NEVER for tag in TAGS] for before in TAGS]
)
_BEGINS = np.array([_NEVER if tag.startswith("I-") else 0.0 for tag in TAGS])

Weights = dict[str, "NDArray[np.float32]"]


def compute_emission_scores(weights: Weights, read: WordFeatures) -> NDArray[np.float32]:
    """Return the score of every tag for every word, shape (words, tags)."""
    own = np.maximum(read.states @ weights["state.weight"].T + weights["state.bias"], 0)
    letters = np.array([weights["letters.weight"][list(pieces)].mean(axis=0) for pieces in read.pieces], np.float32)
    hidden = np.concatenate([own, letters, read.shape], axis=1)
    hidden = np.maximum(hidden @ weights["joined.weight"].T + weights["joined.bias"], 0)
    for step in DILATIONS:
        kernel, count = weights[f"around{step}.weight"], len(hidden)
        padded = np.pad(hidden, ((step, step), (0, 0)))
        beside = sum(padded[at * step : at * step + count] @ kernel[:, :, at].T for at in range(3))
        hidden = hidden + np.maximum(beside + weights[f"around{step}.bias"], 0)
    return np.asarray(hidden @ weights["out.weight"].T + weights["out.bias"], np.float32)


def decode_viterbi(scores: NDArray[np.float32]) -> list[str]:
    """Return the best tag per word for scores of shape (words, tags), at least one word. Every I- tag continues a span
    of its kind."""
    best = scores[0] + _BEGINS
    came: list[NDArray[np.int64]] = []
    for row in scores[1:]:
        ways = best[:, None] + _FOLLOWS
        came.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + row
    path = [int(best.argmax())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return [TAGS[at] for at in reversed(path)]


def extract_spans(text: str, words: Sequence[tuple[int, int]], tags: Sequence[str]) -> list[TaggedSpan]:
    """Return the spans that the tags mark, as character offsets, merged by `merge_spans`. `words` are the character
    spans of the tagged words."""
    found: list[TaggedSpan] = []
    for (start, end), tag in zip(words, tags, strict=True):
        if tag.startswith("B-"):
            found.append(TaggedSpan(start, end, tag[2:]))
        elif tag.startswith("I-"):
            found[-1] = TaggedSpan(found[-1].start, end, tag[2:])
    return merge_spans(text, found)


def merge_spans(text: str, found: Sequence[TaggedSpan]) -> list[TaggedSpan]:
    """Return the spans trimmed of space and punctuation. "Ann and Bo" is split into two people; adjacent parts of one
    address or job are joined."""
    kept: list[TaggedSpan] = []
    for one in found:
        at = one.start
        borders = _AND.finditer(text, one.start, one.end) if one.kind == "PERSON" else ()
        for start, end in [*(match.span() for match in borders), (one.end, one.end)]:
            kept += _trimmed(text, TaggedSpan(at, start, one.kind))
            at = end
    return _joined(text, kept)


def _joined(text: str, found: Sequence[TaggedSpan]) -> list[TaggedSpan]:
    """Join adjacent parts of one item. Examples: a house number and its address, an address and the city after it, both
    halves of "court and licence clerk"."""
    kept: list[TaggedSpan] = []
    for one in found:
        before = kept[-1] if kept else None
        gap = text[before.end : one.start] if before is not None else ""
        if before is None or not _together(text, before, gap, one):
            kept.append(one)
        else:
            kept[-1] = TaggedSpan(before.start, one.end, before.kind)
    return [piece for one in kept for piece in _numbered(text, one)]


def _together(text: str, one: TaggedSpan, gap: str, after: TaggedSpan) -> bool:
    words = text[one.start : one.end]
    if one.kind == "TITLE":
        return after.kind == "TITLE" and _LIST.fullmatch(gap) is not None and not _HONORIFIC.match(words)
    if one.kind != "STREET_ADDRESS" or after.kind not in ("STREET_ADDRESS", "GPE", "ZIP_CODE"):
        return False
    if words.isdigit():
        whole = _WHOLE.search(text, after.start, after.end)
        return after.kind == one.kind and gap == " " and whole is not None
    city = _LINES.search(words) is not None
    rest = after.kind != "STREET_ADDRESS" or text[after.start : after.end].isdigit()
    return city and rest and _GAP.fullmatch(gap) is not None


def _numbered(text: str, one: TaggedSpan) -> list[TaggedSpan]:
    """Split a house number from a street that begins with a number of its own, unless the span is a whole address."""
    number = _NUMBER.fullmatch(text, one.start, one.end) if one.kind == "STREET_ADDRESS" else None
    if number is None or _WHOLE.search(text, one.start, one.end):
        return [one]
    return [TaggedSpan(one.start, number.end(1), one.kind), TaggedSpan(number.start(2), one.end, one.kind)]


def _trimmed(text: str, one: TaggedSpan) -> list[TaggedSpan]:
    """Trim space and punctuation at both ends, except the full stop of an honorific. Drop single letters and points of
    the compass."""
    edges = string.whitespace + _EDGES.get(one.kind, "")
    piece = text[one.start : one.end].rstrip(edges)
    end = one.start + len(piece)
    start = end - len(piece.lstrip(edges + "." if one.kind in _NAMES_ONLY else edges))
    if text[end : end + 1] == ")" and text.count("(", start, end) > text.count(")", start, end):
        end += 1
    if one.kind == "TITLE" and text[end : end + 1] == "." and _HONORIFIC.fullmatch(text, start, end):
        end += 1
    letter = one.kind == "PERSON" and end - start == 1 and text[start].isascii()
    letter = letter or (one.kind == "GPE" and _DIRECTION.fullmatch(text, start, end) is not None)
    return [TaggedSpan(start, end, one.kind)] if end > start and not letter else []


class PiiTagger(weight_files.LazyWeights[Weights]):
    """Tagger of personal data with the packaged weights or those of `folder`."""

    shipped = FOLDER, SHA256

    def __init__(self, folder: str = "", sha256: str | None = None) -> None:
        super().__init__(folder, sha256)
        self._embedder = ""

    def spans(
        self, texts: Sequence[str], forms: Sequence[Sequence[TaggedSpan]], reader: object
    ) -> list[list[TaggedSpan]]:
        weights, tokens = self._load(), cast(TokenStateEmbedder, reader)
        if tokens.fingerprint != self._embedder:
            raise EngineRefused("The tagger of personal data was given the states of another embedding model.")
        found: list[list[TaggedSpan]] = []
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            for text, form, inside in zip(
                batch, forms[start : start + _BATCH], tokens.states(batch, LAYERS), strict=True
            ):
                words = extract_word_features(text, form, inside)
                scores = compute_emission_scores(weights, words) if words.words else None
                if scores is not None and not np.isfinite(scores).all():
                    raise EngineBroken("The tagger of personal data gave a number that makes no sense.")
                found.append(extract_spans(text, words.words, decode_viterbi(scores)) if scores is not None else [])
        return found

    def _read(self) -> Weights:
        weights, card, self._fingerprint = weight_files.read_weights(self._folder, "tagger", self._pinned, _WHOSE)
        self._embedder = str(card.get("embedder", ""))
        fits = {name.partition(".")[0] for name in weights} == set(_NAMES)
        if not fits or weights["letters.weight"].shape[0] != BUCKETS or weights["out.weight"].shape[0] != len(TAGS):
            raise EngineBroken(f"The weights of {_WHOSE} are of another version.")
        return weights
