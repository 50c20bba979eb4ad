"""Tests that missing, damaged and other than pinned weights are refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from apps.engines.classify import indirect_injection, linear_classifier, pii_tagger
from apps.engines.types import EngineBroken

KINDS = [
    ("linear_classifier", linear_classifier.LinearClassifier),
    ("indirect_injection", indirect_injection.IndirectInjectionClassifier),
    ("pii_tagger", pii_tagger.PiiTagger),
]
SHA256 = {
    "linear_classifier": linear_classifier.SHA256, "indirect_injection": indirect_injection.SHA256,
    "pii_tagger": pii_tagger.SHA256,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, _ in KINDS:
        for ending in ("safetensors", "json"):
            shutil.copy(linear_classifier.FOLDER / f"{name}.{ending}", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_copy_of_the_weights_is_as_good(folder: Path, name: str, kind: Any) -> None:
    assert kind(str(folder), SHA256[name]).fingerprint == kind().fingerprint


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_weights_other_than_the_pinned_ones_are_not_read(folder: Path, name: str, kind: Any) -> None:
    path = folder / f"{name}.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(EngineBroken, match="not the ones that this version was tested with"):
        kind(str(folder), SHA256[name]).warm()


@pytest.mark.parametrize("harm", ["cut", "gone", "no card", "foreign"])
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_damaged_weights_are_an_error_in_words(folder: Path, name: str, kind: Any, harm: str) -> None:
    path = folder / f"{name}.safetensors"
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:100])
    elif harm == "gone":
        path.unlink()
    elif harm == "no card":
        (folder / f"{name}.json").write_text("[")
    else:
        other = next(one for one, _ in KINDS if one != name)
        shutil.copy(folder / f"{other}.safetensors", path)
    with pytest.raises(EngineBroken, match=r"missing or damaged|of another version"):
        kind(str(folder)).warm()
