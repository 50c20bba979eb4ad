"""Outcome of the groups of tests: real pytest runs over small files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests import run

PASSES = "\ndef test_fine():\n    assert True\n"
PASSES_LATER = """
from pathlib import Path

def test_waits_in_vain_once():
    seen = Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first, "was too slow"
"""
ALWAYS_FAILS = "\ndef test_never():\n    raise ValueError('no')\n"
CANNOT_CLEAR_UP = """
import pytest

@pytest.fixture
def torn():
    yield
    raise ValueError("no way back")

def test_torn(torn):
    raise ValueError("no")
"""
LEAVES_A_PROCESS = """
import subprocess, sys
from pathlib import Path

def test_leaves_a_process():
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    Path({!r}).write_text(str(left.pid))
"""
# These files are no part of the site: they need no plugin of it, each of which takes its time to load.
BARE = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(os, "environ", BARE)
    (tmp_path / "reports").mkdir()
    return tmp_path


def judge(folder: Path, *texts: str, arguments: tuple[str, ...] = ()) -> run.Result:
    (folder / "pytest.ini").write_text("[pytest]\n")
    for number, text in enumerate(texts):
        (folder / f"test_part{number}.py").write_text(text)
    result = run.run_group(run.Group("small", (*arguments, str(folder))), BARE)
    if result.code == 1 and result.failing:
        run.retry_failures(result)
    return result


def test_retried_test_that_passes_counts_and_is_named_with_its_cause(folder: Path) -> None:
    found = judge(folder, PASSES, PASSES_LATER, arguments=run.TWO_PROCESSES)
    assert (found.good, found.passed, found.failed) == (True, 2, 0)
    [(name, cause)] = found.retried.items()
    assert name.endswith("::test_waits_in_vain_once") and cause == "AssertionError: was too slow"
    kept = (run.REPORTS / "second-tries.txt").read_text()
    assert name in kept and cause in kept
    assert run.summarise([found]).splitlines() == [
        f"passed at the second try only, look into it: {name}: {cause}",
        "2 passed, 0 failed, 0 skipped; 1 at the second try only",
    ]


def test_retried_test_that_fails_again_has_failed(folder: Path) -> None:
    found = judge(folder, PASSES, PASSES_LATER, ALWAYS_FAILS)
    assert (found.good, found.passed, found.failed, len(found.retried)) == (False, 2, 1, 1)


def test_retried_test_that_does_not_run_has_not_passed(folder: Path) -> None:
    leaves_out = """
def pytest_collection_modifyitems(config, items):
    if config.getoption("lf"):
        items[:] = [item for item in items if "never" not in item.name]
