"""What `./run test` makes of failures: real pytest runs over small files."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests import phases, run, servers, spread

PASSES_LATER = """
from pathlib import Path

def test_waits_in_vain_once():
    seen = Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first
"""
ALWAYS_FAILS = "\ndef test_never():\n    raise ValueError('no')\n"
FAILS_TWICE_OVER = """
import pytest

@pytest.fixture
def torn():
    yield
    raise ValueError("no way back")

def test_torn(torn):
    raise ValueError("no")
"""
LEAVES = """
import subprocess, sys
from pathlib import Path

def test_leaves_a_process():
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    Path({!r}).write_text(str(left.pid))
"""
PATIENCE_S = 120
PASSES = "\ndef test_fine():\n    assert True\n"
# These files are no part of the site: they need no plugin of it, each of which takes its time to load.
BARE = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}


def judged(folder: Path, *texts: str, select: tuple[str, ...] = ()) -> phases.Result:
    (folder / "pytest.ini").write_text("[pytest]\n")
    for number, text in enumerate(texts):
        (folder / f"test_part{number}.py").write_text(text)
    result = phases.run(phases.Phase("small", (*select, str(folder))), BARE, folder)
    if result.by_chance:
        phases.again(result, BARE, folder)
    return result


def test_what_passes_alone_counts_and_is_named(tmp_path: Path) -> None:
    found = judged(tmp_path, PASSES, PASSES_LATER, select=phases.TWO)
    assert (found.good, found.passed, found.failed) == (True, 2, 0)
    assert [name.split("::")[1] for name in found.unsure] == ["test_waits_in_vain_once"]


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    found = judged(tmp_path, PASSES, PASSES_LATER, ALWAYS_FAILS)
    assert (found.good, found.passed, found.failed, len(found.unsure)) == (False, 2, 1, 1)


def test_what_does_not_run_again_has_not_passed(tmp_path: Path) -> None:
    """As a case would that the second try leaves out, since another one says the same by now."""
    leaves_out = """
import pytest

def pytest_collection_modifyitems(config, items):
    if config.getoption("lf"):
        items[:] = [item for item in items if "never" not in item.name]
"""
    (tmp_path / "conftest.py").write_text(leaves_out)
    found = judged(tmp_path, PASSES, PASSES_LATER, ALWAYS_FAILS)
    assert (found.good, found.failed, len(found.names)) == (False, 1, 1)


def test_the_first_try_alone_is_narrowed(tmp_path: Path) -> None:
    """What a run has noted meanwhile must not decide which failures are tried again."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_part.py").write_text(f"{PASSES}{PASSES_LATER}")
    phase = phases.Phase("small", (str(tmp_path),), first=("-k", "vain"))
    result = phases.run(phase, BARE, tmp_path)
    assert (result.passed, result.failed) == (0, 1)
    phases.again(result, BARE, tmp_path)
    assert (result.good, result.passed, len(result.unsure)) == (True, 1, 1)


def test_a_test_that_fails_and_cannot_clear_up_is_one_failure(tmp_path: Path) -> None:
    found = judged(tmp_path, PASSES, FAILS_TWICE_OVER)
    assert (found.good, found.failed, found.unsure) == (False, 1, [])


def test_many_failures_are_no_chance(tmp_path: Path) -> None:
    found = judged(tmp_path, *[PASSES_LATER.replace('"seen"', f'"seen{n}"') for n in range(phases.FEW + 1)])
    assert (found.good, found.failed, found.unsure) == (False, phases.FEW + 1, [])


@pytest.mark.parametrize(("when", "good"), [("trylast", True), ("tryfirst", False)])
def test_a_plugin_that_fails_at_the_end_matters_only_where_nothing_was_counted(
    tmp_path: Path, when: str, good: bool
) -> None:
    """Last of all, every test has passed and stands in the report; first, there is no report."""
    hook = f"import pytest\n\n@pytest.hookimpl({when}=True)\ndef pytest_sessionfinish():\n    raise SystemError('no')\n"
    (tmp_path / "conftest.py").write_text(hook)
    found = judged(tmp_path, PASSES)
    assert (found.good, found.failed) == ((True, 0) if good else (False, 1))


