"""What set-up fetches: pinned, whole or not at all, and told where it cannot be had."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from assistant import engines
from assistant.boot import models, packages
from assistant.boot.places import Places
from assistant.boot.stop import Code, Stop
from assistant.env import Env


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.read({"DATA_DIR": str(tmp_path / "data")})


def wheel(content: bytes) -> object:
    def run(command: list[str], log: Path) -> None:
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "nudenet.whl", "w") as archive:
            archive.writestr("nudenet/__init__.py", "")
            archive.writestr(models.NUDITY_FILE, content)

    return run


def chosen(places: Places, check: str = "") -> dict[str, object]:
    folder = places.data / "models"
    return engines.of(Env(PICTURE_CHECK=check), places.data / "index", folder)[1]["pictures"]


def test_what_looks_at_pictures_is_fetched_once_and_then_used(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "check", lambda path, expected, what: None)
    monkeypatch.setattr(packages, "run", wheel(b"weights"))
    assert not chosen(places)
    models.prepare_nudity(places)
    assert places.nudity.read_bytes() == b"weights" and not list(places.data.glob("models/*.partial"))
    assert str(chosen(places)["BACKEND"]).endswith("nudity.Nudity")
    assert not chosen(places, "none")
    assert str(chosen(places, "/other.onnx")["BACKEND"]).endswith("NamedPictures")
    monkeypatch.setattr(packages, "run", None)  # nothing is fetched again
    models.prepare_nudity(places)


def test_what_is_broken_is_fetched_anew(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the Doctor advises."""
    monkeypatch.setattr(models, "NUDITY_SHA256", hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr(packages, "run", wheel(b"weights"))
    places.nudity.parent.mkdir(parents=True)
    places.nudity.write_bytes(b"half of the wei")
    models.prepare_nudity(places)
    assert places.nudity.read_bytes() == b"weights"


@pytest.mark.parametrize("away", [True, False])
def test_without_it_the_start_goes_on_and_says_so(
    places: Places, away: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(command: list[str], log: Path) -> None:
        raise Stop(Code.NETWORK, "There is no way to the packages.")

    monkeypatch.setattr(packages, "run", offline if away else wheel(b"others"))
    models.prepare_nudity(places)
    said = capsys.readouterr().out
    assert ("There is no way" if away else "not the file that Openbook was tested with") in said
    assert "nobody looks at what pictures show" in said
    assert not places.nudity.exists() and not list(places.data.glob("models/*.partial"))