"""
    (folder / "conftest.py").write_text(leaves_out)
    found = judge(folder, PASSES, PASSES_LATER, ALWAYS_FAILS)
    assert (found.good, found.failed, len(found.failing)) == (False, 1, 1)


def test_a_test_that_fails_and_cannot_clear_up_is_one_failure(folder: Path) -> None:
    found = judge(folder, PASSES, CANNOT_CLEAR_UP)
    assert (found.good, found.failed, found.retried) == (False, 1, {})


@pytest.mark.parametrize("texts", [("def test_broken(:\n",), ("nothing = 1\n",)])
def test_a_group_that_breaks_off_or_is_empty_has_failed(folder: Path, texts: tuple[str, ...]) -> None:
    found = judge(folder, *texts)
    assert (found.good, found.passed) == (False, 0)
    assert found.failed > 0


def test_output_lines_of_a_group_name_it_and_its_duration(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge(folder, PASSES)
    first, *middle, last = capsys.readouterr().out.splitlines()
    assert first == "small: begins" and last.startswith("small: 1 tests ran in ")
    assert middle and all(line.startswith("small ") for line in middle)


def test_commands_of_a_group_all_run_and_count(capsys: pytest.CaptureFixture[str]) -> None:
    broken = "python -c raise(ValueError('told'))"
    found = run.run_group(run.Group("lint", commands=("python -V", broken, "python -V")), os.environ)
    assert (found.good, found.passed, found.failed, found.failing) == (False, 2, 1, [])
    output = capsys.readouterr().out
    assert f"lint: failed: {broken}" in output and output.count("Python 3.") == 2 and "told" in output


def test_a_process_that_a_group_leaves_behind_does_not_hold_up_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "TORN_S", 0.1)
    number = folder / "pid"
    assert judge(folder, LEAVES_A_PROCESS.format(str(number))).good
    left = psutil.Process(int(number.read_text()))
    assert left.is_running()
    left.kill()


def test_daily_run_chooses_the_quick_groups_and_main_journeys() -> None:
    daily = run.choose_groups([], whole=False)
    assert [group.name for group in daily] == ["journeys", "tests", "processes", "checks"]
    assert daily[0].arguments[-1] == "browser and main_journey"
    assert all("and not slow" in " ".join(group.arguments) for group in daily[1:3])
    assert not any("not slow" in " ".join(group.arguments) for group in run.choose_groups([], whole=True))


@pytest.mark.parametrize(("names", "whole"), [([], True), (["journeys"], False), (["postgres", "tests"], False)])
def test_whole_run_and_named_groups_leave_nothing_out(names: list[str], whole: bool) -> None:
    found = run.choose_groups(names, whole=whole)
    assert all(group in run.GROUPS for group in found)
    assert {group.name for group in found} == set(names or [group.name for group in run.GROUPS])


def test_a_group_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(SystemExit, match="no group oracle; there are journeys, postgres, "):
        run.choose_groups(["oracle"], whole=False)


def test_the_database_tests_are_the_same_on_both_databases() -> None:
    arguments = {group.name: set(group.arguments) for group in run.GROUPS}
    assert arguments["postgres"] == arguments["tests"] | {"--only-database"}


@pytest.mark.parametrize(("failures", "tried"), [(run.MOST_RETRIED, True), (run.MOST_RETRIED + 1, False)])
def test_failures_beyond_chance_get_no_second_try(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failures: int, tried: bool
) -> None:
    again: list[run.Result] = []
    failing = [f"test_{number}" for number in range(failures)]
    results = [run.Result(run.GROUPS[0], 1, 1, len(part), 0, part) for part in (failing[:4], failing[4:])]
    monkeypatch.setattr(run, "run_groups", lambda groups: results)
    monkeypatch.setattr(run, "retry_failures", again.append)
    assert run.main(["checks"]) == 1
    assert bool(again) is tried


def test_a_server_that_does_not_start_fails_its_groups_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def broken(name: str) -> Iterator[dict[str, str]]:
        raise TimeoutError("the model server did not start")
        yield

    monkeypatch.setattr(run, "start_server", broken)
    fine = run.Group("fine", commands=("python -V", "python -V"))
    needing = [run.Group(name, commands=("python -V",), server="model") for name in ("needing", "also")]
    results = run.run_groups([fine, *needing])
    assert [(result.passed, result.failed) for result in results] == [(2, 0), (0, 1), (0, 1)]
    output = capsys.readouterr().out
    assert "the model server did not start" in output and "needing: begins" not in output


def test_a_server_that_does_not_end_fails_the_run_and_keeps_no_count_back(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def stubborn(name: str) -> Iterator[dict[str, str]]:
        yield {}
        raise subprocess.TimeoutExpired("llm", 20)

    monkeypatch.setattr(run, "start_server", stubborn)
    (result,) = run.run_groups([run.Group("needing", commands=("python -V",), server="model")])
    assert (result.good, result.passed, result.failed) == (False, 1, 1)


def test_the_files_of_a_mark_are_all_that_can_have_tests_with_it() -> None:
    """Marks are given in the files themselves, but for the journeys, which are a group of their own."""
    root = Path(run.__file__).parent
    elsewhere = [path for path in root.rglob("*.py") if not path.name.startswith("test_") and path.name != "run.py"]
    for name in ("process", "vllm"):
        assert len(run.find_files(name)) > 1 and all((root.parent / path).is_file() for path in run.find_files(name))
        givers = {path.relative_to(root).as_posix() for path in elsewhere if f"mark.{name}" in path.read_text()}
        assert givers <= {"journeys/conftest.py"}


def test_ten_journeys_are_the_main_ones() -> None:
    marked = sum(path.read_text().count("@pytest.mark.main_journey") for path in Path("tests/journeys").glob("*.py"))
    assert marked == 10