@pytest.mark.parametrize("texts", [("def test_broken(:\n",), ("nothing = 1\n",)])
def test_a_phase_that_breaks_off_or_is_empty_has_failed(tmp_path: Path, texts: tuple[str, ...]) -> None:
    found = judged(tmp_path, *texts)
    assert (found.good, found.passed) == (False, 0)
    assert found.failed > 0


def test_every_line_of_a_phase_says_whose_it_is_and_what_it_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged(tmp_path, PASSES)
    first, *middle, last = capsys.readouterr().out.splitlines()
    assert first == "small: begins" and last.startswith("small: 1 tests ran in ") and "processor time" in last
    assert middle and all(line.startswith("small ") for line in middle)


def test_of_commands_each_counts_and_none_keeps_the_others_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = "python -c raise(ValueError('told'))"
    found = phases.run(phases.Phase("lint", commands=("python -V", broken, "python -V")), os.environ, tmp_path)
    assert (found.good, found.passed, found.failed, found.by_chance) == (False, 2, 1, False)
    said = capsys.readouterr().out
    assert f"lint: failed: {broken}" in said and said.count("Python 3.") == 2 and "told" in said


def test_a_process_that_a_phase_leaves_behind_does_not_hold_up_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phases, "TORN_S", 0.1)
    number = tmp_path / "pid"
    assert judged(tmp_path, LEAVES.format(str(number))).good
    left = psutil.Process(int(number.read_text()))
    assert left.is_running()
    left.kill()


def test_all_phases_run_where_none_is_named_and_postgres_hears_what_is_new(tmp_path: Path) -> None:
    lanes = run.chosen([], whole=False, notes=tmp_path)
    assert [[phase.name for phase in lane] for lane in lanes] == [
        ["sqlite", "postgres"], ["browser", "unit"], ["checks", "processes", "model", "newcomer"]
    ]  # fmt: skip
    sqlite, postgres = lanes[0]
    assert sqlite.first[-1] == f"--note-statements={tmp_path}"
    assert postgres.first[-1] == f"--new-statements={tmp_path}"


def test_what_uses_no_database_is_a_phase_of_its_own_and_nothing_is_left_out() -> None:
    chosen = {phase.name: set(phase.select) - set(phases.TWO) for lane in run.LANES for phase in lane}
    assert chosen["unit"] - {"--without-database"} == chosen["sqlite"] - {"--only-database"}
    assert chosen["sqlite"] == chosen["postgres"] and "--without-database" in chosen["unit"]


@pytest.mark.parametrize(("names", "whole"), [([], True), (["postgres"], False), (["sqlite", "postgres"], False)])
def test_the_whole_and_what_is_named_leave_nothing_out(tmp_path: Path, names: list[str], whole: bool) -> None:
    lanes = run.chosen(names, whole=whole, notes=tmp_path)
    assert not any(phase.first for lane in lanes for phase in lane)
    assert not names or [phase.name for lane in lanes for phase in lane] == names


def test_a_phase_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no phase oracle; there are sqlite, postgres, "):
        run.chosen(["oracle"], whole=False, notes=tmp_path)


def test_the_last_line_says_what_was_left_out(tmp_path: Path) -> None:
    results = [phases.Result(phase, passed=3, skipped=1) for lane in run.LANES for phase in lane]
    assert run.told(results, part=False) == "27 passed, 0 failed, 9 skipped"
    assert run.told(results, part=True) == (
        "27 passed, 0 failed, 9 skipped; on PostgreSQL 3, "
        "of each test the cases that tell it something new: ./run test --whole runs all"
    )


def test_the_last_line_names_what_passed_at_the_second_try_only() -> None:
    (phase, *_), *_ = run.LANES
    results = [phases.Result(phase, passed=3, unsure=["a.py::test_one"]), phases.Result(phase, passed=2)]
    assert run.told(results, part=False) == (
        "5 passed, 0 failed, 0 skipped; 1 of the passed at the second try only: a.py::test_one"
    )


