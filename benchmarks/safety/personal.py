"""Recall of personal data, span by span; training sentences are tagged by models that were trained without them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from apps.engines.classify.linear_classifier import FOLDER
from apps.safety.detectors.pii import find_pii
from apps.safety.detectors.pii_ner import find_all_pii, merge_findings
from training.pii_tagger import train as pii_training
from training.text_classifier.train import hash_text

_TIMED = 100


def measure_pii(data: Path) -> dict[str, float]:
    """Return F2, precision and recall. A finding counts only if kind, start and end are right. {} if the set is
    missing."""
    correct, expected, reported = Counter[str](), Counter[str](), Counter[str]()
    held_out = pii_training.load_held_out_spans(FOLDER)
    items = pii_training.read_sentences(data)
    for item in items:
        held_out_spans = held_out.get(hash_text(item.text))
        found = (
            find_all_pii(item.text) if held_out_spans is None else merge_findings(find_pii(item.text), held_out_spans)
        )
        expected_spans = set(item.spans)
        reported_spans = {(one.start, one.end, one.kind) for one in found}
        correct.update(span.kind for span in expected_spans if (span.start, span.end, span.kind) in reported_spans)
        expected.update(span.kind for span in expected_spans)
        reported.update(kind for _, _, kind in reported_spans)
    if not expected or not reported:
        return {}
    precision, recall = correct.total() / reported.total(), correct.total() / expected.total()
    return {
        "f2.presidio_pii": 5 * precision * recall / max(4 * precision + recall, 1e-9),
        "precision.presidio_pii": precision,
        "recall.presidio_pii": recall,
        **{f"recall.presidio_pii.{kind}": correct[kind] / expected[kind] for kind in sorted(expected)},
        "ms_per_masking": measure_milliseconds([item.text for item in items[:_TIMED]]),
    }


def measure_milliseconds(texts: Sequence[str]) -> float:
    """Return the median CPU milliseconds per text of a sentence or two."""
    find_all_pii("A sentence that makes everything ready.")
    milliseconds = []
    for text in texts:
        began = time.process_time()
        find_all_pii(text)
        milliseconds.append((time.process_time() - began) * 1000)
    return sorted(milliseconds)[len(milliseconds) // 2]
