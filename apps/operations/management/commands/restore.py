"""`manage.py restore FILE`: restore a backup into an empty installation, or finish an interrupted restore."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.operations.backups.errors import BackupError
from apps.operations.backups.restore import finish_restore, replace_database, restore_backup


class Command(BaseCommand):
    help = "Restores a backup, if there are no accounts and files yet and Openbook is not running."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="the archive")
        parser.add_argument(
            "--keys", type=Path, help="the keys of the review snapshots; by default FILE.keys, if it exists"
        )
        parser.add_argument(
            "--finish", action="store_true",
            help="finish a restore that was interrupted after everything was in place, as each start does",
        )  # fmt: skip
        parser.add_argument(
            "--database-only", action="store_true",
            help="restore only the database and replace the present one: what was stored since then is lost",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        if options["finish"] is (options["file"] is not None):
            raise CommandError("Name the archive, or say --finish.")
        try:
            if options["finish"]:
                finish_restore(self.stdout.write)
            elif options["database_only"]:
                replace_database(options["file"], self.stdout.write)
            else:
                restore_backup(options["file"], options["keys"], self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error)) from error
