"""Store how many collections were chosen for a conversation in place of whether any were."""

from __future__ import annotations

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Count, OuterRef, Subquery


def count_collections(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model("conversations", "Conversation").objects
    counted = rows.filter(pk=OuterRef("pk")).annotate(n=Count("collections")).order_by().values("n")
    rows.filter(collections__isnull=False).update(chosen_collection_count=Subquery(counted))
    rows.filter(restricted_to_collections=True, chosen_collection_count=0).update(chosen_collection_count=1)


def restore_restriction(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model("conversations", "Conversation").objects
    rows.filter(chosen_collection_count__gt=0).update(restricted_to_collections=True)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0043_strictness_and_ratings")]

    operations = [
        migrations.AddField(
            "conversation",
            "chosen_collection_count",
            models.PositiveIntegerField(
                default=0, help_text="Number of collections that were chosen, some of which may be gone; 0: none, so all"
            ),
        ),
        migrations.RunPython(count_collections, restore_restriction),
        migrations.RemoveField("conversation", "restricted_to_collections"),
    ]
