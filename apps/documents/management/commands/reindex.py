"""Command `manage.py reindex`: rebuild the index of one or all collections from the rows, beside the live one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.documents.indexing import index_maintenance
from apps.documents.models import Collection
from apps.engines.types import EngineError


class Command(BaseCommand):
    """Command `manage.py reindex`."""

    help = "Rebuilds the search index from the database, beside the live one; searches continue to work."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--collection", type=UUID, help="only this collection (its ID, as in the address of its page)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Collection.all_objects.all()
        if options["collection"]:
            chosen = chosen.filter(pk=options["collection"])
            if not chosen.exists():
                raise CommandError("This collection does not exist.")
        for collection in chosen:
            self._rebuild(collection)
        index_maintenance.sweep()

    def _rebuild(self, collection: Collection) -> None:
        def progress(done: int, total: int) -> None:
            self.stdout.write(f"{collection}: {done} of {total} passages")

        try:
            count = index_maintenance.reindex(collection.pk, progress)
        except index_maintenance.IndexBusy:
            raise CommandError(
                f"Another process is rewriting the index of {collection}. Try again in a few minutes."
            ) from None
        except EngineError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"{collection}: {count} passages in the new index"))
