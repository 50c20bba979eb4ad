"""Every test: `./run test`, or `python -m tests.run [--whole] [PHASE …]`.

    checks      lint, form, import contracts, types, Django's own
    sqlite      unit and contract tests that use the database
    postgres    the same on a real PostgreSQL server, started here
    browser     journeys in Chromium
    unit        unit and contract tests that use no database
    processes   real worker, web and stand-in model server, killed in turn
    model       the packaged model on vLLM, started here as `./run serve` does
    newcomer    the first journey again, on the packaged model
    install     a first start on a stock machine, an interrupted one, an upgrade; with --whole, or by name

Three lanes go on at once: the databases, which calculate, beside those that wait for pages, processes and a model.
After `sqlite`, `postgres` runs of a test with many cases only those that between them send every statement that any
of them sends, and break what any breaks (`tests/statements.py`); `--whole`, or `postgres` by name, runs every case.

A few tests that fail are run once more when everything has ended, alone and in a process of their own: on a machine
whose other guests come and go, one of nine thousand now and then waits in vain. What passed only then is named and
counted in the last line, to be looked into; what fails twice has failed, and so has a run in which more than FEW tests
of all phases together needed a second try.

The last line says how many passed, whatever becomes of a server or of the run. Exit code 0 only where all did, and no
phase was empty.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from assistant.boot.console import print_line
from assistant.boot.layout import ROOT
from tests.phases import FEW, IN_ORDER, PLAIN, TWO, Phase, Result, again, run
from tests.servers import Servers


def marked(name: str) -> list[str]:
    """The files that name that mark: to collect all tests takes longer than to run these few."""
    return [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if f"mark.{name}" in path.read_text()
    ]


CHECKS = (
    "ruff check .", "ruff format --check .", "lint-imports", "python manage.py check",
    "python manage.py makemigrations --check --dry-run", "mypy",
)  # fmt: skip

FIRST = "tests/journeys/test_setup.py::test_"
UNIT = "not vllm and not process and not browser and not install"
BEHIND = 5  # a browser is a dozen processes: among equals the databases, which end last, would get a third of a core
LANES = (
    (
        Phase("sqlite", ("-m", UNIT, "--only-database"), ahead=("postgres",)),
        Phase("postgres", (*TWO, "-m", UNIT, "--only-database"), ("postgres",)),
    ),
    (
        Phase("browser", (*PLAIN, *TWO, *IN_ORDER, "-m", "browser", "tests/journeys"), nice=BEHIND),
        Phase("unit", (*TWO, "-m", UNIT, "--without-database"), nice=BEHIND),
    ),
    (
        Phase("checks", commands=CHECKS),
        Phase("processes", (*PLAIN, "-m", "process and not browser and not vllm and not install", *marked("process"))),
        Phase("model", (*PLAIN, "-m", "vllm", *marked("vllm")), ("model",)),
        Phase(
            "newcomer",
            (
                *PLAIN,
                f"{FIRST}a_newcomer_is_led_from_the_first_page_to_a_cited_answer",
                f"{FIRST}the_doctor_repeats_the_checks_at_any_time",
            ),
            ("model",),
        ),
        Phase("install", (*PLAIN, "-m", "install", *marked("install"))),
    ),
)
WHOLE_ONLY = {"install"}  # fetches half a gigabyte and takes some ten minutes


def chosen(names: Sequence[str], *, whole: bool, notes: Path) -> list[list[Phase]]:
    """The lanes with these phases only; all, where none is named."""
    known = [phase.name for lane in LANES for phase in lane]
    if unknown := sorted(set(names) - set(known)):
        raise SystemExit(f"There is no phase {', '.join(unknown)}; there are {', '.join(known)}.")
    lanes = [[phase for phase in lane if not names or phase.name in names] for lane in LANES]
    if whole or names:
        return lanes
    lanes = [[phase for phase in lane if phase.name not in WHOLE_ONLY] for lane in lanes]
    # In one word each: a folder that stands alone pytest takes for one with tests, and looks for its settings there.
    told = {"sqlite": f"--note-statements={notes}", "postgres": f"--new-statements={notes}"}
    return [[_also(phase, told.get(phase.name)) for phase in lane] for lane in lanes]


def _also(phase: Phase, option: str | None) -> Phase:
    return replace(phase, first=("-p", "tests.statements", option)) if option else phase


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run test")
    parser.add_argument("--whole", action="store_true", help="every case on PostgreSQL too")
    parser.add_argument("phase", nargs="*")
    options = parser.parse_args(arguments)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would each compile everything anew
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ["TEST_MIGRATED"] = str(place / "migrated")
        lanes = [lane for lane in chosen(options.phase, whole=options.whole, notes=place / "notes") if lane]
        results = side_by_side(lanes, place)
        if sum(len(result.names) for result in results) <= FEW:
            broke_off(lambda: once_more(results, place))
    print_line(f"\nAll of it took {time.monotonic() - started:.0f} s.")
    for result in results:
        for name in result.unsure:
            print_line(f"passed at the second try only, look into it: {name}")
    print_line(told(results, part=not (options.whole or options.phase)))
    return 0 if all(result.good for result in results) else 1


def side_by_side(lanes: Sequence[Sequence[Phase]], reports: Path) -> list[Result]:
    """What became of every phase; one that was not reached, since its lane broke off before, has failed."""
    ended: list[list[Result]] = [[] for _ in lanes]

    def follow(lane: Sequence[Phase], results: list[Result]) -> None:
        if broke_off(lambda: one_after_another(lane, reports, results)):
            missing = [Result(phase) for phase in lane[len(results) :]]
            results += missing
            for result in missing or results[-1:]:  # all had ended, and a server did not
                result.code, result.failed = 1, result.failed + 1

    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(follow, lanes, ended))
    return [result for results in ended for result in results]


def one_after_another(phases: Sequence[Phase], reports: Path, results: list[Result]) -> None:
    with ExitStack() as stack:
        servers = Servers(stack)
        needed = {name for phase in phases for name in phase.needs}
        for phase in phases:
            servers.begin(needed.intersection(phase.ahead))
            results.append(run(phase, {**os.environ, **servers.env(phase.needs)}, reports))


def once_more(results: Sequence[Result], reports: Path) -> None:
    with ExitStack() as stack:
        servers = Servers(stack)
        for result in results:
            if result.by_chance:
                again(result, {**os.environ, **servers.env(result.phase.needs)}, reports)


def broke_off(work: Callable[[], None]) -> bool:
    """Whether it did, as where a server does not start; why is said, and the run goes on to its last line."""
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(work).exception()
    if error is not None:
        print_line("".join(traceback.format_exception(error)))
    return error is not None


def told(results: Sequence[Result], *, part: bool) -> str:
    """Return the last line: what was counted, which tests needed a second try, and what a part of a run left out."""
    count = ", ".join(f"{sum(getattr(r, kind) for r in results)} {kind}" for kind in ("passed", "failed", "skipped"))
    if unsure := [name for result in results for name in result.unsure]:
        count += f"; {len(unsure)} of the passed at the second try only: {', '.join(unsure)}"
    if not part:
        return count
    ran = next(result.passed + result.failed for result in results if result.phase.name == "postgres")
    return (
        f"{count}; on PostgreSQL {ran}, of each test the cases that tell it something new: ./run test --whole runs all"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
