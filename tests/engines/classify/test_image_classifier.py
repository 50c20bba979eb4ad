"""Tests of configured picture classifiers: pinned weights, mapped labels, reported faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.engines.classify.image_classifier import ConfiguredImageClassifier, FakeImageClassifier, ImageClassifier
from apps.engines.types import EngineBroken, EngineRefused
from tests.engines.classify.tiny_image_classifiers import onnx, picture, safetensors

MAP = "nsfw=sexual"


@pytest.fixture(params=[onnx, safetensors])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    return request.param(tmp_path / "model")  # type: ignore[no-any-return]


def test_onnx_and_safetensors_classifiers_are_read_and_deterministic(model: tuple[Path, str]) -> None:
    path, sha256 = model
    engine: ImageClassifier = ConfiguredImageClassifier(str(path), sha256, MAP)
    first = engine.scores(picture("red"))
    assert set(first) == {"sexual"} and 0 <= first["sexual"] <= 1
    assert ConfiguredImageClassifier(str(path), sha256.upper(), MAP).scores(picture("red")) == first
    assert engine.fingerprint == f"pictures-{sha256[:12]}"


def test_picture_scores_follow_from_the_picture(tmp_path: Path) -> None:
    path, sha256 = onnx(tmp_path)
    engine = ConfiguredImageClassifier(str(path), sha256, MAP)
    red, blue = engine.scores(picture("red", 640)), engine.scores(picture("blue"))
    assert red["sexual"] > 0.99 and blue["sexual"] < 0.5


def test_classifier_file_other_than_the_pinned_one_is_not_loaded(model: tuple[Path, str]) -> None:
    path, sha256 = model
    file = path / "model.safetensors" if path.is_dir() else path
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    for pin in (sha256, "", "0" * 64):
        with pytest.raises(EngineBroken, match="SHA256"):
            ConfiguredImageClassifier(str(path), pin, MAP).scores(picture("red"))


def test_labels_that_it_does_not_have_are_an_error_and_others_mean_nothing(tmp_path: Path) -> None:
    path, sha256 = onnx(tmp_path)
    with pytest.raises(EngineBroken, match="gore"):
        ConfiguredImageClassifier(str(path), sha256, "nsfw=sexual, gore=violence").scores(picture("red"))
    with pytest.raises(EngineRefused):
        ConfiguredImageClassifier(str(path), sha256, "")
    assert set(ConfiguredImageClassifier(str(path), sha256, "normal=violence").scores(picture("red"))) == {"violence"}


def test_pickles_other_files_and_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(EngineRefused, match="ONNX"):
        ConfiguredImageClassifier(str(tmp_path / "model.bin"), "0" * 64, MAP).scores(picture("red"))
    with pytest.raises(EngineBroken, match="not there"):
        ConfiguredImageClassifier(str(tmp_path / "none.onnx"), "0" * 64, MAP).scores(picture("red"))


def test_a_model_of_another_shape_is_broken(tmp_path: Path) -> None:
    path, sha256 = onnx(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"0": "normal", "1": "nsfw", "2": "more"}}))
    with pytest.raises(EngineBroken, match="shape"):
        ConfiguredImageClassifier(str(path), sha256, MAP).scores(picture("red"))
    (tmp_path / "config.json").write_text("no json")
    with pytest.raises(EngineBroken, match="loaded"):
        ConfiguredImageClassifier(str(path), sha256, MAP).scores(picture("red"))


@pytest.mark.parametrize("what", [b"", b"GIF89a", b"<svg/>", b"\x89PNG\r\n\x1a\n" + b"0" * 50])
def test_file_that_is_no_picture_is_refused(tmp_path: Path, what: bytes) -> None:
    path, sha256 = onnx(tmp_path)
    for engine in (ConfiguredImageClassifier(str(path), sha256, MAP), FakeImageClassifier()):
        with pytest.raises(EngineRefused):
            engine.scores(what)


def test_the_fake_is_sure_of_red() -> None:
    scores = [FakeImageClassifier().scores(picture(colour))["sexual"] for colour in ("red", "green", "blue")]
    assert scores == [0.99, 0.6, 0.01]
