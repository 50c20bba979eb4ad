"""One set-up at a time, and one Openbook from one data directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.boot import process_locks, serve
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import ROOT, Layout

HOLD = """
import sys, time
from assistant.boot import process_locks
from assistant.boot.layout import Layout
process_locks.lock_data(Layout.read(), shared=len(sys.argv) > 1)
print("locked", flush=True)
time.sleep(600)
"""


def hold(layout: Layout, *words: str) -> subprocess.Popen[str]:
    """Start a process that holds the data directory; it holds it when this returns."""
    env = {**os.environ, "DATA_DIR": str(layout.data)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, *words], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "locked\n"
    return process


def test_a_second_start_from_the_same_data_is_refused_until_the_first_is_killed(layout: Layout) -> None:
    os.close(process_locks.lock_data(layout))
    first = hold(layout)
    with pytest.raises(BootError, match="; stop it") as caught:
        serve.run_processes(layout)
    assert caught.value.code == ExitCode.RUNNING
    first.send_signal(signal.SIGKILL)
    first.wait()
    os.close(process_locks.lock_data(layout))


def test_single_processes_run_beside_each_other_and_keep_a_whole_start_away(layout: Layout) -> None:
    both = [hold(layout, "shared"), hold(layout, "shared")]
    with pytest.raises(BootError):
        process_locks.lock_data(layout)
    for process in both:
        process.kill()
        process.wait()
    os.close(process_locks.lock_data(layout))


def test_a_second_set_up_waits_for_the_first(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process_locks, "ROOT", tmp_path)
    held = subprocess.Popen(["flock", str(tmp_path / ".setup.lock"), "sleep", "2"])
    while subprocess.run(["flock", "--nonblock", str(tmp_path / ".setup.lock"), "true"], check=False).returncode == 0:
        pass
    with process_locks.lock_setup(layout):
        assert held.wait(10) == 0
    assert "Another set-up is running" in capfd.readouterr().out
