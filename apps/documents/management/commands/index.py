"""Command `manage.py index`: verify or rebuild the search index, or check that the embedder fits it.

`verify` compares every segment with its checksum and the rows, `rebuild` rewrites all segments. `fits` checks the
configured embedder, and runs before Openbook starts.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from apps.documents.indexing import embedders
from apps.documents.models import Chunk, Segment
from apps.documents.settings import read_collection_settings
from apps.engines import registry
from apps.engines.types import EngineError


class Command(BaseCommand):
    """Command `manage.py index verify|rebuild|fits`."""

    help = "Checks the search index against its checksums and the database, or rebuilds it from the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["verify", "rebuild", "fits"])
        parser.add_argument(
            "--collection", type=UUID, help="only this collection (its ID, as in the address of its page)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "fits":
            self._fits()
            return
        started = time.monotonic()
        if options["verb"] == "rebuild":
            call_command("reindex", collection=options["collection"], stdout=self.stdout)
        else:
            self._verify(options["collection"])
        self.stdout.write(f"It took {time.monotonic() - started:.1f} s.")

    def _fits(self) -> None:
        """Raise CommandError if nothing can be searched; print the collections that alone cannot."""
        try:
            registry.get_index()
            engine = registry.get_embedder()
            engine.dimension  # noqa: B018 - fails where the model is not there
        except EngineError as error:
            if error.retry:
                self.stdout.write(f"The embedding model could not be compared with the index: {error}")
                return
            raise CommandError(str(error)) from error
        rows = Segment.objects.live().select_related("collection")
        incompatible = [row for row in rows if not embedders.is_compatible(row)]
        names = sorted({row.collection.name for row in incompatible})
        if (
            names
            and len(incompatible) == len(rows)
            and not any(read_collection_settings(row.collection.search_settings).embedder for row in rows)
        ):
            embedders_used = " and ".join(
                sorted({f"{row.fingerprint} ({row.dimension} dimensions)" for row in incompatible})
            )
            raise CommandError(
                f"The index was made with another embedding model: {embedders_used}, now {engine.fingerprint} "
                f"({engine.dimension}). Set EMBED_MODEL as it was, or rebuild: .venv/bin/python manage.py reindex"
            )
        if names:
            self.stdout.write(
                f"Made with another embedding model, so not searched: {', '.join(names)}. Set EMBED_MODEL and "
                "EMBED_MORE as they were, or run manage.py reindex."
            )

    def _verify(self, collection: UUID | None) -> None:
        """Print faults of segments and chunks. Raises CommandError if there are any."""
        rows = Segment.objects.live().select_related("collection")
        if collection:
            rows = rows.filter(collection=collection)
        chunks = dict(Chunk.objects.filter(segment__in=rows).order_by().values_list("segment").annotate(Count("pk")))
        faults = 0
        for row in rows:
            if fault := self._fault(row, chunks.get(row.pk, 0)):
                faults += 1
                self.stdout.write(self.style.ERROR(f"{row.collection.name}: segment {row.pk.hex} {fault}"))
        loose = Chunk.objects.filter(segment__isnull=True, document__status="ready")
        if collection:
            loose = loose.filter(document__collection=collection)
        if count := loose.count():
            faults += 1
            self.stdout.write(self.style.ERROR(f"{count} passages of ready documents are in no segment"))
        if faults:
            raise CommandError("Rebuild it with `manage.py index rebuild`; searches continue to work.")
        passages = sum(chunks.values())
        self.stdout.write(self.style.SUCCESS(f"{len(rows)} segments with {passages} passages are intact."))

    def _fault(self, row: Segment, chunks: int) -> str:
        """Return the fault of a segment in words; "" if it is sound."""
        try:
            sound = registry.get_index().verify(row.info)
        except EngineError as error:
            return f"could not be read: {error}"
        if not sound:
            return "is missing or damaged"
        if not embedders.is_compatible(row):
            now = embedders.get_fingerprint(row.collection) or "none"
            return f"was made with another embedder than the one configured ({row.fingerprint}, now {now})"
        return f"holds {row.count} passages, the database names {chunks}" if chunks > row.count else ""
