"""`manage.py backup [FILE]`: back up database, files and keys while Openbook runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from apps.operations.backups import creation
from apps.operations.backups.errors import BackupError, raise_as_backup_error


class Command(BaseCommand):
    help = "Writes database, uploaded files and keys into one archive, while Openbook runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="the archive; by default a new one in BACKUP_DIR")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with raise_as_backup_error(Path(settings.DATA_DIR)), creation.hold_backup_lock():
                made = creation.make_backup(options["file"] or creation.get_default_path())
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{made.path}: the database and {made.files} files, {filesizeformat(made.size)}")
        if made.keys is None:
            self.stdout.write(
                f"There is no file of keys at {settings.SNAPSHOT_KEYS}: review snapshots in this backup, if any, "
                "cannot be read without it."
            )
        else:
            self.stdout.write(
                f"{made.keys}: the keys of the review snapshots. Store them in another place than the archive: "
                "anyone who has both can read the snapshots."
            )
