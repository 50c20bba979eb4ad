"""Squashed migrations: a database with only some of the migrations that they replace is refused."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from apps.operations.doctor import system_checks
from apps.operations.migration_check import LAST_UNSQUASHED, is_too_old

SQUASHED = {key: row for key, row in MigrationLoader(None).disk_migrations.items() if row.replaces}


@pytest.mark.django_db
@pytest.mark.parametrize("app", sorted(app for app, _name in SQUASHED))
def test_a_database_without_the_last_replaced_migration_is_not_migrated(app: str) -> None:
    [(squashed, last)] = [(name, row.replaces[-1]) for (label, name), row in SQUASHED.items() if label == app]
    assert not is_too_old(connection)
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(app, squashed)
    recorder.record_unapplied(*last)
    with pytest.raises(
        CommandError, match=f"older version of Openbook. Upgrade it with commit {LAST_UNSQUASHED} first"
    ):
        call_command("migrate", verbosity=0)
    assert system_checks.check_database().state == system_checks.CheckState.BAD


@pytest.mark.django_db
def test_a_database_with_all_replaced_migrations_is_up_to_date() -> None:
    """Such is a database of the last commit before the migrations were squashed."""
    recorder = MigrationRecorder(connection)
    for key in SQUASHED:
        recorder.record_unapplied(*key)
    call_command("migrate", verbosity=0)
    assert SQUASHED.keys() <= recorder.applied_migrations().keys()


def test_an_empty_database_is_not_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda self: {})
    assert not is_too_old(connection)


def test_migrations_depend_only_on_migrations_that_exist() -> None:
    """Django would accept the name of a replaced migration as long as the squashed one lists it."""
    known = MigrationLoader(None).disk_migrations
    named = {key: [*row.dependencies, *row.run_before] for key, row in known.items()}
    gone = {
        key: missing
        for key, parents in named.items()
        if (
            missing := [
                tuple(one) for one in parents if one[1] not in {"__first__", "__latest__"} and tuple(one) not in known
            ]
        )
    }
    assert gone == {}
