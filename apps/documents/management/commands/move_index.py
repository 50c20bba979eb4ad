"""Command `manage.py move_index BACKEND`: move the index to another backend while it is searched and added to."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.documents.indexing import backend_migration, index_maintenance
from apps.engines.types import EngineError


class Command(BaseCommand):
    """Move the index to another backend while it is searched."""

    help = "Writes the index to another backend, checks it, and switches over. Continues where it was interrupted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = sorted(name for name in settings.INDEXES if name != "memory")
        parser.add_argument("target", choices=names, help="as INDEX_BACKEND names it")

    def handle(self, *args: Any, **options: Any) -> None:
        target = options["target"]
        try:
            moved_count = backend_migration.migrate_index(
                target, lambda done, total: self.stdout.write(f"{done} of {total} passages")
            )
        except index_maintenance.IndexBusy:
            raise CommandError(
                "Another process is rewriting the index of a collection. Run this again in a few minutes; "
                "finished parts are kept."
            ) from None
        except EngineError as error:
            raise CommandError(f"{error} Finished parts are kept. Run this again.") from error
        self.stdout.write(self.style.SUCCESS(f"{moved_count} segments are searched in {target} now."))
        if settings.ENGINES["index"].get("NAME") != target:
            self.stdout.write(
                f"Set INDEX_BACKEND={target} and start Openbook again; until then, what is added goes to the old one. "
                "Then run this once more for what was added meanwhile."
            )
