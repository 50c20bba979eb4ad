"""The tables of an empty database, made once in a run and copied by whoever needs them: migrating takes six seconds.

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

ROOT = Path(__file__).resolve().parent.parent
NAME = "openbook.sqlite3"


def tables(folder: Path) -> bool:
    """Whether a site that keeps its data there has its tables now, copied; else it is to make them itself."""
    kept = os.environ.get("TEST_MIGRATED", "")
    return bool(kept) and copied(folder / NAME, Path(kept))


def copied(to: Path, kept: Path) -> bool:
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who comes meanwhile waits
        if not (kept / "made").exists():
            env = {**os.environ, "DATA_DIR": str(kept), "DATABASE_URL": "", "DEBUG": "1"}
            command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
            (kept / "made").touch()
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept / NAME, to)
    return True
