"""Tests of the packaged classifier of requests for whole documents: pinned, and reproduced by its training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from apps.engines.classify.linear_classifier import FOLDER
from apps.engines.classify.whole_document_requests import WholeDocumentRequestClassifier
from apps.engines.types import EngineBroken
from training.whole_document_requests import train as requests_training


def test_request_classifier_knows_the_words_of_requests() -> None:
    classifier = WholeDocumentRequestClassifier()
    assert {"summary", "zusammenfassung", "resumen", "document"} <= classifier.kind_words("summary")
    assert "crane" not in classifier.kind_words("summary")
    assert classifier.comparison_words()[:3] == ("and", "und", "y") and "between" in classifier.lead_words()


def test_weights_other_than_the_pinned_ones_are_not_loaded(tmp_path: Path) -> None:
    for name in ("whole_document_requests.json", "whole_document_requests.safetensors"):
        shutil.copy(FOLDER / name, tmp_path / name)
    raw = (tmp_path / "whole_document_requests.safetensors").read_bytes()
    (tmp_path / "whole_document_requests.safetensors").write_bytes(raw[:-4] + b"\0\0\1\0")
    with pytest.raises(EngineBroken, match="classifier of requests are not the ones"):
        WholeDocumentRequestClassifier(str(tmp_path), WholeDocumentRequestClassifier.packaged[1]).classify(
            "summarise this"
        )


def test_the_weights_are_what_the_recipe_makes(shared: Path, tmp_path: Path) -> None:
    """Floating-point sums differ between CPUs, so the results are compared and not the bytes."""
    requests_training.train(shared / "data", tmp_path, lambda line: None)
    made, packaged = WholeDocumentRequestClassifier(str(tmp_path)), WholeDocumentRequestClassifier()
    written = json.loads(Path(requests_training.__file__).with_name("examples.json").read_text())
    for example in list(requests_training.expand_requests(written))[::97]:
        kind, likelihood = packaged.classify(example.text)
        assert made.classify(example.text) == (kind, pytest.approx(likelihood, abs=0.1)), example.text
