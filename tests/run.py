"""Run the tests in groups: `./run test`, or `python -m tests.run [--whole] [GROUP …]`.

    checks      lint, format, import contracts, types, Django's own
    tests       unit and contract tests, with SQLite where they use a database
    processes   real worker, web and stand-in model server, killed
    journeys    the ten main journeys in Chromium

With --whole, which is what CI runs, or by name, a group also runs its tests marked `slow` and every journey. Further
groups then:

    postgres    the tests that use a database, on a real PostgreSQL server, started here
    model       the packaged model on vLLM, started here as `./run serve` does
    newcomer    the first journey again, on the packaged model
    install     a first start on a stock machine, an interrupted one, an upgrade

Three groups run side by side. Up to MOST_RETRIED tests that fail are run once more when everything has ended, alone and
in a process of their own, since a busy machine now and then lets one of thousands wait in vain. What passed only then
is named with the cause of its first failure, in the last lines and in `var/test-reports/second-tries.txt`.

The last line counts what passed, whatever becomes of a server or of the run. Exit code 0 only where every test passed
and no group was empty.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from assistant.boot.console import print_line
from assistant.boot.layout import ROOT
from tests.support.servers import start_server

AT_ONCE = 3  # groups; one calculates while others wait for pages, processes and a model
MOST_RETRIED = 8  # failures of a whole run that may be chance
TORN_S = 5  # to wait for the last words of a group that has ended: a process left behind may hold the line open
REPORTS = ROOT / "var" / "test-reports"  # JUnit XML of each group, and the second tries; kept until the next run

TWO_PROCESSES = ("-n", "2", "--dist", "loadfile")  # a file's tests share what is costly to make
PLAIN = "not vllm and not process and not browser and not install"
APART = (*TWO_PROCESSES, "--ignore=tests/journeys")  # which take their time to collect
PROCESS = "process and not browser and not vllm and not install"
FIRST_JOURNEY = "tests/journeys/test_setup.py::test_"


def find_files(mark: str) -> list[str]:
    """Return the test files that use a mark: to collect all takes longer than to run these few."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(path.relative_to(ROOT)) for path in files if f"mark.{mark}" in path.read_text()]


@dataclass(frozen=True, slots=True)
class Group:
    """Tests that one run of pytest runs, or commands, each of which counts as a test."""

    name: str
    arguments: tuple[str, ...] = ()  # of pytest
    unless_whole: tuple[str, ...] = ()  # further ones, where neither --whole nor its name is given
    server: str = ""  # "postgres" or "model"
    commands: tuple[str, ...] = ()  # of the environment, in place of pytest
    daily: bool = True  # runs also without --whole


PROCESS_FILES = find_files("process")
JOURNEYS = (*TWO_PROCESSES, "--no-loadscope-reorder", "tests/journeys", "-m")  # in order: a site keeps what they leave
GROUPS = (
    Group("journeys", (*JOURNEYS, "browser"), (*JOURNEYS, "browser and main_journey")),
    Group("postgres", (*APART, "-m", PLAIN, "--only-database"), server="postgres", daily=False),
    Group("tests", (*APART, "-m", PLAIN), (*APART, "-m", f"{PLAIN} and not slow")),
    Group("install", ("-m", "install", *find_files("install")), daily=False),
    Group("processes", ("-m", PROCESS, *PROCESS_FILES), ("-m", f"{PROCESS} and not slow", *PROCESS_FILES)),
    Group("checks", commands=(
        "ruff check .", "ruff format --check .", "djangofmt --check templates", "lint-imports", "mypy",
        "python manage.py check", "python manage.py makemigrations --check --dry-run",
    )),
    Group("model", ("-m", "vllm", *find_files("vllm")), server="model", daily=False),
    Group("newcomer", (
        f"{FIRST_JOURNEY}a_newcomer_is_led_from_the_first_page_to_a_cited_answer",
        f"{FIRST_JOURNEY}the_doctor_repeats_the_checks_at_any_time",
    ), server="model", daily=False),
)  # fmt: skip


@dataclass(slots=True)
class Result:
    """Outcome of a group. `code` is pytest's exit code, `failing` the tests that failed at their last try, `retried`
    those that passed at the second try only, each with the first line of its first failure."""

    group: Group
    code: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failing: list[str] = field(default_factory=list)
    retried: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return self.code == 0 and self.failed == 0 and self.passed > 0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run test")
    parser.add_argument("--whole", action="store_true", help="every group, journey and slow test, as CI does")
    parser.add_argument("group", nargs="*")
    options = parser.parse_args(arguments)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would each compile everything anew
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TEST_STATIC"] = folder
        results = run_groups(choose_groups(options.group, whole=options.whole))
        if sum(len(result.failing) for result in results) <= MOST_RETRIED:
            for result in results:
                if result.code == 1 and result.failing:
                    retry_failures(result)
    print_line(f"\nAll of it took {time.monotonic() - started:.0f} s.")
    print_line(summarise(results))
    return 0 if all(result.good for result in results) else 1


def choose_groups(names: Sequence[str], *, whole: bool) -> list[Group]:
    """Return the groups to run, longest first. Raises SystemExit for a name that no group has."""
    known = [group.name for group in GROUPS]
    if unknown := sorted(set(names) - set(known)):
        raise SystemExit(f"There is no group {', '.join(unknown)}; there are {', '.join(known)}.")
    if names or whole:
        return [group for group in GROUPS if not names or group.name in names]
    return [
        Group(group.name, group.unless_whole or group.arguments, (), group.server, group.commands)
        for group in GROUPS
        if group.daily
    ]


