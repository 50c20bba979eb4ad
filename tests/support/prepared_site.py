"""The tables of an empty database and the files that a site sends, made once in a run and copied by whoever needs them:
migrating takes six seconds, collecting three.

`./run test` names a folder in `TEST_MIGRATED`, where the first to come makes them; without it everybody makes
their own.
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
    """Whether a site that keeps its data there has its tables now, copied; else it is to make them itself."""
    kept = os.environ.get("TEST_MIGRATED", "")
    return bool(kept) and copy_tree(folder / NAME, Path(kept))


def copy_site(layout: Layout) -> bool:
    """Whether that site has its tables now and takes itself for prepared, without the static files; likewise."""
    if made := copy_tables(layout.data):
        (layout.data / "site.stamp").write_text(site_setup.stamp_site(layout))
    return made


def copy_static(folder: Path) -> bool:
    """Whether a site that keeps its data there has its static files now, as where nobody debugs; likewise."""
    if not (kept := os.environ.get("TEST_MIGRATED", "")):
        return False
    _once(Path(kept), *COLLECT, DEBUG="")
    shutil.copytree(Path(kept) / "static", folder / "static", dirs_exist_ok=True)
    return True


def copy_tree(to: Path, kept: Path) -> bool:
    _once(kept, *MIGRATE, DEBUG="1")
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept / NAME, to)
    return True


def _once(kept: Path, *command: str, **env: str) -> None:
    """`manage.py` has done that for a site that keeps its data there; who comes meanwhile waits."""
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
