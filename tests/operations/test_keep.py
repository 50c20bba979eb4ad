"""The keeper of processes, tried on real processes."""

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

from assistant.boot import keep

ROOT = Path(settings.BASE_DIR)
# Writes its own id and that of a child it leaves behind, then waits.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()} {child.pid}\\n")
time.sleep(120)
"""
# As `python -m assistant.boot.keep`, and nothing is ended by force before a test gives up.
PATIENT = "import sys; from assistant.boot import keep; keep.GRACE_S = 600.0; sys.exit(keep.main(sys.argv[1:]))"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(120)"
)


class Kept:
    """A keeper in a process of its own, and what it was seen to do."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "pids"
        self.started: list[subprocess.Popen[str]] = []

    def start(self, code: str = PARENT, *, patient: bool = False, **env: str) -> subprocess.Popen[str]:
        keeper = ["-c", PATIENT] if patient else ["-m", "assistant.boot.keep"]
        command = [sys.executable, *keeper, "it", "--", sys.executable, "-c", code, str(self.file)]
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
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path)
    yield kept
    for process in kept.started:
        process.terminate()
        process.communicate(timeout=60)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def gone(*pids: int) -> bool:
    """Whether none of them runs; a zombie does not."""

    def runs(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    return not any(runs(pid) for pid in pids)


def test_a_command_that_is_killed_is_started_again_and_leaves_nothing_behind(kept: Kept) -> None:
    kept.start()
    command, child = kept.run(0)
    os.kill(command, signal.SIGKILL)
    second, _ = kept.run(1)
    assert second != command
    assert gone(command, child)


def test_telling_the_keeper_to_end_ends_the_whole_group(kept: Kept) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        kept.file.unlink(missing_ok=True)
        process = kept.start(patient=True)
        pids = kept.run(0)
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
        assert gone(*pids)


def test_a_command_that_ignores_the_signal_is_killed_after_the_grace(kept: Kept) -> None:
    process = kept.start(STUBBORN)
    assert process.stdout and process.stdout.readline() == "up\n"
    started = time.monotonic()
    process.terminate()
    assert process.wait(timeout=60) == 0
    assert time.monotonic() - started > keep.GRACE_S - 0.5  # and it waits for two minutes


def test_the_command_dies_with_a_keeper_that_is_killed_and_the_next_keeper_clears_the_rest(kept: Kept) -> None:
    first = kept.start()
    command, child = kept.run(0)
    # The same session, as honcho gives it: a leftover is known by group and session together.
    first.kill()
    first.wait()
    until(lambda: gone(command))
    assert not gone(child)
    record = json.loads((kept.folder / "run" / "it.json").read_text())
    assert record["group"] == command
    kept.start()
    kept.run(1)
    assert gone(child)


def test_the_keeper_ends_when_its_owner_does(kept: Kept) -> None:
    owner = subprocess.Popen(["sleep", "120"])
    process = kept.start(KEEP_WHILE=str(owner.pid))
    pids = kept.run(0)
    owner.kill()
    owner.wait()
    assert process.wait(timeout=60) == 0
    assert gone(*pids)


def test_it_waits_longer_after_each_quick_death(kept: Kept) -> None:
    process, waits = kept.start("import sys; sys.exit(3)"), list[float]()
    assert process.stderr
    while len(waits) < 3:  # however long a start takes on this machine
        line = process.stderr.readline()
        assert line, "the keeper has ended"
        waits += map(float, re.findall(r"ended with exit code 3; starting again in ([\d.]+) s", line))
    assert waits == [0.5, 1.0, 2.0]


def test_the_end_is_told_in_words() -> None:
    assert keep.ended(-9) == "was killed by SIGKILL"
    assert keep.ended(1) == "ended with exit code 1"
