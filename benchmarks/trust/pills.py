"""Figures of the grounding check: the share that passes of true, edited, perturbed and unsupported sentences.

Every sentence goes through the product's own entry point, `Citer(question, passages).cite`, and passes if any finding
names a source.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from apps.grounding.citer import Citer, SentenceCitation
from apps.grounding.passage import Passage
from apps.grounding.quoted_support import QuotedCiter
from benchmarks.trust.cases import build_passage, read_cases
from benchmarks.trust.claims import PERTURBED, TRUE, Claim, build_claims
from training.relevance.calibration import compute_auc


def measure_pills(data: Path, count: int, shown: int = 0) -> dict[str, float]:
    """Return the shares of sentences that pass: true ones by name, perturbed ones as a whole and by kind. `count`: of
    sentences of each kind. `shown`: how many of each kind are printed of those on which the check was wrong. Figures
    `quoted.NAME` are of the check for models below the reading check."""
    cases = read_cases(data)
    if not cases:
        print("Neither xquad nor clapnq is among the data sets: nothing is perturbed.", file=sys.stderr)
        return {}
    claims = {kind: build_claims(kind, cases, count) for kind in (*PERTURBED, *TRUE)}
    numbers = summarise({kind: _ask_kind(kind, claims[kind], shown, Citer) for kind in claims})
    quoted = summarise({kind: _ask_kind(kind, claims[kind], shown, QuotedCiter) for kind in claims})
    return numbers | {f"quoted.{name}": value for name, value in quoted.items()}


def summarise(passed: Mapping[str, Sequence[bool]]) -> dict[str, float]:
    """Return the shares of what passed, by the names of the figures, each with its count. `perturbed_pass` is the mean
    of its kinds, each weighing the same however many sentences the sets gave of it."""
    numbers: dict[str, float] = {}
    kinds = [kind for kind in PERTURBED if passed.get(kind)]
    if kinds:
        numbers["perturbed_pass"] = sum(share(passed[kind]) for kind in kinds) / len(kinds)
        numbers["perturbed_pass.n"] = float(sum(len(passed[kind]) for kind in kinds))
    for kind in kinds:
        numbers |= counted(f"perturbed_pass.{kind}", passed[kind])
    for kind in TRUE:
        if passed.get(kind):
            numbers |= counted(f"{kind}_pass", passed[kind])
    return numbers


def counted(name: str, found: Sequence[bool]) -> dict[str, float]:
    """Return the share as NAME and its count as NAME.n; {} if `found` is empty."""
    return {name: share(found), f"{name}.n": float(len(found))} if found else {}


def share(found: Sequence[bool]) -> float:
    """Return the share of True; `found` must not be empty."""
    return sum(found) / len(found)


def passes(question: str, passages: Mapping[int, Passage], text: str, citer: type[Citer]) -> bool:
    """Return whether a sentence that answers the question gets a pill with a source."""
    return any(cite.source is not None for cite in citer(question, passages).cite(0, text, 0, len(text)))


def cite_sentence(question: str, passages: Mapping[int, Passage], text: str) -> list[SentenceCitation]:
    """Return the citations that the product gives an answer of one sentence."""
    return Citer(question, passages).cite(0, text, 0, len(text))


def measure_wice(data: Path) -> dict[str, float]:
    """Return the shares that pass of claims that the cited page supports, and of claims that it supports in part or not
    at all. Also return the area under ROC of the shipped score."""
    paths = sorted((data / "wice").glob("claim_*.jsonl"))
    rows = [json.loads(line) for path in paths for line in path.open(encoding="utf-8")]
    found: dict[bool, list[tuple[bool, float]]] = {True: [], False: []}
    for row in rows:
        page = "\n".join(row["evidence"])
        cites = cite_sentence("", {1: build_passage("", page, 1)}, row["claim"])
        score = max((cite.score for cite in cites), default=0.0)
        found[row["label"] == "supported"].append((any(cite.source is not None for cite in cites), score))
    if not found[True] or not found[False]:
        print("wice is not among the data sets: its claims are not measured.", file=sys.stderr)
        return {}
    numbers = counted("wice_false_pass", [right for right, _ in found[False]])
    numbers |= counted("wice_true_pass", [right for right, _ in found[True]])
    scores = {supported: [score for _, score in pairs] for supported, pairs in found.items()}
    return numbers | {"wice_auroc": compute_auc(scores[True], scores[False]), "wice_auroc.n": float(len(rows))}


def _ask_kind(kind: str, claims: Sequence[Claim], shown: int, citer: type[Citer]) -> list[bool]:
    began = time.perf_counter()
    found = [passes(claim.question, claim.passages, claim.text, citer) for claim in claims]
    each = (time.perf_counter() - began) * 1000 / max(1, len(claims))
    print(f"{kind}: {sum(found)} of {len(found)} pass, {each:.0f} ms each", file=sys.stderr)
    surprising = [claim for claim, right in zip(claims, found, strict=True) if right is not (kind in TRUE)]
    for claim in surprising[:shown]:
        print(f"  {claim.question}\n    source: {claim.base}\n    answer: {claim.text}", file=sys.stderr)
    return found
