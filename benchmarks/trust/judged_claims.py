"""Figures of the grounding check on sentences that models and people wrote and people judged, with their passages.

`measure_claims` is the entry point. Each row goes through the product's own one, `Citer(question, passages).cite`.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apps.grounding.agreement import get_word_overlap
from benchmarks.trust.cases import build_passage
from benchmarks.trust.judges import measure_judges
from benchmarks.trust.pills import cite_sentence, counted
from training.relevance.calibration import compute_auc

FILE = Path("claims") / "open_dev.jsonl.gz"
_RETRIEVED = re.compile(r"attr_|factcheckbench$|begin$")  # sets of answers of models over retrieved passages
_SUMMARIES = re.compile(r"summedits_")
_FEWEST = 20  # rows of a kind that has a figure of its own


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """Sentence with its question ("" for none), its passages, and whether people found all of it in them.

    `is_written_by_model`: a language model wrote it, or wrote it before people or rules changed it.
    """

    set: str
    kind: str
    question: str
    passages: tuple[str, ...]
    sentence: str
    is_supported: bool
    is_written_by_model: bool


def read_judged_claims(path: Path) -> list[JudgedClaim]:
    """Return the rows of a gzipped JSONL file. Partly supported counts as not supported."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [
            JudgedClaim(
                row["set"], row["kind"], row["question"], tuple(row["passages"]), row["sentence"],
                row["label"] == "supported", row["origin"] in ("model", "edited"),
            )
            for row in map(json.loads, lines)
        ]  # fmt: skip


def measure_claims(data: Path, shown: int = 0) -> dict[str, float]:
    """Return the shares that pass of supported and of other sentences, by set and kind, and areas under ROC; {} where
    the set is absent. `shown`: how many of each set are printed of those on which the check was wrong."""
    if not (data / FILE).is_file():
        print("claims is not among the data sets: its sentences are not measured.", file=sys.stderr)
        return {}
    claims = read_judged_claims(data / FILE)
    began = time.perf_counter()
    judged = [_judge(claim) for claim in claims]
    each = (time.perf_counter() - began) * 1000 / len(claims)
    print(f"claims: {len(claims)} sentences, {each:.0f} ms each", file=sys.stderr)
    _show_errors(claims, [passed for passed, _ in judged], shown)
    return summarise_claims(claims, judged) | measure_judges(claims, [passed for passed, _ in judged])


def summarise_claims(claims: Sequence[JudgedClaim], judged: Sequence[tuple[bool, float]]) -> dict[str, float]:
    """Return the figures of claims of which each has (has a source, score)."""
    groups: dict[str, list[bool]] = defaultdict(list)
    scores: dict[str, dict[bool, list[float]]] = {"": {True: [], False: []}, ".words": {True: [], False: []}}
    for claim, (passed, score) in zip(claims, judged, strict=True):
        name = "claims_true_pass" if claim.is_supported else "claims_false_pass"
        kind = re.sub(r"\W+", "_", claim.kind).strip("_")
        for group in (name, f"{name}.{claim.set}", f"{name}.kind.{kind}", *_list_unions(name, claim.set)):
            groups[group].append(passed)
        if claim.is_written_by_model:
            scores[""][claim.is_supported].append(score)
            scores[".words"][claim.is_supported].append(get_word_overlap(claim.sentence, "\n".join(claim.passages)))
    numbers: dict[str, float] = {}
    for group, found in sorted(groups.items()):
        if ".kind." not in group or len(found) >= _FEWEST:
            numbers |= counted(group, found)
    return numbers | _measure_areas(scores)


def _list_unions(name: str, set_name: str) -> list[str]:
    unions = {"rag": _RETRIEVED, "summaries": _SUMMARIES}
    return [f"{name}.{union}" for union, pattern in unions.items() if pattern.match(set_name)]


def _measure_areas(scores: Mapping[str, Mapping[bool, Sequence[float]]]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, by_label in scores.items():
        if by_label[True] and by_label[False]:
            numbers[f"claims_auroc{name}"] = compute_auc(list(by_label[True]), list(by_label[False]))
            numbers[f"claims_auroc{name}.n"] = float(len(by_label[True]) + len(by_label[False]))
    return numbers


def _judge(claim: JudgedClaim) -> tuple[bool, float]:
    """Return whether a citation names a source, and the best score."""
    passages = {number: build_passage("", text, number) for number, text in enumerate(claim.passages, 1)}
    cites = cite_sentence(claim.question, passages, claim.sentence)
    return any(cite.source is not None for cite in cites), max((cite.score for cite in cites), default=0.0)


def _show_errors(claims: Sequence[JudgedClaim], passed: Sequence[bool], shown: int) -> None:
    by_set: dict[tuple[str, bool], list[JudgedClaim]] = defaultdict(list)
    for claim, has_source in zip(claims, passed, strict=True):
        if has_source is not claim.is_supported:
            by_set[claim.set, has_source].append(claim)
    for (name, has_source), found in by_set.items():
        for claim in found[:shown]:
            print(f"{name}, {'a pill' if has_source else 'no pill'}: {claim.sentence}", file=sys.stderr)
            print(f"    {' | '.join(claim.passages)[:600]}", file=sys.stderr)
