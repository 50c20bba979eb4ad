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
_DESCRIPTION = "the tagger of personal data"
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


def compute_emission_scores(weights: Weights, features: WordFeatures) -> NDArray[np.float32]:
    """Return the score of every tag for every word, shape (words, tags)."""
    state_features = np.maximum(features.states @ weights["state.weight"].T + weights["state.bias"], 0)
    letters = np.array([weights["letters.weight"][list(pieces)].mean(axis=0) for pieces in features.ngrams], np.float32)
    hidden = np.concatenate([state_features, letters, features.shape], axis=1)
    hidden = np.maximum(hidden @ weights["joined.weight"].T + weights["joined.bias"], 0)
    for step in DILATIONS:
        kernel, count = weights[f"around{step}.weight"], len(hidden)
        padded = np.pad(hidden, ((step, step), (0, 0)))
        convolved = sum(padded[at * step : at * step + count] @ kernel[:, :, at].T for at in range(3))
        hidden = hidden + np.maximum(convolved + weights[f"around{step}.bias"], 0)
    return np.asarray(hidden @ weights["out.weight"].T + weights["out.bias"], np.float32)


def decode_viterbi(scores: NDArray[np.float32]) -> list[str]:
    """Return the best tag per word for scores of shape (words, tags), at least one word. Every I- tag continues a span
    of its kind."""
    best = scores[0] + _BEGINS
    backpointers: list[NDArray[np.int64]] = []
    for row in scores[1:]:
        paths = best[:, None] + _FOLLOWS
        backpointers.append(paths.argmax(axis=0))
        best = paths.max(axis=0) + row
    path = [int(best.argmax())]
    for pointers in reversed(backpointers):
        path.append(int(pointers[path[-1]]))
    return [TAGS[at] for at in reversed(path)]


def extract_spans(text: str, words: Sequence[tuple[int, int]], tags: Sequence[str]) -> list[TaggedSpan]:
    """Return the spans that the tags mark, as character offsets, merged by `merge_spans`. `words` are the character
    spans of the tagged words."""
    spans: list[TaggedSpan] = []
    for (start, end), tag in zip(words, tags, strict=True):
        if tag.startswith("B-"):
            spans.append(TaggedSpan(start, end, tag[2:]))
        elif tag.startswith("I-"):
            spans[-1] = TaggedSpan(spans[-1].start, end, tag[2:])
    return merge_spans(text, spans)


def merge_spans(text: str, spans: Sequence[TaggedSpan]) -> list[TaggedSpan]:
    """Return the spans trimmed of space and punctuation. "Ann and Bo" is split into two people; adjacent parts of one
    address or job are joined."""
    merged: list[TaggedSpan] = []
    for span in spans:
        at = span.start
        borders = _AND.finditer(text, span.start, span.end) if span.kind == "PERSON" else ()
        for start, end in [*(match.span() for match in borders), (span.end, span.end)]:
            merged += _trim_span(text, TaggedSpan(at, start, span.kind))
            at = end
    return _join_neighbours(text, merged)


def _join_neighbours(text: str, spans: Sequence[TaggedSpan]) -> list[TaggedSpan]:
    """Join adjacent parts of one item. Examples: a house number and its address, an address and the city after it, both
    halves of "court and licence clerk"."""
    joined: list[TaggedSpan] = []
    for span in spans:
        before = joined[-1] if joined else None
        gap = text[before.end : span.start] if before is not None else ""
        if before is None or not _can_join(text, before, gap, span):
            joined.append(span)
        else:
            joined[-1] = TaggedSpan(before.start, span.end, before.kind)
    return [piece for span in joined for piece in _split_house_number(text, span)]


