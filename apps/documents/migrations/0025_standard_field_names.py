"""Renames fields to the words of the code and of the pages, and the keys of stored search settings."""

from typing import ClassVar

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_KEYS = {"meaning": "vector_weight", "floor": "relevance_threshold"}


def _rename_keys(apps: StateApps, names: dict[str, str]) -> None:
    for model in ("Collection", "IndexBuild"):
        rows = apps.get_model("documents", model)._base_manager
        for row in rows.exclude(search_settings={}).only("pk", "search_settings"):
            stored = {names.get(key, key): value for key, value in row.search_settings.items()}
            rows.filter(pk=row.pk).update(search_settings=stored)


def forwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    _rename_keys(apps, _KEYS)


def backwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    _rename_keys(apps, {new: old for old, new in _KEYS.items()})


class Migration(migrations.Migration):
    dependencies: ClassVar = [("documents", "0024_labels")]
    operations: ClassVar = [
        migrations.RemoveIndex("document", "docs_unread"),
        *(
            migrations.RenameField(model, old, new)
            for model, old, new in (
                ("document", "read_by", "parser_version"), ("document", "cut_by", "chunking_version"),
                ("document", "own_title", "embedded_title"), ("document", "unread", "pages_without_text"),
                ("document", "synced", "sync_folder"), ("document", "modified", "modified_ns"),
                ("page", "pieces", "block_spans"), ("page", "recognised", "ocr_key"),
                ("segment", "annotated", "stale_since"), ("indexmaintenance", "rebuild", "rebuild_reason"),
                ("collection", "tuning", "search_settings"), ("indexbuild", "tuning", "search_settings"),
                ("indexbuild", "cut", "has_own_chunks"), ("indexbuild", "swap", "swap_when_built"),
                ("foldersync", "asked_by", "requested_by"), ("foldersync", "wanted", "pending"),
                ("refusedupload", "same", "duplicate_of"),
            )
        ),
        migrations.AddIndex(
            "document",
            models.Index("created", condition=models.Q(pages_without_text__isnull=False), name="docs_unread"),
        ),
        migrations.RunPython(forwards, backwards, elidable=True),
    ]  # fmt: skip
