"""Command `manage.py sync_folder COLLECTION FOLDER`: print the changes of a folder sync; `--apply` applies them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.documents.library import folder_sync
from apps.documents.library.folder_diff import FolderDiff
from apps.documents.models import Collection

NEEDS_CONFIRMATION = 3  # exit code if removals have to be confirmed


class Command(BaseCommand):
    """Command `manage.py sync_folder`."""

    help = "Compares a folder of SYNC_DIR with the documents that came from it, and applies the difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("collection", type=UUID, help="the ID of the collection, as in the address of its page")
        parser.add_argument("folder", help="a folder in SYNC_DIR; . for the whole of it")
        parser.add_argument(
            "--apply", action="store_true", help="apply the difference; without it, the difference is only shown"
        )
        parser.add_argument(
            "--removals", type=int, default=0, metavar="N",
            help="confirm that up to N documents may be removed; needed if that is a large part of the collection",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        collection = Collection.objects.select_related("owner").filter(pk=options["collection"]).first()
        if collection is None:
            raise CommandError("This collection does not exist.")
        try:
            self._show(folder_sync.preview_sync(collection, options["folder"]))
            if options["apply"]:
                self._apply(collection, options["folder"], options["removals"])
        except folder_sync.RemovalsUnconfirmed as error:
            message = f"{error} If it is complete, repeat the command with --removals and that number."
            raise CommandError(message, returncode=NEEDS_CONFIRMATION) from error
        except folder_sync.SyncRefused as error:
            raise CommandError(str(error)) from error

    def _show(self, diff: FolderDiff) -> None:
        for mark, paths in (
            ("+", [item.path for item in diff.added]),
            ("~", [item.path for item in diff.changed]),
            (">", [item.description for item in diff.renamed]),
            ("-", [item.path for item in diff.removed]),
        ):
            for path in paths:
                self.stdout.write(f"{mark} {path}")
        for path, why in diff.refused:
            self.stdout.write(f"! {path}: {why}")
        self.stdout.write(
            f"{len(diff.added)} added, {len(diff.changed)} changed, {len(diff.renamed)} renamed, "
            f"{len(diff.removed)} removed, {diff.unchanged} unchanged, {len(diff.refused)} not accepted"
        )

    def _apply(self, collection: Collection, folder: str, confirmed: int) -> None:
        problems = [problem for problem in folder_sync.apply_sync(None, collection, folder, confirmed) if problem]
        for place, why in problems:
            self.stderr.write(f"{place}: {why}")
        self.stdout.write(self.style.SUCCESS("Applied. The worker reads the new files."))
