"""The tests and constraints that the table of invariants in `docs/security/cases.md` names exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from apps.safety.audit_log import audit

TESTS = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| (I\d+) [^|]+\|([^|]*)\|([^|]*)\|$", (TESTS.parent / "docs/security/cases.md").read_text(), re.MULTILINE
)
# What the design asks to be held by the database as well.
HELD = {"I1", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I15"}


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_invariants_all_have_their_row() -> None:
    assert [number for number, *_ in ROWS] == [f"I{number}" for number in range(1, 21)]
    assert {number for number, _, database in ROWS if named(database)} == HELD


@pytest.mark.parametrize(("number", "tests", "database"), ROWS)
def test_tests_of_the_table_all_exist(number: str, tests: str, database: str) -> None:
    assert named(tests)
    for name in named(tests):
        file, _, function = name.partition("::")
        tree = ast.parse((TESTS / file).read_text())
        found = [node for node in tree.body if getattr(node, "name", "") == function and function.startswith("test_")]
        assert len(found) == 1, name


@pytest.mark.django_db
def test_constraints_of_the_table_are_all_in_the_database() -> None:
    audit.install_triggers()
    present: set[str] = set()
    with connection.cursor() as cursor:
        for model in apps.get_app_config("safety").get_models():
            present |= set(connection.introspection.get_constraints(cursor, model._meta.db_table))
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute("SELECT tgname FROM pg_trigger")
        present |= {name for (name,) in cursor.fetchall()}
    if "safety_event_no_change" in present:  # PostgreSQL has one trigger for both
        present |= {"safety_event_no_update", "safety_event_no_delete"}
    assert {name for *_, database in ROWS for name in named(database)} <= present
