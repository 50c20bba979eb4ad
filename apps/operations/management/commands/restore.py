"""`manage.py restore FILE`: restore a backup into an empty installation."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.operations.backups.errors import BackupError
from apps.operations.backups.restore import replace_database, restore_backup


class Command(BaseCommand):
    help = "Puts a backup back: only where there is no account and no file yet, and while Openbook does not run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the archive")
        parser.add_argument(
            "--keys", type=Path, help="the keys of frozen texts; by default FILE.keys where it is there"
        )

        parser.add_argument(
            "--database-only", action="store_true",
            help="put only the database back, in the place of the one that is here: what was stored since is lost",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["database_only"]:
                replace_database(options["file"], self.stdout.write)
            else:
                restore_backup(options["file"], options["keys"], self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error)) from error
