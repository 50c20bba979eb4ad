"""Site as in production: web and worker as separate processes, on a data directory of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.lib.ports import find_free_port
from tests.journeys import seeding
from tests.support import prepared_site

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 120
_OURS = ("DATABASE_URL", "REDIS_URL", "EMBED_BACKEND", "INDEX_BACKEND", "LLM_BACKEND", "LLM_URL", "LLM_MORE",
         "LLM_NAME", "SECRET_KEY", "DEBUG")  # fmt: skip
PAINTER = {"IMAGE_BACKEND": "tests.journeys.model.PacedPainter", "IMAGE_MODEL": "stripes"}
WEB = "uvicorn assistant.asgi:application --host 127.0.0.1 --ws websockets-sansio --timeout-graceful-shutdown 3"
WORKER = "celery -A assistant worker --pool threads --concurrency 5 --without-gossip --without-mingle"


@dataclass
class Site:
    """Site with its data directory, port and processes."""

    directory: Path
    port: int = field(default_factory=find_free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)  # environment variables that override all others

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _OURS}
        model = os.environ.get("TEST_LLM_URL", "")
        engine = {"LLM_URL": model} if model else {"LLM_BACKEND": "tests.journeys.model.PacedChat"}
        own = {"DATA_DIR": str(self.directory), "SITE_URL": self.url, "EMBED_THREADS": "1", "DRAIN_SECONDS": "0"}
        return {**kept, **own, **engine, **PAINTER, **self.settings}

    def manage(self, *words: str) -> None:
        """Run `manage.py`."""
        subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.env, check=True, stdout=subprocess.DEVNULL
        )

    def prepare(self) -> None:
        """Create tables and static files, copied if possible."""
        prepared_site.copy_tables(self.directory)
        if not prepared_site.copy_static(self.directory):
            self.manage(*prepared_site.COLLECT)

    def seed(self, verb: str, module: str = "tests.journeys.seed") -> str:
        """Run a verb of the module and return its value."""
        if module not in self.running:
            self.running[module] = subprocess.Popen(
                [sys.executable, "-m", "tests.journeys.seeding", module], cwd=ROOT, env=self.env,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        return seeding.run_verb(self.running[module], verb)

    def rows(self, question: str) -> list[Any]:
        """Return the rows of an SQL query, run beside the processes. A site always uses SQLite."""
        with contextlib.closing(sqlite3.connect(self.directory / "openbook.sqlite3", timeout=30)) as base:
            return base.execute(question).fetchall()

    def states(self) -> set[str]:
        """Return the distinct states of all documents."""
        return {status for (status,) in self.rows("SELECT DISTINCT status FROM documents_document")}

    def start(self, name: str, command: str) -> None:
        """Start a Python module as a process with its output in NAME.log."""
        log = (self.directory / f"{name}.log").open("ab")
        with log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *command.split()],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_web(self) -> None:
        """Start the web process and wait until it answers."""
        self.start("web", f"{WEB} --log-level warning --port {self.port}")
        until(self._answers)

    def start_worker(self) -> None:
        """Start the worker."""
        self.start("worker", f"{WORKER} --without-heartbeat -l warning")

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the process group by the signal, by SIGKILL after 20 s."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Run worker and web within the block. Their logs are printed if it fails."""
        try:
            self.start_worker()
            self.start_web()
            yield
        except BaseException:
            print(self.logs())
            raise
        finally:
            self.stop_all()

    def stop_all(self) -> None:
        for name in list(self.running):
            self.stop(name)

    def logs(self) -> str:
        """Return the last 4,000 characters of each log."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text()[-4000:]}" for path in sorted(self.directory.glob("*.log"))
        )

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/live/", timeout=5) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except OSError:
            return False


@contextlib.contextmanager
def beside(site: Site, **settings: str) -> Iterator[Site]:
    """Run another web process on the data of that site, with these settings."""
    other = Site(site.directory, settings=settings)
    try:
        other.start_web()
        yield other
    finally:
        other.stop_all()


def until(holds: object, patience_s: float = PATIENCE_S) -> None:
    """Wait until `holds()` is true. Fails after `patience_s` seconds."""
    assert callable(holds)
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {patience_s} s: {getattr(holds, '__name__', holds)}"
        time.sleep(0.2)
