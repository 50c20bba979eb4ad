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
from training.text_classifier.train import mark

_TIMED = 100


def personal(data: Path) -> dict[str, float]:
    """Return F2, precision and recall. A finding counts only if kind, start and end are right. {} if the set is
    missing."""
    right, there, said = Counter[str](), Counter[str](), Counter[str]()
    known = pii_training.held_out(FOLDER)
    items = pii_training.sentences(data)
    for item in items:
        own = known.get(mark(item.text))
        found = find_all_pii(item.text) if own is None else merge_findings(find_pii(item.text), own)
        truth = set(item.spans)
        finds = {(one.start, one.end, one.kind) for one in found}
        right.update(span.kind for span in truth if (span.start, span.end, span.kind) in finds)
        there.update(span.kind for span in truth)
        said.update(kind for _, _, kind in finds)
    if not there or not said:
        return {}
    precision, recall = right.total() / said.total(), right.total() / there.total()
    return {
        "f2.presidio_pii": 5 * precision * recall / max(4 * precision + recall, 1e-9),
        "precision.presidio_pii": precision,
        "recall.presidio_pii": recall,
        **{f"recall.presidio_pii.{kind}": right[kind] / there[kind] for kind in sorted(there)},
        "ms_per_masking": milliseconds([item.text for item in items[:_TIMED]]),
    }


def milliseconds(texts: Sequence[str]) -> float:
    """Return the median CPU milliseconds per text of a sentence or two."""
    find_all_pii("A sentence that makes everything ready.")
    took = []
    for text in texts:
        began = time.process_time()
        find_all_pii(text)
        took.append((time.process_time() - began) * 1000)
    return sorted(took)[len(took) // 2]
