"""`manage.py rotate_snapshot_key`: encrypt frozen texts with a new key.

`--drop` removes the older keys; `--lost` creates a new key file if all keys are lost.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from apps.safety.models import snapshot_keys


class Command(BaseCommand):
    help = "Makes a new key for the frozen texts of review and encrypts all of them by it. Openbook may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--drop", action="store_true", help="drop the older keys, once nothing needs them")
        parser.add_argument("--lost", action="store_true", help="make a new key where all are lost for good")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["lost"]:
                snapshot_keys.replace_lost_key()
                self.stdout.write("A new key. What the lost ones had encrypted stays closed; the Doctor counts it.")
                return
            if options["drop"]:
                self.stdout.write(
                    f"{snapshot_keys.drop_unused_keys()} older keys dropped. Backups of before still need them."
                )
                return
            self.stdout.write(f"A new key; {snapshot_keys.rotate_key()} rows were encrypted by it.")
            self.stdout.write("Back the file of keys up now. Older keys stay in it until you run this with --drop.")
        except (ImproperlyConfigured, snapshot_keys.KeyStillNeeded) as error:
            raise CommandError(str(error)) from error
