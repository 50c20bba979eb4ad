"""Database and static files: brought up to date when the code or the database is another than last time."""

from __future__ import annotations

import hashlib
import os
import subprocess

from assistant.boot import machine
from assistant.boot.places import PYTHON, ROOT, Places
from assistant.boot.say import step
from assistant.boot.stop import Code, Stop


def stamp(places: Places) -> str:
    digest = hashlib.sha256(os.environ.get("DATABASE_URL", "").encode())
    for path in sorted((ROOT / "apps").glob("*/migrations/*.py")):
        digest.update(path.read_bytes())
    for path in sorted((ROOT / "static").rglob("*")):
        state = path.stat()
        digest.update(f"{path} {state.st_size} {state.st_mtime_ns}".encode())
    digest.update((PYTHON.parent.parent / "openbook.stamp").read_bytes())  # other packages bring other tables and files
    return digest.hexdigest()


def prepare(places: Places) -> None:
    machine.writable(places.data)
    kept = places.data / "site.stamp"
    database_is_there = bool(os.environ.get("DATABASE_URL")) or (places.data / "openbook.sqlite3").exists()
    if database_is_there and kept.exists() and kept.read_text() == stamp(places):
        return
    with step("Preparing the database"):
        _manage(places, "migrate", "--no-input")
    with step("Collecting static files"):
        _manage(places, "collectstatic", "--no-input", "--clear")
    kept.write_text(stamp(places))


def _manage(places: Places, *arguments: str) -> None:
    env = {**os.environ, "DATA_DIR": str(places.data)}
    done = subprocess.run(
        [str(PYTHON), "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    with (places.data / "setup.log").open("a") as log:
        log.write(done.stdout + done.stderr)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1][:200]
        if "disk is full" in last or "No space left" in last:
            raise Stop(Code.DISK, f"The disk is full: '{arguments[0]}' could not finish.")
        raise Stop(Code.CONFIGURATION, f"'{arguments[0]}' failed: {last} ({places.data / 'setup.log'} has all of it).")
