"""Rename fields, and the keys of stored content that are called after them."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# model, JSON field with column names as keys, former key, new key
_KEYS = (
    ("AssistantVersion", "content", "shows", "shown_sentences"),
    ("RetractedMessage", "fields", "draws", "picture_request"),
)


def _rename_keys(apps: StateApps, *, back: bool) -> None:
    for model, field, former, new in _KEYS:
        old, key = (new, former) if back else (former, new)
        rows = apps.get_model("conversations", model).objects.filter(**{f"{field}__has_key": old})
        for row in rows.iterator():
            content: dict[str, Any] = getattr(row, field)
            content[key] = content.pop(old)
            row.save(update_fields=[field])


def rename_keys(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    _rename_keys(apps, back=False)


def restore_keys(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    _rename_keys(apps, back=True)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0039_plain_help_texts")]

    operations = [
        migrations.RenameField("conversation", "titled", "title_origin"),
        migrations.RenameField("conversation", "narrow", "restricted_to_collections"),
        migrations.RenameField("message", "shows", "shown_sentences"),
        migrations.RenameField("message", "draws", "picture_request"),
        migrations.RenameField("assistant", "shows", "shown_sentences"),
        migrations.RenameField("modelprofile", "shows", "shown_sentences"),
        migrations.RenameField("attachedpicture", "unread", "recognition_problem"),
        migrations.RenameField("attachedpicture", "uncaptioned", "caption_problem"),
        migrations.RenameField("attachedpicture", "asked", "was_asked_about"),
        migrations.RenameField("share", "until", "last_message"),
        migrations.RunPython(rename_keys, restore_keys),
    ]
