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
    help = "Creates a new key for the review snapshots and encrypts all of them with it. Openbook can keep running."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--drop", action="store_true", help="remove the older keys that nothing needs")
        parser.add_argument("--lost", action="store_true", help="create a new key if all are lost for good")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["lost"]:
                snapshot_keys.replace_lost_key()
                self.stdout.write(
                    "Created a new key. What the lost keys had encrypted cannot be read; the system check counts it."
                )
                return
            if options["drop"]:
                self.stdout.write(
                    f"{snapshot_keys.drop_unused_keys()} older keys removed. Earlier backups still need them."
                )
                return
            self.stdout.write(f"Created a new key and encrypted {snapshot_keys.rotate_key()} rows with it.")
            self.stdout.write("Back up the file of keys now. Older keys stay in it until you run this with --drop.")
        except (ImproperlyConfigured, snapshot_keys.KeyStillNeeded) as error:
            raise CommandError(str(error)) from error
