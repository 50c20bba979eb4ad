"""One phase of the tests: a run of pytest (or some commands), what it counted, and the second try of what failed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from assistant.boot.console import print_line
from assistant.boot.layout import ROOT

TWO = ("-n", "2", "--dist", "loadfile")  # at once; what a file shares among its tests is made once
IN_ORDER = ("--no-loadscope-reorder",)  # a site keeps what journeys leave: none meets what used to come later
PLAIN = ("-p", "no:schemathesis")  # what it loads at the end fails now and then where other threads load something too
ALONE = ("-n", "0", "--lf", "--lfnf", "none")  # what failed a moment ago, one after another
FEW = 8  # failures of a phase, and of a whole run, that may be chance; more of them are not
TORN_S = 5  # after the end of a run in which its last words are read: a process left behind may hold the line open


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    select: tuple[str, ...] = ()  # arguments of pytest
    needs: tuple[str, ...] = ()  # servers
    ahead: tuple[str, ...] = ()  # servers that start while it runs, where a later phase of its lane needs them
    commands: tuple[str, ...] = ()  # of the environment, in place of pytest; each counts as a test
    first: tuple[str, ...] = ()  # arguments of the first try alone
    nice: int = 0  # how far it lets others go first, as of the program of that name


@dataclass(slots=True)
class Result:
    """What became of a phase. `code` is pytest's, `names` are the tests that failed at its last try."""

    phase: Phase
    code: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    names: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)  # passed at the second try only

    @property
    def good(self) -> bool:
        """Every test passed, and there was one."""
        return self.code == 0 and self.failed == 0 and self.passed > 0

    @property
    def by_chance(self) -> bool:
        return self.code == 1 and 0 < len(self.names) <= FEW


def run(phase: Phase, env: Mapping[str, str], reports: Path) -> Result:
    print_line(f"{phase.name}: begins")
    started = time.monotonic()
    result, cpu_s = _commands(phase, env) if phase.commands else _tests(phase, env, reports)
    ran = result.passed + result.failed
    if result.code == 1 and ran and not result.names and not result.failed:
        print_line(f"{phase.name}: pytest stumbled over a plugin when all had passed and was counted; see above")
        result.code = 0
    if result.code and not result.failed:
        result.failed = 1  # pytest itself broke off, or found nothing to run
    print_line(
        f"{phase.name}: {ran} tests ran in {time.monotonic() - started:.0f} s, with {cpu_s:.0f} s of processor time"
    )
    return result


def _commands(phase: Phase, env: Mapping[str, str]) -> tuple[Result, float]:
    """What became of all, and seconds of processor time; one that fails keeps none of the others back."""
    result, used_s = Result(phase), 0.0
    for command in phase.commands:
        program, *words = command.split()
        code, cpu_s = _follow([str(Path(sys.executable).with_name(program)), *words], phase.name, env)
        used_s += cpu_s
        result.passed += not code
        result.failed += bool(code)
        if code:
            print_line(f"{phase.name}: failed: {command}")
    return result, used_s


def _tests(phase: Phase, env: Mapping[str, str], reports: Path) -> tuple[Result, float]:
    report, cache = reports / f"{phase.name}.xml", reports / f"{phase.name}-cache"
    code, cpu_s = _pytest(phase, *phase.first, f"--junitxml={report}", "-o", f"cache_dir={cache}", env=env)
    result = Result(phase, code, names=_names(cache))
    if report.exists():
        _count(report, result)
    return result, cpu_s


def again(result: Result, env: Mapping[str, str], reports: Path) -> None:
    """The second try: of the failures only those go that pass now; one that did not run again stays."""
    phase, cache = result.phase, reports / f"{result.phase.name}-cache"
    print_line(f"{phase.name}: once more, alone: {', '.join(result.names)}")
    result.code, _ = _pytest(phase, *ALONE, "-o", f"cache_dir={cache}", env=env)
    still = _names(cache)
    result.unsure = [name for name in result.names if name not in still]
    result.passed += len(result.unsure)
    result.failed, result.names = len(still), still


def _count(report: Path, result: Result) -> None:
    suite = ET.parse(report).getroot().find("testsuite")  # noqa: S314 - written by pytest a moment ago
    if suite is None:
        return
    number = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
    result.failed, result.skipped = number["failures"] + number["errors"], number["skipped"]
    result.passed = max(0, number["tests"] - result.failed - result.skipped)


def _pytest(phase: Phase, *arguments: str, env: Mapping[str, str]) -> tuple[int, float]:
    command = ["nice", "-n", str(phase.nice), sys.executable, "-m", "pytest", "-q", *phase.select, *arguments]
    return _follow(command, phase.name, env)


def _follow(command: list[str], name: str, env: Mapping[str, str]) -> tuple[int, float]:
    """Its exit code and the seconds of processor time of it and its processes; every line is shown with that name."""
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    reader = threading.Thread(target=_show, args=(process.stdout, name), daemon=True)
    reader.start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join(TORN_S)
    return process.returncode, used.ru_utime + used.ru_stime


def _show(lines: IO[bytes], name: str) -> None:
    for line in lines:
        print_line(f"{name:9} {line.decode(errors='replace').rstrip()}")


def _names(cache: Path) -> list[str]:
    """The tests that failed last, as pytest keeps them."""
    kept = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(kept.read_text())) if kept.exists() else []
