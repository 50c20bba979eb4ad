"""Update of database, static files and translations to the current code: `prepare_site`.

Stamps of code, packages and settings prevent repeated work. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from assistant.boot import packages, serve, translations
from assistant.boot.console import print_line, timed_step
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import PYTHON, ROOT, Layout, find_resource, read_version

_INDEX = (
    "DATABASE_URL",
    "EMBED_MODEL",
    "EMBED_MORE",
    "EMBED_MULTILINGUAL",
    "EMBED_BACKEND",
    "INDEX_BACKEND",
    "PGVECTOR_URL",
    "MILVUS_URL",
)
_SHOWN = 8  # changed packages, and newest migrations, that are printed by name


def prepare_site(layout: Layout, changed: Sequence[str] = ()) -> None:
    """Finish an interrupted restore, migrate the database, collect static files and compare the index; then print what
    an upgrade changed.

    `changed`: one line per package whose version changed. Raise BootError.
    """
    if translations.find_stale():
        with timed_step("Compiling translations"):
            _run_python(layout, "-m", "assistant.boot.translations")
    if (layout.data / "restore.unfinished").exists():
        run_manage(layout, "restore", "--finish", shown=True)
    stamp = layout.data / "site.stamp"
    migrated: list[str] = []
    is_current = stamp.exists() and stamp.read_text() == stamp_site(layout)
    # A database server may have other tables than last time, for example after its volume was recreated.
    if not is_current or os.environ.get("DATABASE_URL") or not (layout.data / "openbook.sqlite3").exists():
        with timed_step("Preparing the database"):
            output = run_manage(layout, "migrate", "--no-input")
        migrated = re.findall(r"^  Applying (\S+?)\.\.\. OK", output, re.MULTILINE)
    if not is_current:
        with timed_step("Collecting static files"):
            run_manage(layout, "collectstatic", "--no-input", "--clear")
        stamp.write_text(stamp_site(layout))
    _compare_index(layout)
    _report_upgrade(layout, changed, migrated)


def run_manage(layout: Layout, *arguments: str, shown: bool = False) -> str:
    """Run a command of Django and return its output; `shown`: print it instead. Raise BootError with the cause."""
    return _run_python(layout, "-m", "django", *arguments, shown=shown)


def django_environment(layout: Layout) -> dict[str, str]:
    """Return the environment of commands of Django: that of the processes, from any folder."""
    path = os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]).rstrip(os.pathsep)
    own = {"DJANGO_SETTINGS_MODULE": "assistant.settings", "PYTHONPATH": path}
    return {**serve.complete_environment(layout), **own}


def describe_version() -> dict[str, str]:
    """Return version and commit of this code; the commit is "" outside a git clone, and without git."""
    commit = ""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return {"version": read_version(), "commit": commit}


def _report_upgrade(layout: Layout, changed: Sequence[str], migrated: Sequence[str]) -> None:
    """Print the differences from the last start, if code or packages changed."""
    version_file, now = layout.data / "version.json", describe_version()
    try:
        before = json.loads(version_file.read_text())
    except (OSError, ValueError):
        before = {}
    if before and before != now:
        old, new = (f"{one['version']} {one['commit']}".strip() for one in (before, now))
        print_line(f"Upgraded from {old} to {new}; see CHANGELOG.md.")
    if before and changed:
        rest = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        print_line(f"Changed packages: {', '.join(changed[:_SHOWN])}{rest}")
    if before and migrated:
        print_line(f"Changed tables: {', '.join(migrated[-_SHOWN:])}")
    if before != now:
        version_file.write_text(json.dumps(now))


def stamp_site(layout: Layout) -> str:
    """Return a hash of migrations, static files and packages; a different one means that the site must be prepared
    again."""
    digest = hashlib.sha256(os.environ.get("DATABASE_URL", "").encode())
    for path in sorted((ROOT / "apps").glob("*/migrations/*.py")):
        digest.update(path.read_bytes())
    for path in sorted(find_resource("static").rglob("*")):
        state = path.stat()
        digest.update(f"{path} {state.st_size} {state.st_mtime_ns}".encode())
    digest.update(packages.environment_stamp())  # other packages bring other tables and static files
    return digest.hexdigest()


def _compare_index(layout: Layout) -> None:
    """Raise BootError if the index cannot be searched with the configured embedding model.

    The comparison is repeated when the settings, the packages or the models of the segments changed. With a database
    server it is repeated at each start, since another machine may have rebuilt the index.
    """
    stamp, now = layout.data / "index.stamp", _stamp_index(layout)
    if not os.environ.get("DATABASE_URL") and stamp.exists() and stamp.read_text() == now:
        return
    with timed_step("Comparing the embedding model with the index"):
        output = run_manage(layout, "index", "fits", "--skip-checks")
    if output.strip():
        print_line(output.strip())
    else:
        stamp.write_text(now)


def _stamp_index(layout: Layout) -> str:
    """Hash the settings of the index, the files of a model that is a folder, and the models that segments name."""
    digest = hashlib.sha256("\0".join(os.environ.get(name, "") for name in _INDEX).encode())
    digest.update(packages.environment_stamp())  # the packaged model is one of the packages
    for path in sorted(Path(os.environ.get("EMBED_MODEL") or os.devnull).glob("**/*")):
        digest.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    base = layout.data / "openbook.sqlite3"
    if base.exists():
        with closing(sqlite3.connect(base)) as database:
            rows = database.execute(
                "SELECT DISTINCT fingerprint, dimension FROM documents_segment WHERE retired IS NULL ORDER BY 1, 2"
            )
            digest.update(repr(rows.fetchall()).encode())
    return digest.hexdigest()


def _run_python(layout: Layout, *arguments: str, shown: bool = False) -> str:
    stream = None if shown else subprocess.PIPE
    done = subprocess.run(
        [str(PYTHON), *arguments], cwd=ROOT, env=django_environment(layout), stdout=stream, stderr=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    output = done.stdout or ""
    with (layout.data / "setup.log").open("a") as log:
        log.write(output + done.stderr)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("CommandError: ")[:300]
        name = next((word for word in arguments if not word.startswith("-") and word != "django"), "python")
        if "disk is full" in last or "No space left" in last:
            raise BootError(ExitCode.DISK, f"The disk is full: '{name}' could not finish; free some and run again.")
        raise BootError(ExitCode.CONFIGURATION, f"'{name}' failed: {last} ({layout.data / 'setup.log'} has all of it).")
    return output
