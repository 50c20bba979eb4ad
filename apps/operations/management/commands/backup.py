"""`manage.py backup [FILE]`: writes everything that cannot be made anew into one archive, while Openbook runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from apps.operations.backups import making
from apps.operations.backups.errors import BackupError, errors_in_words


class Command(BaseCommand):
    help = "Writes database, uploaded files and keys into one archive, while Openbook runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="the archive; by default a new one in BACKUP_DIR")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with errors_in_words(Path(settings.DATA_DIR)), making.exclusive():
                made = making.make_backup(options["file"] or making.default_path())
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{made.path}: the database and {made.files} files, {filesizeformat(made.size)}")
        if made.keys is None:
            self.stdout.write(
                f"There is no file of keys at {settings.SNAPSHOT_KEYS}: frozen texts of review, if there are any, "
                "cannot be read from this backup without it."
            )
        else:
            self.stdout.write(
                f"{made.keys}: the keys of the frozen texts of review. Keep them in another place than the archive: "
                "whoever has both can read those texts."
            )
