"""Which cases of a test show something on PostgreSQL that others of its cases do not: a plugin of pytest.

    -p tests.statements --note-statements FOLDER   notes for each test what it said to the database
    -p tests.statements --new-statements FOLDER    runs every test; of its cases those that between them say all of it

What is said is a statement, the line of the product that sent it, which values go with it that PostgreSQL may refuse
where SQLite takes them (`_odd`), and what became of it: a broken constraint is another thing than a row. Only
repetitions are left out: the same test that sends the same statements from the same lines with other values of their
kind. Always run is what was not noted, also what is skipped on the first database, and whole files
that speak of what databases do differently (`OWN`).
"""

from __future__ import annotations

import heapq
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = (f"{ROOT}{os.sep}apps{os.sep}", f"{ROOT}{os.sep}assistant{os.sep}")
OWN = re.compile(r"threading|ThreadPool|select_for_update|IntegrityError|OperationalError|\.vendor\b|postgres|migrat")
USING = "using.txt"  # the files with a test that uses the database, a line each
_OTHER = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "PRAGMA")
_VALUES = re.compile(r"%s(?:, %s)+|\(%s(?:, %s)*\)(?:, \(%s(?:, %s)*\))+")  # how many there are says nothing
_WIDTHS = (64, 200, 400)  # characters about which columns are limited; SQLite knows no limits
_UNFIT = re.compile(r"\x00|\\u0000|\\ud[89a-f]")  # no text of PostgreSQL, and perhaps no JSON of it
_LEAST_S = 0.02  # what a test takes at least, beside what it does


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--note-statements", type=Path, metavar="FOLDER", help="note what tests say to the database")
    parser.addoption("--new-statements", type=Path, metavar="FOLDER", help="run the cases that say something new")


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("--note-statements")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if folder and (worker or not config.getoption("numprocesses", None)):
        config.pluginmanager.register(Notes(folder / f"{worker or 'alone'}.jsonl"))


def uses_database(item: pytest.Item) -> bool:
    names = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or not {"db", "transactional_db"}.isdisjoint(names)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True for a file that the first run collected, none of whose tests used the database: to import it would take as
    long as one of the others. No file is left out where that run did not get as far."""
    folder = config.getoption("--new-statements")
    if not folder or not collection_path.name.startswith("test_") or not collection_path.is_file():
        return None
    using = _using(folder)
    return True if using and str(collection_path) not in using and not _own(collection_path) else None


@cache
def _using(folder: Path) -> frozenset[str]:
    kept = folder / USING
    return frozenset(kept.read_text().splitlines() if kept.exists() else ())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    folder = config.getoption("--new-statements")
    if folder:
        noted = read(folder)
        always = {item.nodeid for item in items if item.nodeid not in noted or _own(item.path)}
        kept = always | fewest({item.nodeid: noted[item.nodeid] for item in items if item.nodeid in noted}, always)
        dropped = [item for item in items if item.nodeid not in kept]
        items[:] = [item for item in items if item.nodeid in kept]
        config.hook.pytest_deselected(items=dropped)


@cache
def _own(path: Path) -> bool:
    return OWN.search(path.read_text()) is not None


class Notes:
    """What each test says, a line of JSON for every one that passed."""

    def __init__(self, path: Path) -> None:
        from django.db.backends.signals import connection_created

        self._path = path
        self._said: set[tuple[str, int, str, str, str]] = set()
        self._passed, self._started = False, 0.0
        path.parent.mkdir(parents=True, exist_ok=True)
        connection_created.connect(self._opened)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Written beside and put in place, since every worker does."""
        using = sorted({str(item.path) for item in items if uses_database(item)})
        self._path.with_suffix(".using").write_text("\n".join(using))
        self._path.with_suffix(".using").replace(self._path.with_name(USING))

    def _opened(self, connection: Any, **_: Any) -> None:
        if self._heard not in connection.execute_wrappers:
            connection.execute_wrappers.insert(0, self._heard)  # the last is taken away by whoever adds one for a while

    def _heard(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        frame: Any = sys._getframe(1)
        while frame is not None and not _ours(frame.f_code.co_filename):
            frame = frame.f_back
        place = (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("", 0)
        odd = _odd(params)
        try:
            result = execute(sql, params, many, context)
        except Exception as error:
            self._said.add((*place, sql, odd, f"{type(error).__name__}: {error}"))
            raise
        self._said.add((*place, sql, odd, ""))
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._begin()
        self._passed = False
        result = yield
        if self._passed:
            said = sorted({key for one in self._said if (key := _key(*one))})
            line = {"test": item.nodeid, "seconds": round(time.monotonic() - self._started, 3), "said": said}
            with self._path.open("a") as file:
                file.write(f"{json.dumps(line)}\n")
        return result

    def _begin(self) -> None:
        self._said, self._started = set(), time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        result = yield
        if fixturedef.argname == "django_db_setup":  # the migrations are no test's
            self._begin()
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._passed = report.passed


@cache
def _ours(file: str) -> bool:
    return file.startswith(PRODUCT)


@lru_cache(maxsize=100_000)
def _key(file: str, line: int, sql: str, odd: str, error: str) -> str:
    """A short name, the same in every process; none where the statement is only about the transaction of a test, or
    SQLite's own."""
    if sql.startswith(_OTHER):
        return ""
    text = f"{file}:{line} {_VALUES.sub('%s', sql)} {odd} {error}"
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _odd(values: Any) -> str:
    """What there is among the values of a statement, or of several, that the two databases take differently."""
    found = set[str]()
    _look(values, found)
    return " ".join(sorted(found)) if found else ""


def _look(value: Any, found: set[str]) -> None:
    """Plain code, since half a million statements are looked at."""
    if isinstance(value, str):
        if len(value) > _WIDTHS[0]:
            found.update(f"beyond {width}" for width in _WIDTHS if len(value) > width)
        if _UNFIT.search(value):
            found.add("unfit")
    elif isinstance(value, int):
        if not -(2**31) <= value < 2**31:
            found.add("beyond 32 bits")
    elif isinstance(value, list | tuple):
        for one in value:
            _look(one, found)
    elif isinstance(value, dict):
        for one in value.values():
            _look(one, found)


Noted = tuple[float, frozenset[str]]  # seconds, what was said


def read(folder: Path) -> dict[str, Noted]:
    noted = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            one = json.loads(line)
            test, _, _ = one["test"].partition("[")  # whose case it is; that it runs is said too
            noted[one["test"]] = (one["seconds"], frozenset([test, *(f"{test} {key}" for key in one["said"])]))
    return noted


def fewest(noted: Mapping[str, Noted], always: set[str]) -> set[str]:
    """Of these tests some that, with those that run anyhow, say everything; what says most in a second goes first."""
    missing = set[str]().union(*(said for _, said in noted.values()))
    missing -= set[str]().union(*(said for name, (_, said) in noted.items() if name in always))
    heap = [(-len(said) / (_LEAST_S + seconds), name) for name, (seconds, said) in noted.items() if name not in always]
    heapq.heapify(heap)
    chosen = set[str]()
    while heap and missing:
        _, name = heapq.heappop(heap)
        seconds, said = noted[name]
        worth = -len(said & missing) / (_LEAST_S + seconds)
        if worth and heap and worth > heap[0][0]:
            heapq.heappush(heap, (worth, name))
        elif worth:
            chosen.add(name)
            missing -= said
    return chosen
