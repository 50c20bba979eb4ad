"""Migrated database and collected static files, made once per run and copied for each site: 6 s and 3 s saved.

`./run test` names a folder in `TEST_MIGRATED`, where the first process makes them. Without it each site makes its own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from assistant.boot import site_setup
from assistant.boot.layout import Layout

ROOT = Path(__file__).resolve().parents[2]
NAME = "openbook.sqlite3"
MIGRATE = ("migrate", "--verbosity=0")
COLLECT = ("collectstatic", "--no-input", "--verbosity=0")


def copy_tables(folder: Path) -> bool:
    """Copy the migrated database into the folder. Return False without TEST_MIGRATED: the site must migrate itself."""
    kept = os.environ.get("TEST_MIGRATED", "")
    return bool(kept) and copy_tree(folder / NAME, Path(kept))


def copy_site(layout: Layout) -> bool:
    """Copy the migrated database to a site and mark it as set up, without static files. Return as `copy_tables`."""
    if made := copy_tables(layout.data):
        (layout.data / "site.stamp").write_text(site_setup.stamp_site(layout))
    return made


def copy_static(folder: Path) -> bool:
    """Copy the static files, collected with DEBUG off, into the folder. Return as `copy_tables`."""
    if not (kept := os.environ.get("TEST_MIGRATED", "")):
        return False
    _once(Path(kept), *COLLECT, DEBUG="")
    shutil.copytree(Path(kept) / "static", folder / "static", dirs_exist_ok=True)
    return True


def copy_tree(to: Path, kept: Path) -> bool:
    """Copy the migrated database from `kept` to the path `to`; make it first if needed."""
    _once(kept, *MIGRATE, DEBUG="1")
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept / NAME, to)
    return True


def _once(kept: Path, *command: str, **env: str) -> None:
    """Run the `manage.py` command on a site in `kept` unless that was done; other processes wait meanwhile."""
    kept.mkdir(parents=True, exist_ok=True)
    done = kept / f"{command[0]}.done"
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            site = {**os.environ, "DATA_DIR": str(kept), "DATABASE_URL": "", **env}
            subprocess.run(
                [sys.executable, "manage.py", *command], cwd=ROOT, env=site, check=True, stdout=subprocess.DEVNULL
            )
            done.touch()
