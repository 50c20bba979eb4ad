"""Support is judged on claims with the way of a sentence of an answer, by weights that never saw them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from apps.evaluation import claims

EVIDENCE = ["The library opened in 1931.", "It was rebuilt after the flood of 1974.", "Members borrow six books."]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / claims.SET
    folder.mkdir()
    rows = [("The library opened in 1931.", "supported"), ("The library opened in 1913.", "not_supported")] * 6
    lines = [json.dumps({"claim": claim, "evidence": EVIDENCE, "label": label}) for claim, label in rows]
    (folder / "claim_dev.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_premises_are_windows_of_the_cited_page(data: Path) -> None:
    claim = claims.read(data / claims.SET)[0]

    assert claim.supported
    assert any(premise.strip() == EVIDENCE[0] for premise in claim.premises)


def test_true_and_false_claims_are_told_apart(data: Path) -> None:
    numbers = claims.measured(data)

    assert numbers["support_auc"] == 1.0
    assert set(numbers) == {"support_auc", "support_auc_similarity"}


def test_no_claims_are_no_numbers(tmp_path: Path) -> None:
    assert claims.measured(tmp_path) == {}


def test_a_claim_is_judged_by_weights_that_never_saw_it() -> None:
    chance = np.random.default_rng(3)
    rows = np.hstack([np.ones((400, 1)), chance.random((400, len(claims.NAMES)))])
    coins = chance.random(400) < 0.5

    scores = claims.cross_validated(rows, coins)

    assert 0.4 < np.mean((scores > 0) == coins) < 0.6  # weights that saw it would do better than chance
