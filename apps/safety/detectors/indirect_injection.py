"""Score passages for instructions that were planted for an assistant, sentence by sentence."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from apps.engines import registry
from apps.engines.classify import span_embeddings
from apps.engines.classify.indirect_injection import CHARACTERS
from apps.engines.types import EngineBroken
from apps.lib.text import sentences
from apps.safety.policy.evaluation import Signal, SignalStatus

if TYPE_CHECKING:
    from apps.engines.embed.protocol import SpanEmbeddings
    from apps.safety.policy.verdicts import SuspectSentences

INJECTION_LABEL = "prompt_attack"


def detect_injections(texts: Sequence[str], suspects: SuspectSentences | None = None) -> list[Signal]:
    """Return one signal per passage with its highest score and the span of that sentence. Raise EngineError."""
    began, detector = time.perf_counter(), registry.get_injection_detector()
    found = score_pieces(texts, suspects)
    ms = (time.perf_counter() - began) * 1000 / max(1, len(texts))  # scored together; each gets its share
    return [_signal(detector.fingerprint, text, row, ms) for text, row in zip(texts, found, strict=True)]


def score_pieces(texts: Sequence[str], suspects: SuspectSentences | None = None) -> list[list[tuple[str, float]]]:
    """Return the scored pieces of each passage with their scores, 0 to 1. Raise EngineError."""
    detector = registry.get_injection_detector()
    rows = suspects.sentences if suspects is not None else detector.find_suspects(texts)
    embeddings: list[SpanEmbeddings | None] = list(suspects.embeddings) if suspects is not None else [None] * len(texts)
    missing = [at for at, row in enumerate(rows) if row and embeddings[at] is None]
    if missing:
        reader = span_embeddings.require_token_states(registry.get_classifier_embedder())
        embedded = span_embeddings.embed_spans_in_context(
            reader, [texts[at] for at in missing], [rows[at] for at in missing], detector.layers
        )
        for at, one in zip(missing, embedded, strict=True):
            embeddings[at] = one
    available = [one for one in embeddings if one is not None]
    flat = [piece for row in rows for piece in row]
    if not flat:
        return [[] for _ in texts]
    vectors, near = (
        np.concatenate(parts)
        for parts in ([one.vectors for one in available], [one.passage_cosines for one in available])
    )
    scores = np.asarray(detector.scores(flat, vectors, near))
    if scores.shape != (len(flat),) or not np.all((scores >= 0) & (scores <= 1)):
        raise EngineBroken("The check for planted instructions says something of another shape.")
    scored = iter(zip(flat, map(float, scores), strict=True))
    return [[next(scored) for _ in row] for row in rows]


def _signal(fingerprint: str, text: str, scored: Sequence[tuple[str, float]], ms: float) -> Signal:
    surest, score = max(scored, key=lambda one: one[1], default=("", 0.0))
    spans = (locate_sentence(text, surest),) if surest in text and surest else ()
    return Signal("planted", fingerprint, SignalStatus.OK, {INJECTION_LABEL: score}, ms=ms, spans=spans)


def locate_sentence(text: str, piece: str) -> tuple[int, int]:
    """Return the span of the sentence that contains the piece, or of its line if the sentence has several.

    Return the span of the piece alone if the sentence is too long.
    """
    start = text.find(piece)
    end = start + len(piece)
    for first, last in sentences.find_sentences(text):
        if first <= start < last:
            line = text.rfind("\n", first, start) + 1, text.find("\n", end, last)
            whole = max(first, line[0]), last if line[1] < 0 else line[1]
            return whole if end <= whole[1] <= whole[0] + CHARACTERS else (start, end)
    return start, end