@pytest.mark.parametrize(("failures", "tried"), [(phases.FEW, True), (phases.FEW + 1, False)])
def test_more_failures_than_chance_explains_get_no_second_try(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failures: int, tried: bool
) -> None:
    again: list[bool] = []

    def ended(lanes: object, place: Path) -> list[phases.Result]:
        names = [f"test_{number}" for number in range(failures)]
        return [
            phases.Result(run.LANES[0][0], code=1, passed=1, failed=len(part), names=part)
            for part in (names[:4], names[4:])
        ]

    monkeypatch.setattr(run, "side_by_side", ended)
    monkeypatch.setattr(run, "once_more", lambda results, place: again.append(True))
    assert run.main(["sqlite"]) == 1
    assert bool(again) is tried and f"{failures} failed" in capsys.readouterr().out


def test_the_last_line_is_said_also_where_a_server_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What had ended by then is counted; what needs the server has failed, and so has what comes behind it."""

    @contextmanager
    def broken() -> Iterator[dict[str, str]]:
        raise TimeoutError("the model server did not start")
        yield

    fine = phases.Phase("fine", commands=("python -V", "python -V"))
    needing = [phases.Phase(name, commands=("python -V",), needs=("model",)) for name in ("needing", "behind")]
    monkeypatch.setattr(servers, "model", broken)
    monkeypatch.setattr(run, "LANES", ((fine,), (fine, *needing)))
    monkeypatch.setenv("TEST_MIGRATED", "")  # which the run sets for its phases
    assert run.main(["fine", "needing", "behind"]) == 1
    said = capsys.readouterr().out
    assert "the model server did not start" in said and "needing: begins" not in said
    assert said.splitlines()[-1] == "4 passed, 2 failed, 0 skipped"


@pytest.mark.parametrize("needs", [(), ("postgres",)])
def test_a_server_starts_ahead_where_a_later_phase_needs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, needs: tuple[str, ...]
) -> None:
    starts = threading.Event()
    seen = []

    @contextmanager
    def server() -> Iterator[dict[str, str]]:
        starts.set()
        yield {"SERVER": "there"}

    def ran(phase: phases.Phase, env: dict[str, str], reports: Path) -> phases.Result:
        seen.append(env.get("SERVER"))
        assert not needs or starts.wait(PATIENCE_S)
        return phases.Result(phase)

    monkeypatch.setattr(servers, "database", server)
    monkeypatch.setattr(run, "run", ran)
    lane = (phases.Phase("early", ahead=("postgres",)), phases.Phase("late", needs=needs))
    run.one_after_another(lane, tmp_path, [])
    assert (starts.is_set(), seen) == (bool(needs), [None, "there" if needs else None])


def test_a_server_that_does_not_end_fails_the_run_and_keeps_no_count_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def stubborn() -> Iterator[dict[str, str]]:
        yield {}
        raise subprocess.TimeoutExpired("llm", 20)

    monkeypatch.setattr(servers, "model", stubborn)
    monkeypatch.setattr(run, "LANES", ((phases.Phase("needing", commands=("python -V",), needs=("model",)),),))
    monkeypatch.setenv("TEST_MIGRATED", "")  # which the run sets for its phases
    assert run.main(["needing"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"


def test_what_loads_torch_goes_to_one_worker_and_every_other_file_to_any() -> None:
    deal = object.__new__(spread.ByFile)._split_scope
    assert {deal(f"{file}::test_it[a::b]") for file in spread.TORCH} == {"torch"}
    assert all((run.ROOT / file).is_file() for file in spread.TORCH)
    assert deal("tests/test_run.py::test_it[a::b]") == "tests/test_run.py"


def test_the_files_of_a_mark_are_all_that_can_have_tests_with_it() -> None:
    """Marks are given in the files themselves, but for the journeys, which are a phase of their own."""
    root = Path(run.__file__).parent
    elsewhere = [path for path in root.rglob("*.py") if not path.name.startswith("test_") and path.name != "run.py"]
    for name in ("process", "vllm"):
        assert len(run.marked(name)) > 1 and all((root.parent / path).is_file() for path in run.marked(name))
        givers = {path.relative_to(root).as_posix() for path in elsewhere if f"mark.{name}" in path.read_text()}
        assert givers <= {"journeys/conftest.py"}
