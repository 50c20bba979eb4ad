"""Recognise databases that lack a migration (`is_migrated`), and databases and backups from before the migrations were
squashed (`is_too_old`, `is_known_head`)."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

LAST_UNSQUASHED = "ddf807d5"  # commit with all migrations that the squashed ones replace
_is_migrated = False  # as far as this process knows
UPGRADE_FIRST = f"Upgrade it with commit {LAST_UNSQUASHED} first, then with this version: docs/install/upgrading.md."


def is_too_old(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the database has some, but not all, of the migrations that a squashed migration replaces.

    Django runs a squashed migration on a database that has none of them, and records it as applied on one that has all.
    Raise DatabaseError.
    """
    applied = MigrationRecorder(connection).applied_migrations()
    counts = [
        (sum(former in applied for former in migration.replaces), len(migration.replaces))
        for migration in _read_migrations().values()
    ]
    return any(0 < present < total for present, total in counts)


def is_known_head(app: str, name: str) -> bool:
    """Return whether this code can go on from a database whose last migration of the app is `name`."""
    migrations = _read_migrations()
    return (app, name) in migrations or any(
        migration.replaces and migration.replaces[-1] == (app, name) for migration in migrations.values()
    )


def is_replaced(app: str, name: str) -> bool:
    """Return whether a squashed migration replaces this one."""
    return any((app, name) in migration.replaces for migration in _read_migrations().values())


def is_migrated(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the database has all migrations of this code. Raise DatabaseError.

    Once it has, later calls of this process ask no more.
    """
    global _is_migrated
    if not _is_migrated:
        executor = MigrationExecutor(connection)
        _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _is_migrated


def _read_migrations() -> dict[tuple[str, str], Migration]:
    """Return the migrations of this code by app and name."""
    return MigrationLoader(None).disk_migrations
