"""Dump, check and restore the database of a backup, SQLite or PostgreSQL.

`dump_database` copies it while other processes write. `check_copy` reads a copy and leaves the live database alone.
`put_database` replaces the live database.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection, connections, models, transaction

from apps.conversations.models import Conversation, Message
from apps.documents.models import Chunk, Collection, Document
from apps.images.models import Picture
from apps.lib import disk_space
from apps.operations.backups.archive import POSTGRESQL, SQLITE, Manifest, create_private
from apps.operations.backups.errors import BackupError
from apps.operations.migration_check import UPGRADE_FIRST, is_known_head, is_replaced
from apps.safety.models import AuditEntry, Case
from apps.users.models import User

COUNTED: dict[str, type[models.Model]] = {
    "users": User, "collections": Collection, "documents": Document, "passages": Chunk, "conversations": Conversation,
    "messages": Message, "pictures": Picture, "cases": Case, "audit_log": AuditEntry,
}  # fmt: skip
INDEX_SCHEMA = "openbook_index"  # of the pgvector index, which is rebuilt from the rows
_HEADS = "SELECT app, max(name) FROM django_migrations GROUP BY app"  # names begin with a number of four digits

Fetch = Callable[[str], Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class DatabaseDump:
    """Copy of the database with the facts for the manifest."""

    file: Path
    migrations: dict[str, str]
    rows: dict[str, int]


def dump_database(folder: Path) -> DatabaseDump:
    """Copy the database into `folder`. Writers of the live database are not blocked. Raises BackupError."""
    return _dump_sqlite(folder) if connection.vendor == "sqlite" else _dump_postgresql(folder)


def check_copy(file: Path, manifest: Manifest) -> None:
    """Raise BackupError unless the copy can be read and, for SQLite, is sound and has the expected row counts."""
    if manifest.engine != "sqlite":
        listing = _run_program("pg_restore", "--list", str(file))
        missing = [model for model in COUNTED.values() if f" {model._meta.db_table} " not in listing]
        if missing:
            raise BackupError(f"The copy of the database has no table {missing[0]._meta.db_table}.")
        _run_program("pg_restore", f"--file={os.devnull}", str(file))  # reads all of it
        return
    try:
        with closing(sqlite3.connect(file)) as copy:
            found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise BackupError(f"The copy of the database is damaged: {found}")
            rows, heads = _count_rows(lambda sql: copy.execute(sql).fetchall()), dict(copy.execute(_HEADS))
    except sqlite3.DatabaseError as error:
        raise BackupError(f"The copy of the database cannot be read, so nothing was changed: {error}.") from error
    if rows != manifest.rows:
        raise BackupError(f"The copy of the database holds {rows} rows instead of {manifest.rows}.")
    if heads != manifest.migrations:
        raise BackupError("The copy of the database has other migrations than the list of contents says.")


def check_migrations(manifest: Manifest) -> None:
    """Raise BackupError if this version does not know a migration of the backup, or only as part of a squashed one."""
    for app, name in sorted(manifest.migrations.items()):
        if is_known_head(app, name):
            continue
        if is_replaced(app, name):
            raise BackupError(f"The database of the backup was made by an older version of Openbook. {UPGRADE_FIRST}")
        raise BackupError(
            f"The backup was made by another version of Openbook, {manifest.version}: this one does not know the "
            f"migration {app}.{name}. Install that version or a newer one."
        )


def has_users() -> bool:
    """Return whether the live database has an account; False for a database without tables."""
    return User._meta.db_table in connection.introspection.table_names() and User.objects.exists()


def put_database(file: Path) -> None:
    """Replace the live database by a copy; its rows are lost. Raises BackupError."""
    if connection.vendor == "sqlite":
        target = Path(str(connection.settings_dict["NAME"]))
        connections.close_all()
        for end in ("-wal", "-shm"):
            target.with_name(target.name + end).unlink(missing_ok=True)
        shutil.move(file, target)
        return
    _drop_own()
    _run_client(
        "pg_restore", file.parent, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(file)
    )  # fmt: skip
    connections.close_all()


def _drop_own() -> None:
    """Drop tables and functions of this product in PostgreSQL, including those of other versions.

    `pg_restore --clean` is no option: it would drop extensions, which only a superuser may do.
    """
    prefixes = ("django_", *(f"{config.label}_" for config in apps.get_app_configs()))
    with transaction.atomic(), connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            if name.startswith(prefixes):
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)} CASCADE")
        cursor.execute(
            "SELECT proname, oid::regprocedure::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
        )
        for name, signature in cursor.fetchall():
            if name.startswith(prefixes):
                cursor.execute(f"DROP FUNCTION {signature} CASCADE")


def _dump_sqlite(folder: Path) -> DatabaseDump:
    source, file = Path(str(connection.settings_dict["NAME"])), folder / SQLITE
    if not source.exists():
        raise BackupError(f"There is no database at {source}.")
    with closing(sqlite3.connect(source, timeout=20)) as live, closing(sqlite3.connect(file)) as copy:
        live.backup(copy)  # one step, so one read transaction: writers of a WAL database are not blocked
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without -wal beside it

        def fetch(sql: str) -> Sequence[tuple[Any, ...]]:
            return copy.execute(sql).fetchall()

        return DatabaseDump(file, dict(fetch(_HEADS)), _count_rows(fetch))


def _dump_postgresql(folder: Path) -> DatabaseDump:
    """Dump with pg_dump. Rows are counted in the same snapshot, on a connection of their own."""
    file, own = folder / POSTGRESQL, connection.copy()
    try:
        with own.cursor() as cursor:

            def fetch(sql: str) -> Sequence[tuple[Any, ...]]:
                cursor.execute(sql)
                return list(cursor.fetchall())

            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = fetch("SELECT pg_export_snapshot()")[0][0]
            _run_client(
                "pg_dump", folder, "--format=custom", f"--snapshot={snapshot}", f"--exclude-schema={INDEX_SCHEMA}",
                "--extension=plpgsql", "--no-comments", f"--file={file}",
            )  # fmt: skip
            dump = DatabaseDump(file, dict(fetch(_HEADS)), _count_rows(fetch))
            cursor.execute("ROLLBACK")
            return dump
    finally:
        own.close()


def _count_rows(fetch: Fetch) -> dict[str, int]:
    tables = {label: model._meta.db_table for label, model in COUNTED.items()}
    return {label: int(fetch(f"SELECT count(*) FROM {table}")[0][0]) for label, table in tables.items()}  # noqa: S608


def _run_client(program: str, folder: Path, *arguments: str) -> str:
    """Run a client program of PostgreSQL on the live database. The password is passed in a file in `folder`."""
    from psycopg.conninfo import make_conninfo  # installed with PostgreSQL only

    connection.ensure_connection()
    info = connection.connection.info
    password = str(info.password).replace("\\", "\\\\").replace(":", "\\:")
    passfile = folder / "pgpass"
    passfile.unlink(missing_ok=True)
    create_private(passfile).write_text(f"*:*:*:*:{password}\n" if password else "")
    address = make_conninfo(info.dsn, passfile=str(passfile))
    return _run_program(program, f"--dbname={address}", "--no-password", *arguments)


def _run_program(program: str, *arguments: str) -> str:
    """Return the standard output of the program. Raises BackupError, or OSError for a full disk."""
    found = shutil.which(program)
    if found is None:
        raise BackupError(
            f"The program {program} is not on the PATH: install the client programs of PostgreSQL, of the version of "
            "its server or a newer one."
        )
    done = subprocess.run(
        [found, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        reason = next((line for line in lines if "error" in line.lower()), lines[-1])
        failure = BackupError(f"{program} failed: {reason.removeprefix(f'{program}: ')}")
        raise OSError(errno.ENOSPC, str(failure)) if disk_space.is_disk_full_error(failure) else failure
    return done.stdout
