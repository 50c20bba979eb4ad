"""Migrated database, made once per state of the migrations, and static files, collected once per run, to be copied.

Migrating takes 15 s of a processor, collecting 3 s. The database is kept in `var/test-tables`, for later runs too.
`./run test` names a folder for the static files in `TEST_STATIC`; without it each site collects its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from assistant.boot import site_setup
from assistant.boot.layout import ROOT, Layout

NAME = "openbook.sqlite3"
MIGRATE = ("migrate", "--verbosity=0")
COLLECT = ("collectstatic", "--no-input", "--verbosity=0")
TABLES = ROOT / "var" / "test-tables"
# What migrations run beside their own text: triggers, full text search, and the tables of packages.
BESIDE = ("apps/safety/audit_log/audit.py", "apps/conversations/history/full_text_search.py", "constraints.txt")


def copy_tables(folder: Path) -> None:
    """Copy the migrated database into the folder."""
    copy_database(folder / NAME)


def copy_database(to: Path) -> None:
    """Copy the migrated database to the path `to`; make it first if the migrations have changed."""
    kept = TABLES / stamp_migrations()
    if _once(kept, *MIGRATE, DEBUG="1"):
        for former in set(TABLES.iterdir()) - {kept}:
            shutil.rmtree(former)
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept / NAME, to)


@cache
def stamp_migrations() -> str:
    """Return a digest of all that decides how a migrated database looks."""
    digest = hashlib.sha256()
    for path in [*sorted((ROOT / "apps").glob("*/migrations/*.py")), *(ROOT / name for name in BESIDE)]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def copy_site(layout: Layout) -> None:
    """Copy the migrated database to a site and mark it as set up, without static files."""
    copy_tables(layout.data)
    (layout.data / "site.stamp").write_text(site_setup.stamp_site(layout))


def copy_static(folder: Path) -> bool:
    """Copy the static files, collected with DEBUG off, into the folder. Return False without TEST_STATIC: the site
    must collect its own."""
    if not (kept := os.environ.get("TEST_STATIC", "")):
        return False
    _once(Path(kept), *COLLECT, DEBUG="")
    shutil.copytree(Path(kept) / "static", folder / "static", dirs_exist_ok=True)
    return True


def _once(kept: Path, *command: str, **env: str) -> bool:
    """Run the `manage.py` command on a site in `kept` unless that was done; other processes wait meanwhile. Return
    whether it ran."""
    kept.mkdir(parents=True, exist_ok=True)
    done = kept / f"{command[0]}.done"
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return False
        site = {**os.environ, "DATA_DIR": str(kept), "DATABASE_URL": "", **env}
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=site, check=True, stdout=subprocess.DEVNULL
        )
        done.touch()
    return True
