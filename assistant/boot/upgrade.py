"""Upgrade of a clone with rollback on failure: `upgrade_clone`.

Order: back up, fetch the newer code, install and migrate with it, check it. `DATA_DIR/upgrade.json` records commits,
backup and direction during an upgrade, so that the next call continues an interrupted one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from assistant.boot import process_locks, site_setup
from assistant.boot.console import print_line, timed_step
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import IS_CLONE, PYTHON, ROOT, Layout

FORWARD, BACK = "forward", "back"
BACKUPS_KEPT = 2  # archives of upgrades that are kept
LOCK_WAIT_S = 5.0  # seconds that a git of a killed upgrade may still run
_PREFIX = "before-upgrade-"


@dataclass(frozen=True, slots=True)
class UpgradeRecord:
    """Upgrade in progress. `backup` is the archive made before it; "" if there was no database."""

    before: str  # commits
    target: str
    backup: str
    direction: str = FORWARD


def upgrade_clone(layout: Layout) -> int:
    """Bring this clone to the newest commit of its branch; return 0. Raise BootError, also after a rollback."""
    if not IS_CLONE or not (ROOT / ".git").exists() or not shutil.which("git"):
        raise BootError(
            ExitCode.UPGRADE, "This is not a git clone: install the newer version, then start it as before."
        )
    descriptor = process_locks.lock_data(layout)
    try:
        record = _read_record(layout)
        if interrupted := record is not None:
            print_line("An upgrade was interrupted; continuing it.")
            _remove_lock_of_git()
        record = record or _begin(layout)
        if record is None:
            print_line("Openbook is up to date.")
            return 0
        return _finish(layout, record, interrupted=interrupted)
    finally:
        os.close(descriptor)


def _begin(layout: Layout) -> UpgradeRecord | None:
    """Back up and note the upgrade; return None if this is the newest commit. Raise BootError."""
    if _git("status", "--porcelain", "--untracked-files=no"):
        raise BootError(
            ExitCode.UPGRADE, "Files of this clone were changed: commit or undo the changes, and run again."
        )
    with timed_step("Checking for a newer version"):
        _git("fetch", "--quiet")
    before, target = _git("rev-parse", "HEAD"), _git("rev-parse", "@{upstream}")
    if before == target:
        return None
    if _git("merge-base", before, target) != before:
        raise BootError(ExitCode.UPGRADE, "This clone has local commits: merge the newer version manually.")
    record = UpgradeRecord(before, target, _back_up(layout))
    _write_record(layout, record)
    return record


def _back_up(layout: Layout) -> str:
    """Write an archive of everything before the upgrade and return its path; empty if there is no database yet."""
    if not (layout.data / "site.stamp").exists():
        return ""
    folder = Path(os.environ.get("BACKUP_DIR") or layout.data / "backups")
    target = folder / f"{_PREFIX}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.tar"
    with timed_step(f"Backing up to {target}"):
        site_setup.run_manage(layout, "backup", str(target))
    for old in sorted(folder.glob(f"{_PREFIX}*.tar"))[:-BACKUPS_KEPT]:
        old.unlink()
        old.with_name(f"{old.name}.keys").unlink(missing_ok=True)
    return str(target)


def _finish(layout: Layout, record: UpgradeRecord, *, interrupted: bool) -> int:
    """Set up the newer code in a process of its own; roll back if that fails. Raise BootError."""
    failure = "it was interrupted while it was undone"
    if record.direction == FORWARD:
        failure = _go_forward(record, interrupted=interrupted)
        if not failure:
            _record_path(layout).unlink()
            print_line("The upgrade is complete. Start it with ./run serve.")
            return 0
        print_line(f"The upgrade failed: {failure}")
        _write_record(layout, replace(record, direction=BACK))
    _go_back(layout, record, interrupted=interrupted)
    _record_path(layout).unlink()
    raise BootError(
        ExitCode.UPGRADE,
        f"The upgrade failed ({failure.rstrip('.')}) and was undone: code, packages and data are as before. "
        "Start them with ./run serve.",
    )


def _go_forward(record: UpgradeRecord, *, interrupted: bool) -> str:
    """Change the code and set it up; return the sentence of the failure, empty for success."""
    try:
        with timed_step(f"Changing the code from {record.before[:9]} to {record.target[:9]}"):
            _check_out(record.target, interrupted=interrupted)
    except BootError as error:
        return str(error)
    return _run_setup()


def _go_back(layout: Layout, record: UpgradeRecord, *, interrupted: bool) -> None:
    """Restore the previous code, packages and database. Raise BootError with the path of the backup."""
    where = f" The backup from before is {record.backup}." if record.backup else ""
    with timed_step(f"Going back to {record.before[:9]}"):
        _check_out(record.before, interrupted=interrupted)
    if failure := _run_setup("--packages"):
        raise BootError(ExitCode.UPGRADE, f"The upgrade failed; run ./run upgrade again: {failure}{where}")
    if record.backup:
        with timed_step("Restoring the database from before"):
            (layout.data / "site.stamp").unlink(missing_ok=True)
            site_setup.run_manage(layout, "restore", record.backup, "--database-only")
    if failure := _run_setup():
        raise BootError(ExitCode.UPGRADE, f"The upgrade failed; run ./run upgrade again: {failure}{where}")


def _check_out(commit: str, *, interrupted: bool) -> None:
    """Change the files of the clone to those of the commit. Raise BootError.

    Files that were changed since the upgrade began are kept, and end it; but if an earlier run was cut off, they are
    likely half written by git, and are replaced.
    """
    _git("reset", "--quiet", "--hard" if interrupted else "--keep", commit)


def _remove_lock_of_git() -> None:
    """Remove the lock that a killed git left on the clone; a git that still runs has LOCK_WAIT_S to end."""
    lock = ROOT / _git("rev-parse", "--git-path", "index.lock")
    deadline = time.monotonic() + LOCK_WAIT_S
    while lock.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    lock.unlink(missing_ok=True)


def _run_setup(*options: str) -> str:
    """Run the setup of the code that is checked out now; return the sentence of its failure, empty for success."""
    command = [sys.executable, "-m", "assistant.boot", "setup", *options]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    if not done.returncode and not options:
        command = [str(PYTHON), "manage.py", "check"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.returncode:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _record_path(layout: Layout) -> Path:
    return layout.data / "upgrade.json"


def _read_record(layout: Layout) -> UpgradeRecord | None:
    try:
        return UpgradeRecord(**json.loads(_record_path(layout).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _write_record(layout: Layout, record: UpgradeRecord) -> None:
    """Write the record atomically."""
    part = _record_path(layout).with_suffix(".part")
    with part.open("w") as file:
        json.dump(asdict(record), file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(_record_path(layout))


def _git(*arguments: str) -> str:
    """Run git in the clone and return its output. Raise BootError with its last line."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1].rstrip(".")
        raise BootError(ExitCode.UPGRADE, f"git {arguments[0]} failed: {last}.")
    return done.stdout.strip()