def _can_join(text: str, span: TaggedSpan, gap: str, after: TaggedSpan) -> bool:
    words = text[span.start : span.end]
    if span.kind == "TITLE":
        return after.kind == "TITLE" and _LIST.fullmatch(gap) is not None and not _HONORIFIC.match(words)
    if span.kind != "STREET_ADDRESS" or after.kind not in ("STREET_ADDRESS", "GPE", "ZIP_CODE"):
        return False
    if words.isdigit():
        whole = _WHOLE.search(text, after.start, after.end)
        return after.kind == span.kind and gap == " " and whole is not None
    city = _LINES.search(words) is not None
    rest = after.kind != "STREET_ADDRESS" or text[after.start : after.end].isdigit()
    return city and rest and _GAP.fullmatch(gap) is not None


def _split_house_number(text: str, span: TaggedSpan) -> list[TaggedSpan]:
    """Split a house number from a street that begins with a number of its own, unless the span is a whole address."""
    number = _NUMBER.fullmatch(text, span.start, span.end) if span.kind == "STREET_ADDRESS" else None
    if number is None or _WHOLE.search(text, span.start, span.end):
        return [span]
    return [TaggedSpan(span.start, number.end(1), span.kind), TaggedSpan(number.start(2), span.end, span.kind)]


def _trim_span(text: str, span: TaggedSpan) -> list[TaggedSpan]:
    """Trim space and punctuation at both ends, except the full stop of an honorific. Drop single letters and points of
    the compass."""
    edges = string.whitespace + _EDGES.get(span.kind, "")
    piece = text[span.start : span.end].rstrip(edges)
    end = span.start + len(piece)
    start = end - len(piece.lstrip(edges + "." if span.kind in _NAMES_ONLY else edges))
    if text[end : end + 1] == ")" and text.count("(", start, end) > text.count(")", start, end):
        end += 1
    if span.kind == "TITLE" and text[end : end + 1] == "." and _HONORIFIC.fullmatch(text, start, end):
        end += 1
    letter = span.kind == "PERSON" and end - start == 1 and text[start].isascii()
    letter = letter or (span.kind == "GPE" and _DIRECTION.fullmatch(text, start, end) is not None)
    return [TaggedSpan(start, end, span.kind)] if end > start and not letter else []


class PiiTagger(weight_files.LazyWeights[Weights]):
    """Tagger of personal data with the packaged weights or those of `folder`."""

    packaged = FOLDER, SHA256

    def __init__(self, folder: str = "", sha256: str | None = None) -> None:
        super().__init__(folder, sha256)
        self._embedder = ""

    def spans(
        self, texts: Sequence[str], forms: Sequence[Sequence[TaggedSpan]], reader: object
    ) -> list[list[TaggedSpan]]:
        weights, embedder = self._load(), cast(TokenStateEmbedder, reader)
        if embedder.fingerprint != self._embedder:
            raise EngineRefused("The tagger of personal data was given the states of another embedding model.")
        spans_by_text: list[list[TaggedSpan]] = []
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            for text, form, token_states in zip(
                batch, forms[start : start + _BATCH], embedder.states(batch, LAYERS), strict=True
            ):
                words = extract_word_features(text, form, token_states)
                scores = compute_emission_scores(weights, words) if words.words else None
                if scores is not None and not np.isfinite(scores).all():
                    raise EngineBroken("The tagger of personal data returned an invalid number.")
                spans_by_text.append(
                    extract_spans(text, words.words, decode_viterbi(scores)) if scores is not None else []
                )
        return spans_by_text

    def _read(self) -> Weights:
        weights, card, digest = weight_files.read_weights(self._folder, "pii_tagger", self._pinned, _DESCRIPTION)
        self._fingerprint = f"tagger-{digest}"
        self._embedder = str(card.get("embedder", ""))
        fits = {name.partition(".")[0] for name in weights} == set(_NAMES)
        if not fits or weights["letters.weight"].shape[0] != BUCKETS or weights["out.weight"].shape[0] != len(TAGS):
            raise EngineBroken(f"The weights of {_DESCRIPTION} are of another version.")
        return weights
