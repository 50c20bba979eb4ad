"""`./run serve` itself, from the shell: one log, processes that are kept, Ctrl-C, and a second start."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from apps.lib.ports import find_free_port
from assistant.boot.layout import ROOT

pytestmark = pytest.mark.process
PATIENCE_S = 180  # of a machine that others use too


class Served:
    """What somebody has at the terminal."""

    def __init__(self, folder: Path) -> None:
        self.port, self._log = find_free_port(), folder / "terminal.log"
        self._env = {
            **os.environ, "PYTHON": sys.executable, "DATA_DIR": str(folder / "data"), "PORT": str(self.port),
            "SITE_URL": f"http://localhost:{self.port}", "LLM_URL": "http://127.0.0.1:9/v1",
        }  # fmt: skip

    def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [ROOT / "run", "serve"], env=self._env, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children(recursive=True)

    def interrupt(self) -> int:
        """Ctrl-C, which every process of the terminal hears; the exit code."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(PATIENCE_S)

    def end(self) -> None:
        if self._process.poll() is None:
            for process in self.family():
                process.kill()
            self._process.kill()
            self._process.wait()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    made.start()
    yield made
    made.end()


def until(found: Callable[[], object], served: Served) -> None:
    end = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end, served.log
        time.sleep(0.1)


def answers(served: Served) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{served.port}/", timeout=20) as answer:
            return answer.status == 200 and b"</html>" in answer.read()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def named(served: Served, *words: str) -> list[psutil.Process]:
    """Processes of that command that are no keeper's."""
    found = []
    for process in served.family():
        line = ""
        with suppress(psutil.Error):  # it ends at this moment
            line = " ".join(process.cmdline())
        if all(word in line for word in words) and "assistant.boot" not in line:
            found.append(process)
    return found


def test_serve_keeps_its_processes_and_ends_cleanly(served: Served) -> None:
    until(lambda: answers(served), served)
    until(lambda: re.search(r"^\S*.*\bweb", served.log, re.MULTILINE) and named(served, "celery"), served)
    assert f"http://localhost:{served.port}" in served.log
    assert "no model server is started here" in served.log, "a model server was named"

    (web,) = named(served, "uvicorn")
    web.kill()
    until(lambda: named(served, "uvicorn") and answers(served), served)
    assert [process.pid for process in named(served, "uvicorn")] != [web.pid]

    family = served.family()
    assert served.interrupt() == 0, served.log
    _, left = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert left == [], "nothing goes on after Ctrl-C"
    assert "Traceback" not in served.log
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", served.port)), "the port is free"

    first = served.log
    served.start()
    until(lambda: answers(served), served)
    steps = [line for line in first.splitlines() if line.startswith("·")]
    assert any("database" in line for line in steps)
    assert not any(line.startswith("·") for line in served.log.splitlines()), "nothing is set up a second time"
    assert served.interrupt() == 0, served.log
