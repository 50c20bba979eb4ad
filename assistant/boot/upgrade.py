"""Upgrade a clone and go back by itself where that fails: `upgrade_clone`.

Order: back up, fetch the newer code, install and migrate with it, check it. `DATA_DIR/upgrade.json` notes commit and
backup while an upgrade is under way, so that one that was cut off is finished or taken back by the next call.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from assistant.boot import preflight, site_setup
from assistant.boot.console import print_line, timed_step
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import IS_CLONE, PYTHON, ROOT, Layout


def upgrade_clone(layout: Layout) -> int:
    """Bring this clone to the newest commit of its branch; return 0. Raises BootError, also where it was taken back."""
    if not IS_CLONE or not (ROOT / ".git").exists():
        raise BootError(ExitCode.UPGRADE, "This is no git clone: install the newer version, then start it as before.")
    record = layout.data / "upgrade.json"
    if record.exists():
        print_line("An upgrade was cut off; it is finished now, or taken back.")
        return _finish(layout, record)
    before, newest = _check_clone(layout)
    if before == newest:
        print_line("Openbook is up to date.")
        return 0
    backup = _back_up(layout)
    record.write_text(json.dumps({"commit": before, "backup": str(backup or "")}))
    with timed_step(f"Changing the code from {before[:9]} to {newest[:9]}"):
        _git("merge", "--ff-only", newest)
    return _finish(layout, record)


def _check_clone(layout: Layout) -> tuple[str, str]:
    """Return this commit and the newest of the branch that it follows. Raises BootError where it may not be changed."""
    if _git("status", "--porcelain", "--untracked-files=no"):
        raise BootError(ExitCode.UPGRADE, "Files of this clone were changed: commit or undo that, and run again.")
    try:
        preflight.check_port(layout.host, layout.port, "PORT")
    except BootError as error:
        raise BootError(error.code, f"Stop Openbook before the upgrade ({error}).") from error
    with timed_step("Asking for a newer version"):
        _git("fetch", "--quiet")
    return _git("rev-parse", "HEAD"), _git("rev-parse", "@{upstream}")


def _back_up(layout: Layout) -> Path | None:
    """Return the archive of everything before the upgrade; None where there is no database yet."""
    if not (layout.data / "site.stamp").exists():
        return None
    target = layout.data / "backups" / f"before-upgrade-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.tar"
    with timed_step(f"Backing up to {target}"):
        site_setup.run_manage(layout, "backup", str(target))
    return target


def _finish(layout: Layout, record: Path) -> int:
    """Set up the new code in a process of its own; take the upgrade back where that fails."""
    note = json.loads(record.read_text())
    failure = _run_setup()
    if not failure:
        record.unlink()
        print_line("The upgrade is complete: ./run serve starts it.")
        return 0
    print_line(f"The upgrade failed: {failure}")
    with timed_step(f"Going back to {note['commit'][:9]}"):
        _git("reset", "--quiet", "--keep", note["commit"])
    if failed_again := _run_setup(packages_only=True):
        raise BootError(
            ExitCode.UPGRADE, f"{_describe_state(note)} Its packages could not be installed: {failed_again}"
        )
    if note["backup"]:
        with timed_step("Putting the database of before back"):
            (layout.data / "site.stamp").unlink(missing_ok=True)
            site_setup.run_manage(layout, "restore", note["backup"], "--database-only")
    if failed_again := _run_setup():
        raise BootError(ExitCode.UPGRADE, f"{_describe_state(note)} It could not be set up again: {failed_again}")
    record.unlink()
    raise BootError(
        ExitCode.UPGRADE,
        f"The upgrade failed ({failure.rstrip('.')}) and was taken back: code, packages and data are as before; "
        "./run serve starts them.",
    )


def _run_setup(*, packages_only: bool = False) -> str:
    """Run the setup of the code that is checked out now; return the sentence of its failure, empty for success."""
    python = PYTHON if PYTHON.exists() else Path("python3")
    options = ["--packages"] if packages_only else []
    command = [str(python), "-m", "assistant.boot", "setup", *options]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    if not done.returncode and not packages_only:
        command = [str(python), "manage.py", "check"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.returncode:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _describe_state(note: dict[str, str]) -> str:
    where = f"; everything of before is in {note['backup']}" if note["backup"] else ""
    return f"The upgrade failed, and the code is back at {note['commit'][:9]}{where}."


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BootError(ExitCode.UPGRADE, f"git {arguments[0]} failed: {last}.")
    return done.stdout.strip()
