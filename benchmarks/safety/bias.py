"""Bias audit: error rates of the hate classifier by the group that a test sentence names."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from apps.engines import registry
from benchmarks.safety.scores import Scorer

_LABEL = "hate"


def measure_bias(data: Path, scorer: Scorer) -> dict[str, float]:
    """Return error rates per group at the deployed threshold, and the widest gap between two groups. HateCheck has the
    same sentences about each of seven groups, so the group is the only difference. {} if the set is missing."""
    groups: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for path in sorted((data / "hatecheck").glob("*.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                if row.get("target_ident"):
                    groups[row["target_ident"]].append((row["test_case"], row["label_gold"] == "hateful"))
    rates_by_kind: dict[str, dict[str, float]] = {"false_positive": {}, "false_negative": {}}
    threshold = registry.get_text_classifier().thresholds[_LABEL].flag
    for group, rows in sorted(groups.items()):
        flagged = scorer.scores([text for text, _ in rows])[:, scorer.get_column(_LABEL)] >= threshold
        hateful = np.array([bad for _, bad in rows])
        rates_by_kind["false_positive"][group] = float(flagged[~hateful].mean()) if (~hateful).any() else 0.0
        rates_by_kind["false_negative"][group] = float((~flagged[hateful]).mean()) if hateful.any() else 0.0
    numbers = {f"bias.{kind}.{group}": rate for kind, rates in rates_by_kind.items() for group, rate in rates.items()}
    gaps = {
        f"bias.{kind}.gap": max(rates.values()) - min(rates.values()) for kind, rates in rates_by_kind.items() if rates
    }
    return numbers | gaps
