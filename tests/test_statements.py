"""Which cases run on PostgreSQL: those that between them say to the database all that the cases of a test say to it."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.backends.signals import connection_created

from apps.documents.models import Collection
from apps.users.models import User
from tests import statements
from tests.people import person


def noted(**tests: tuple[float, str]) -> dict[str, statements.Noted]:
    return {name: (seconds, frozenset(said)) for name, (seconds, said) in tests.items()}


@pytest.mark.parametrize(
    ("tests", "always", "kept"),
    [
        ({"a": (1, "xy"), "b": (1, "x"), "c": (1, "y")}, set(), {"a"}),  # b and c say nothing beside it
        ({"a": (9, "xy"), "b": (1, "x"), "c": (1, "y")}, set(), {"b", "c"}),  # the same in less time
        ({"a": (1, "xyz"), "b": (1, "zw"), "c": (1, "w")}, {"c"}, {"a"}),  # w is said anyhow
        ({"a": (1, ""), "b": (1, "x")}, set(), {"b"}),
        ({"a": (1, "x")}, {"a"}, set()),
    ],
)
def test_the_fewest_seconds_in_which_everything_is_said(
    tests: dict[str, Any], always: set[str], kept: set[str]
) -> None:
    assert statements.fewest(noted(**tests), always) == kept


@pytest.fixture
def ear(tmp_path: Path, db: None) -> Iterator[statements.Notes]:
    heard = statements.Notes(tmp_path / "notes" / "one.jsonl")
    heard._opened(connection)
    yield heard
    connection_created.disconnect(heard._opened)
    connection.execute_wrappers.remove(heard._heard)


def test_a_line_a_statement_and_what_became_of_it_are_heard(ear: statements.Notes) -> None:
    alice = person("alice")
    inserted = {Path(file).name for file, _, sql, _, _ in ear._said if sql.startswith('INSERT INTO "users_user"')}
    assert inserted == {"models.py"}, "the line of the product, not that of the test"
    Collection.objects.visible_to(alice).count()
    before = set(ear._said)
    Collection.objects.visible_to(alice).count()
    assert ear._said == before, "said twice is said once"
    with pytest.raises(IntegrityError):
        User.objects.create_user(alice.email, "x")
    (broken,) = {error for *_, error in ear._said if error}
    assert broken.startswith("IntegrityError")


def test_how_many_values_there_are_is_no_other_statement() -> None:
    one, many = ("SELECT a FROM t WHERE a IN (%s)", "SELECT a FROM t WHERE a IN (%s, %s, %s)")
    assert statements._key("f", 1, one, "", "") == statements._key("f", 1, many, "", "") != ""
    assert statements._key("f", 2, one, "", "") != statements._key("f", 1, one, "", "")
    assert statements._key("f", 1, 'SAVEPOINT "s1_x2"', "", "") == ""


UNFIT = ["a\0b", '"a\\u0000b"', '"\\ud800"', "x" * 65, "x" * 401, 2**31, -(2**40)]


@pytest.mark.parametrize("value", UNFIT)
def test_a_value_that_one_database_alone_refuses_is_another_statement(ear: statements.Notes, value: str | int) -> None:
    def said(value: str | int) -> set[str]:
        ear._begin()
        with connection.cursor() as cursor:
            cursor.execute("SELECT length(%s)", [value])
        return {statements._key(*one) for one in ear._said}

    if connection.vendor == "sqlite":
        assert said("x") == said("y") == said(7) != said(value)
    assert statements._odd([["x", 7], {"a": value}]) == statements._odd([value]) != statements._odd(["x"]) == ""


INNER = """
import pytest
from django.db import connection

def said(number):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {number}")

@pytest.mark.django_db
@pytest.mark.parametrize("number", [1, 1, 2])
def test_says(number):
    said(number)

@pytest.mark.django_db
@pytest.mark.skipif("connection.vendor == 'sqlite'")
def test_is_for_the_other_database():
    said(1)
"""


def test_every_test_runs_and_only_its_own_cases_speak_for_each_other(tmp_path: Path) -> None:
    said = {"a[1]": ["x"], "a[2]": ["x", "y"], "a[3]": ["x"], "b": ["x"], "c[1]": [], "c[2]": []}
    lines = [json.dumps({"test": test, "seconds": 0.1, "said": keys}) for test, keys in said.items()]
    (tmp_path / "gw0.jsonl").write_text("\n".join(lines))
    assert statements.fewest(statements.read(tmp_path), set()) == {"a[2]", "b", "c[1]"}


def test_a_run_notes_and_the_next_runs_what_is_new_or_was_never_noted(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text(INNER)
    (tmp_path / "test_without.py").write_text("def test_asks_no_database():\n    pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    notes = tmp_path / "notes"
    assert (first := _run(tmp_path, "--note-statements", str(notes)))[:2] == (4, 1), first
    lines = [json.loads(line) for path in notes.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert sorted(len(line["said"]) for line in lines) == [0, 1, 1, 1]
    (tmp_path / "test_without.py").write_text("raise RuntimeError('what asks no database is not even collected')\n")
    # the file speaks of the vendor, and would be run whole
    (tmp_path / "test_inner.py").write_text(INNER.replace("connection.vendor == 'sqlite'", "True"))
    assert (second := _run(tmp_path, "--new-statements", str(notes)))[:2] == (2, 1), second


def _run(folder: Path, *options: str) -> tuple[int, int, str]:
    """How many passed and were skipped."""
    report = folder / "report.xml"
    plugins = ("-p", "tests.environment", "-p", "tests.statements", "--ds=assistant.settings", "--nomigrations")
    where = (f"--rootdir={folder}", f"--junitxml={report}")
    command = [sys.executable, "-m", "pytest", "-q", *where, *plugins, *options, str(folder)]
    done = subprocess.run(command, cwd=statements.ROOT, capture_output=True, text=True)
    suite = ET.parse(report).getroot().find("testsuite")  # noqa: S314 - written by pytest a moment ago
    assert suite is not None, done.stdout
    skipped = int(suite.get("skipped", 0))
    return int(suite.get("tests", 0)) - skipped, skipped, done.stdout
