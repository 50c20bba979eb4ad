"""Database and static files: brought up to date when the code or the database is another than last time."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from assistant.boot import machine, words
from assistant.boot.places import PYTHON, ROOT, Places
from assistant.boot.say import say, step
from assistant.boot.stop import Code, Stop

_INDEX = ("DATABASE_URL", "EMBED_MODEL", "EMBED_MORE", "EMBED_BACKEND", "INDEX_BACKEND", "PGVECTOR_URL", "MILVUS_URL")


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
    if words.stale():
        with step("Compiling the texts of other languages"):
            _python(places, "-m", "assistant.boot.words")
    kept = places.data / "site.stamp"
    database_is_there = bool(os.environ.get("DATABASE_URL")) or (places.data / "openbook.sqlite3").exists()
    if not (database_is_there and kept.exists() and kept.read_text() == stamp(places)):
        with step("Preparing the database"):
            _manage(places, "migrate", "--no-input")
        with step("Collecting static files"):
            _manage(places, "collectstatic", "--no-input", "--clear")
        kept.write_text(stamp(places))
    _compare(places)


def _compare(places: Places) -> None:
    """Refuses to start where the index cannot be searched with what is configured now.

    Asked again where anything that decides it is another than last time; at each start where the database is a server,
    whose index other machines may have rebuilt.
    """
    kept, now = places.data / "index.stamp", _index_stamp(places)
    if not os.environ.get("DATABASE_URL") and kept.exists() and kept.read_text() == now:
        return
    with step("Comparing the embedding model with the index"):
        said = _manage(places, "index", "fits", "--skip-checks")
    if said.strip():
        say(said.strip())
    else:
        kept.write_text(now)


def _index_stamp(places: Places) -> str:
    """Of what is configured, of the files of a model that is a folder, and of what the index was made with."""
    digest = hashlib.sha256("\0".join(os.environ.get(name, "") for name in _INDEX).encode())
    digest.update((PYTHON.parent.parent / "openbook.stamp").read_bytes())  # the packaged model is one of the packages
    for path in sorted(Path(os.environ.get("EMBED_MODEL") or os.devnull).glob("**/*")):
        digest.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    base = places.data / "openbook.sqlite3"
    if base.exists():
        with closing(sqlite3.connect(base)) as database:
            rows = database.execute(
                "SELECT DISTINCT fingerprint, dimension FROM documents_segment WHERE retired IS NULL ORDER BY 1, 2"
            )
            digest.update(repr(rows.fetchall()).encode())
    return digest.hexdigest()


def _manage(places: Places, *arguments: str) -> str:
    return _python(places, "manage.py", *arguments)


def _python(places: Places, *arguments: str) -> str:
    """What it printed. Raises Stop with its last words where it fails."""
    env = {**os.environ, "DATA_DIR": str(places.data)}
    done = subprocess.run([str(PYTHON), *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    with (places.data / "setup.log").open("a") as log:
        log.write(done.stdout + done.stderr)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("CommandError: ")[:300]
        if "disk is full" in last or "No space left" in last:
            raise Stop(Code.DISK, f"The disk is full: '{arguments[1]}' could not finish.")
        raise Stop(Code.CONFIGURATION, f"'{arguments[1]}' failed: {last} ({places.data / 'setup.log'} has all of it).")
    return done.stdout
