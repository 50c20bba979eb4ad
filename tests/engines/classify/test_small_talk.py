"""Tests of the packaged classifier of small talk: intact, pinned, and silent on long messages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from apps.engines.classify.linear_classifier import FOLDER
from apps.engines.classify.small_talk import MAX_CHARACTERS, OTHER, SmallTalkClassifier, normalise_message
from apps.engines.types import EngineBroken
from training.small_talk import train as small_talk_training
from training.small_talk.examples import expand_templates


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("¡Hiii, ÜBER-Freund!", "hi uber-freund"),
        ("What is 1,250.5 * 3?", "what is 0 * 0"),
        ("¿Qué día es hoy?", "que dia es hoy"),
        (" \n ", ""),
    ],
)
def test_case_accents_and_numbers_do_not_matter(text: str, read: str) -> None:
    assert normalise_message(text) == read


def test_empty_or_long_message_is_not_small_talk() -> None:
    classifier = SmallTalkClassifier()
    assert classifier.classify("hello")[0] == "greeting" and classifier.classify("hello")[1] > 0.9
    assert classifier.classify("?!") == (OTHER, 0.0)
    assert classifier.classify("hello " * (MAX_CHARACTERS // 6 + 2)) == (OTHER, 0.0)


def test_weights_other_than_the_pinned_ones_are_not_loaded(tmp_path: Path) -> None:
    for name in ("small_talk.json", "small_talk.safetensors"):
        shutil.copy(FOLDER / name, tmp_path / name)
    own = SmallTalkClassifier(str(tmp_path))
    assert own.classify("hello") == SmallTalkClassifier().classify("hello")
    raw = (tmp_path / "small_talk.safetensors").read_bytes()
    (tmp_path / "small_talk.safetensors").write_bytes(raw[:-4] + b"\0\0\1\0")
    with pytest.raises(EngineBroken, match="not the ones that this version was tested with"):
        SmallTalkClassifier(str(tmp_path), SmallTalkClassifier.packaged[1]).classify("hello")
    (tmp_path / "small_talk.safetensors").unlink()
    with pytest.raises(EngineBroken, match="missing"):
        SmallTalkClassifier(str(tmp_path)).classify("hello")


def test_the_weights_are_what_the_recipe_makes(shared: Path, tmp_path: Path) -> None:
    """Floating-point sums differ between CPUs, so the results are compared and not the bytes."""
    small_talk_training.train(shared / "data", tmp_path, lambda line: None)
    made, packaged = SmallTalkClassifier(str(tmp_path)), SmallTalkClassifier()
    texts = [example.text for example in expand_templates()[::97]]
    for text in texts:
        kind, likelihood = packaged.classify(text)
        assert made.classify(text) == (kind, pytest.approx(likelihood, abs=0.1)), text
