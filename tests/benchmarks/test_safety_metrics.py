"""How the open sets are read, and what is measured of them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import training
from apps.engines import registry
from benchmarks.safety import datasets as safety_datasets
from benchmarks.safety import run as safety


def test_partial_labels_stay_unknown_and_harm_is_any_of_those_known(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "H": 1, "S": 0}, {"prompt": "b", "V": 0}]
    (tmp_path / "openai_moderation").mkdir()
    (tmp_path / "openai_moderation" / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    a, b = safety_datasets.read_labelled_set(tmp_path, "openai_moderation")
    assert a.labels == {"sexual": False, "hate": True, "harm": True}
    assert b.labels == {"violence": False, "harm": False}


def test_waiting_is_no_time_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    def waiting(text: str) -> dict[str, float]:
        time.sleep(0.2)
        return dict.fromkeys(registry.get_text_classifier().labels, 0.0)

    monkeypatch.setattr(safety, "score_text", waiting)
    assert 0 < safety.measure_milliseconds([f"The bridge was built in {year}." for year in (1901, 1902, 1903)]) < 150


def test_a_set_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert safety_datasets.read_labelled_set(tmp_path, "hatecheck") == []


def test_sets_marked_as_tests_are_never_learnt_from() -> None:
    source = "".join(path.read_text() for path in Path(training.__path__[0]).rglob("*.py"))
    for name in ("xstest", "hatecheck", "do_not_answer", "jigsaw_bias", "winobias", "crows_pairs"):
        assert name not in source