def run_groups(groups: Sequence[Group]) -> list[Result]:
    """Run the groups, AT_ONCE side by side, and return their results in order. Groups of one server run one after
    another on the same one; a group whose server does not start or end has failed."""
    results = {group.name: Result(group) for group in groups}
    by_server: dict[str, list[Group]] = {}
    for group in groups:
        by_server.setdefault(group.server or group.name, []).append(group)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [(together, pool.submit(_run_together, together, results)) for together in by_server.values()]
    for together, future in running:
        if (error := future.exception()) is not None:
            print_line("".join(traceback.format_exception(error)))
            missing = [results[group.name] for group in together if not results[group.name].passed]
            for result in missing or [results[together[-1].name]]:  # all had ended, and the server did not
                result.code, result.failed = 1, result.failed + 1
    return [results[group.name] for group in groups]


def _run_together(groups: Sequence[Group], results: dict[str, Result]) -> None:
    """Run groups that use the same server one after another, and enter their results."""
    with ExitStack() as stack:
        env = stack.enter_context(start_server(groups[0].server)) if groups[0].server else {}
        for group in groups:
            results[group.name] = run_group(group, {**os.environ, **env})


def run_group(group: Group, env: Mapping[str, str]) -> Result:
    print_line(f"{group.name}: begins")
    started = time.monotonic()
    result = _run_commands(group, env) if group.commands else _run_tests(group, env)
    if result.code and not result.failed:
        result.failed = 1  # pytest itself broke off, or found nothing to run
    print_line(f"{group.name}: {result.passed + result.failed} tests ran in {time.monotonic() - started:.0f} s")
    return result


def _run_commands(group: Group, env: Mapping[str, str]) -> Result:
    """Run all commands, whatever becomes of one."""
    result = Result(group)
    for command in group.commands:
        program, *words = command.split()
        code = _follow([str(Path(sys.executable).with_name(program)), *words], group.name, env)
        result.passed += not code
        result.failed += bool(code)
        if code:
            print_line(f"{group.name}: failed: {command}")
    return result


def _run_tests(group: Group, env: Mapping[str, str]) -> Result:
    report = REPORTS / f"{group.name}.xml"
    code = _follow(_pytest(group, f"--junitxml={report}"), group.name, env)
    result = Result(group, code, failing=_read_failing(group))
    suite = ET.parse(report).getroot().find("testsuite") if report.exists() else None  # noqa: S314 - pytest's own
    if suite is not None:
        number = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
        result.failed, result.skipped = number["failures"] + number["errors"], number["skipped"]
        result.passed = max(0, number["tests"] - result.failed - result.skipped)
    return result


def retry_failures(result: Result) -> None:
    """Run the failing tests of a group once more, alone, with a server of their own; one that does not run again has
    failed."""
    group = result.group
    print_line(f"{group.name}: once more, alone: {', '.join(result.failing)}")
    with ExitStack() as stack:
        env = stack.enter_context(start_server(group.server)) if group.server else {}
        alone = ("-n", "0", "--lf", "--lfnf", "none")
        result.code = _follow(_pytest(group, *alone), group.name, {**os.environ, **env})
    causes, still = _read_causes(REPORTS / f"{group.name}.xml"), _read_failing(group)
    result.retried = {name: causes.get(name, "") for name in result.failing if name not in still}
    result.passed += len(result.retried)
    result.failed, result.failing = len(still), still
    with (REPORTS / "second-tries.txt").open("a") as file:
        file.writelines(f"{name}\n    {cause}\n" for name, cause in result.retried.items())


def _pytest(group: Group, *more: str) -> list[str]:
    cache = ("-o", f"cache_dir={REPORTS / f'{group.name}-cache'}")
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", *group.arguments, *more, *cache]


def _follow(command: list[str], name: str, env: Mapping[str, str]) -> int:
    """Run a command, print its lines with the name before each, and return its exit code."""
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    reader = threading.Thread(target=_print_lines, args=(process.stdout, name), daemon=True)
    reader.start()
    code = process.wait()
    reader.join(TORN_S)
    return code


def _print_lines(lines: IO[bytes], name: str) -> None:
    for line in lines:
        print_line(f"{name:9} {line.decode(errors='replace').rstrip()}")


def _read_failing(group: Group) -> list[str]:
    """Return the tests that failed at their last try, as pytest keeps them."""
    kept = REPORTS / f"{group.name}-cache" / "v" / "cache" / "lastfailed"
    return sorted(json.loads(kept.read_text())) if kept.exists() else []


def _read_causes(report: Path) -> dict[str, str]:
    """Return the first line of each failure in a JUnit report, by the name that pytest gives the test."""
    found = {}
    for case in ET.parse(report).getroot().iter("testcase") if report.exists() else ():  # noqa: S314 - pytest's own
        failure = next((part for part in case if part.tag in ("failure", "error")), None)
        if failure is not None:
            file = f"{case.get('classname', '').replace('.', '/')}.py"
            found[f"{file}::{case.get('name')}"] = failure.get("message", "").partition("\n")[0]
    return found


def summarise(results: Sequence[Result]) -> str:
    """Return the last lines: what passed at the second try only, with its cause, then the counts of all groups."""
    retried = {name: cause for result in results for name, cause in result.retried.items()}
    lines = [f"passed at the second try only, look into it: {name}: {cause}" for name, cause in retried.items()]
    counts = (f"{sum(getattr(result, kind) for result in results)} {kind}" for kind in ("passed", "failed", "skipped"))
    return "\n".join([*lines, ", ".join(counts) + (f"; {len(retried)} at the second try only" if retried else "")])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
