"""A database of an old version with rows in every table migrates to the present code and works.

A script that ran on commit edd3f61 made the rows through its verbs and fake engines (`make_dump.py` in the history of
this folder); the migrations of the last commit before they were squashed, which the dump is named after, then ran on
them. `upgraded_site.py` loads, migrates and checks it in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings

CHECKS = ("rows", "texts", "frozen", "log", "sign_in", "pages", "ask", "migrations")
SECONDS = 400  # 13 s on a quiet machine with SQLite, 30 s with PostgreSQL


@contextmanager
def empty_database() -> Iterator[str]:
    """Return the address of a new database on the server that this run uses, "" where it uses SQLite."""
    address = os.environ.get("DATABASE_URL", "")
    if not address.startswith("postgres"):
        yield ""
        return
    name = f"upgraded_{os.getpid()}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(address)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def errors() -> dict[str, str]:
    """Return the errors of the upgraded site, by check."""
    with empty_database() as address:
        done = subprocess.run(
            [sys.executable, "-m", "tests.upgraded.upgraded_site"],
            cwd=settings.BASE_DIR, env={**os.environ, "DATABASE_URL": address}, timeout=SECONDS,
            capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.process
@pytest.mark.parametrize("check", CHECKS)
def test_a_database_of_an_old_version_works_after_the_upgrade(errors: dict[str, str], check: str) -> None:
    assert not errors[check], errors[check]
