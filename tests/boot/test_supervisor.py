"""The supervisor restarts and ends real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from apps.lib import os_compat
from assistant.boot import supervisor

ROOT = Path(settings.BASE_DIR)
# Writes its own id and that of a child it leaves behind, then waits.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()} {child.pid}\\n")
time.sleep(120)
"""
# As `python -m assistant.boot.supervisor`, and nothing is ended by force before a test gives up.
PATIENT = """
from assistant.boot import supervisor
import sys
supervisor.GRACE_S = 600.0
sys.exit(supervisor.main(sys.argv[1:]))
"""
FOREIGN = "from tests.support import non_linux\nnon_linux.install()\n"
on_each_system = pytest.mark.parametrize(
    "system", [pytest.param("", id="linux"), pytest.param(FOREIGN, id="foreign", marks=pytest.mark.slow)]
)
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(120)"
)


class Started:
    """A supervisor in a process of its own, and the processes that its command reported."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "pids"
        self.started: list[subprocess.Popen[str]] = []

    def start(self, code: str = PARENT, *, patient: str = "", **env: str) -> subprocess.Popen[str]:
        """Start a supervisor; with `patient` by that code."""
        supervisor = ["-c", patient] if patient else ["-m", "assistant.boot.supervisor"]
        command = [sys.executable, *supervisor, "it", "--", sys.executable, "-c", code, str(self.file)]
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "DATA_DIR": str(self.folder), **env}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def run(self, number: int) -> tuple[int, int]:
        """The command and its child of the given start, from 0."""
        until(lambda: self.file.exists() and self.file.read_text().count("\n") > number)
        command, child = self.file.read_text().splitlines()[number].split()
        return int(command), int(child)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    started = Started(tmp_path)
    yield started
    for process in started.started:
        process.terminate()
        process.communicate(timeout=60)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def gone(*pids: int) -> bool:
    """Whether none of them runs; a zombie does not."""
    return not any(os_compat.is_running(pid) for pid in pids)


@on_each_system
def test_a_command_that_is_killed_is_started_again_and_leaves_nothing_behind(started: Started, system: str) -> None:
    started.start(patient=system + PATIENT)
    command, child = started.run(0)
    os.kill(command, signal.SIGKILL)
    second, _ = started.run(1)
    assert second != command
    assert gone(command, child)


@on_each_system
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_telling_the_supervisor_to_end_ends_the_whole_group(
    started: Started, system: str, number: signal.Signals
) -> None:
    process = started.start(patient=system + PATIENT)
    pids = started.run(0)
    process.send_signal(number)
    assert process.wait(timeout=60) == 0
    assert gone(*pids)


def test_a_command_that_ignores_the_signal_is_killed_after_the_grace(started: Started) -> None:
    process = started.start(STUBBORN)
    assert process.stdout and process.stdout.readline() == "up\n"
    begun = time.monotonic()
    process.terminate()
    assert process.wait(timeout=60) == 0
    assert time.monotonic() - begun > supervisor.GRACE_S - 0.5  # and the command waits for two minutes


def test_the_model_server_ends_after_the_web_process(started: Started, tmp_path: Path) -> None:
    def start(name: str, code: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "assistant.boot.supervisor", name, "--", sys.executable, "-c", code]
        env = {**os.environ, "DATA_DIR": str(tmp_path), "DRAIN_SECONDS": "30"}
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, start_new_session=True
        )
        started.started.append(process)
        assert process.stdout and process.stdout.readline() == "up\n"
        return process

    web, model = start("web", STUBBORN), start("llm", "import time; print('up', flush=True); time.sleep(120)")
    web.terminate()
    model.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        model.wait(3)
    os.kill(json.loads((tmp_path / "run" / "web.json").read_text())["group"], signal.SIGKILL)  # has written its answers
    assert web.wait(30) == 0 and model.wait(30) == 0


@on_each_system
def test_the_next_supervisor_clears_what_one_that_was_killed_left(started: Started, system: str) -> None:
    first = started.start(patient=system + PATIENT)
    command, child = started.run(0)
    # The same session, as honcho gives it: a leftover is known by group and session together.
    first.kill()
    first.wait()
    if not system:  # Linux ends the command with its supervisor
        until(lambda: gone(command))
    assert not gone(child)
    record = json.loads((started.folder / "run" / "it.json").read_text())
    assert record["group"] == command
    started.start(patient=system + PATIENT)
    started.run(1)
    assert gone(command, child)


@on_each_system
def test_the_supervisor_ends_when_its_owner_does(started: Started, system: str) -> None:
    owner = subprocess.Popen(["sleep", "120"])
    process = started.start(patient=system + PATIENT, SUPERVISE_WHILE=str(owner.pid))
    pids = started.run(0)
    owner.kill()
    owner.wait()
    assert process.wait(timeout=60) == 0
    assert gone(*pids)


def test_the_supervisor_waits_longer_after_each_quick_death(started: Started) -> None:
    process, waits = started.start("import sys; sys.exit(3)"), list[float]()
    assert process.stderr
    while len(waits) < 3:  # however long a start takes on this machine
        line = process.stderr.readline()
        assert line, "the supervisor has ended"
        waits += map(float, re.findall(r"ended with exit code 3; starting again in ([\d.]+) s", line))
    assert waits == [0.5, 1.0, 2.0]


def test_the_end_is_told_in_words() -> None:
    assert supervisor.describe_exit(-9) == "was killed by SIGKILL"
    assert supervisor.describe_exit(1) == "ended with exit code 1"


ONE_PROCESS = """
import sys
from assistant.boot import serve
serve._read_procfile = lambda: {"worker": f"exec supervisor worker -- {sys.argv[1]}"}
sys.exit(serve.main(["worker"]))
"""


def test_process_that_runs_alone_is_restarted_and_leaves_no_record(started: Started) -> None:
    write = f"{sys.executable} -c '{PARENT}' {started.file}"
    env = {**os.environ, "DATA_DIR": str(started.folder), "LLM_URL": "http://127.0.0.1:9/v1"}
    process = subprocess.Popen([sys.executable, "-c", ONE_PROCESS, write], cwd=ROOT, env=env, text=True)
    started.started.append(process)
    command, child = started.run(0)
    os.kill(command, signal.SIGKILL)
    assert started.run(1) != (command, child)
    assert not (started.folder / "run").exists(), "another machine may run a worker with the same data directory"
    process.terminate()
    assert process.wait(60) == 0
