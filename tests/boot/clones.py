"""Clones of this working tree with environments of their own, as on a machine where Openbook was never started."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from assistant.boot.layout import ROOT

PATIENCE_S = 900  # downloads of half a gigabyte, on a machine that others use too
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
_PLAIN = ("PATH", "LANG", "LC_ALL", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", *_CERTIFICATES)


@dataclass
class Clone:
    """A copy of this tree in `folder`, and what its user types there."""

    folder: Path
    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment of a stock machine: no setting of pip or uv but certificates, no caches."""
        kept = {name: os.environ[name] for name in _PLAIN if name in os.environ}
        own = {"HOME": str(self.home), "XDG_CONFIG_DIRS": str(self.home / "none"), "PYTHON": sys.executable}
        return {**kept, **own, "PIP_CONFIG_FILE": os.devnull, **self.settings}

    @property
    def data(self) -> Path:
        return self.folder / "var"

    @property
    def log(self) -> str:
        return (self.home / "terminal.log").read_text(errors="replace")

    def run(self, *words: str, timeout: float = PATIENCE_S) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "run", *words], env=self.env, capture_output=True, text=True, timeout=timeout, check=False
        )

    def start(self, *words: str) -> None:
        with (self.home / "terminal.log").open("wb") as log:
            self.process = subprocess.Popen(
                [self.folder / "run", *words], env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, condition: Callable[[], object], timeout: float = PATIENCE_S) -> None:
        """Wait until the condition holds. Fails with the log where the process ends or the time is over before."""
        assert self.process is not None
        until = time.monotonic() + timeout
        while not condition():
            assert self.process.poll() is None and time.monotonic() < until, self.log[-4000:]
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9, all of the process group at once."""
        assert self.process is not None
        family = psutil.Process(self.process.pid).children(recursive=True)
        os.killpg(self.process.pid, signal.SIGKILL)
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self.process.wait()

    def interrupt(self) -> int:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(120)


def copy_tree(target: Path) -> None:
    """Copy what git tracks or would track, as a clone of the next commit holds it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


@contextmanager
def serve_folder(root: Path) -> Iterator[str]:
    """Serve a folder on a free port of the loopback address; a listing of a folder is a page of a package index."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
