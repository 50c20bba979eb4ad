"""Whether the support score tells claims that a page bears out from those that it does not, wholly or in part.

Claims of WiCE: sentences of Wikipedia with the page that they cite, cut into sentences. Each goes the way of a sentence
of an answer: the windows of the page that share most with it are its premises. The weights are calibrated on this very
set, so each claim is judged by weights that never saw it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from apps.conversations import support
from apps.conversations.cite import Citer
from apps.documents.passages import Passage
from apps.evaluation.calibration import logistic, told

if TYPE_CHECKING:
    Numbers = NDArray[np.float64]

SET = "wice"
NAMES = tuple(support.WEIGHTS)
_FOLDS = 5
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Claim:
    text: str
    premises: tuple[str, ...]  # the windows of the cited page that share most with it
    supported: bool


def read(folder: Path) -> list[Claim]:
    rows = [json.loads(line) for path in sorted(folder.glob("claim_*.jsonl")) for line in path.open(encoding="utf-8")]
    return [_claim(row["claim"], row["evidence"], row["label"] == "supported") for row in rows]


def measured(data: Path) -> dict[str, float]:
    """Areas under ROC: of the support score, of similarity alone, and of the model of inference where one is named."""
    claims = read(data / SET)
    yes = np.array([claim.supported for claim in claims])
    if not yes.any() or yes.all():
        return {}
    rows = weighed(claims)
    numbers = {
        "support_auc": _told("support_auc", cross_validated(rows, yes), yes),
        "support_auc_similarity": _told("support_auc_similarity", rows[:, 1 + NAMES.index("meaning")], yes),
    }
    if getattr(settings, "SUPPORT_MODEL", ""):
        check = support.check()
        scores = [check.judge(claim.text, claim.premises).score for claim in claims]
        numbers["support_auc_model"] = _told("support_auc_model", np.array(scores), yes)
    return numbers


def weighed(claims: Sequence[Claim]) -> Numbers:
    """A row a claim: 1 for the bias, then what is weighed in the order of NAMES."""
    found = [support.evidence(claim.text, claim.premises) for claim in claims]
    return np.array([[1.0, *(row[name] for name in NAMES)] for row in found])


def fit(rows: Numbers, yes: Numbers) -> Numbers:
    """Bias and weights, supported and unsupported claims of equal weight."""
    share = yes.mean()
    return logistic(rows, yes.astype(np.float64), np.where(yes, 0.5 / share, 0.5 / (1 - share)))


def cross_validated(rows: Numbers, yes: Numbers) -> Numbers:
    """The support of each claim, by weights that never saw it. Comparable over folds: each is a probability."""
    scores = np.zeros(len(rows))
    for fold in range(_FOLDS):
        held = np.arange(len(rows)) % _FOLDS == fold
        scores[held] = rows[held] @ fit(rows[~held], yes[~held])
    return scores


def _claim(text: str, evidence: Sequence[str], supported: bool) -> Claim:
    page = "\n".join(evidence)
    passage = Passage(
        chunk_id=0, document_id=_NOBODY, collection_id=_NOBODY, title="", kind="text", page_number=1, heading="",
        spans=((0, len(page)),), text=page, full_start=0, full_end=len(page), full_text=page,
        relevance=1.0, cosine=1.0, bm25=0.0,
    )  # fmt: skip
    return Claim(text, tuple(window.premise for window in Citer("", {1: passage}).near(text)), supported)


def _told(name: str, scores: Numbers, yes: Numbers) -> float:
    return told(name, scores[yes.astype(bool)].tolist(), scores[~yes.astype(bool)].tolist())
