"""Rename the strictness of assistants, also in their stored versions, and the rating of feedback."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def _rename_key(apps: StateApps, former: str, new: str) -> None:
    for row in apps.get_model("conversations", "AssistantVersion").objects.filter(content__has_key=former).iterator():
        row.content[new] = row.content.pop(former)
        row.save(update_fields=["content"])


def rename_key(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    _rename_key(apps, "safety", "strictness")


def restore_key(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    _rename_key(apps, "strictness", "safety")


class Migration(migrations.Migration):
    dependencies = [("conversations", "0042_review_note_in_todays_words")]

    operations = [
        migrations.RenameField("assistant", "safety", "strictness"),
        migrations.RenameField("feedback", "good", "is_positive"),
        migrations.RunPython(rename_key, restore_key),
    ]
