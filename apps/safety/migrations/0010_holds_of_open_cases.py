"""What was held before holds ended by themselves has a day from now."""

from datetime import timedelta

from django.db import migrations
from django.db.models import Q
from django.utils import timezone


def forwards(apps, schema_editor):
    held = apps.get_model("safety", "Case").objects.filter(
        Q(kind__in=["picture", "attached"]) | Q(snapshot__stage="question"),
        state__in=["open", "claimed", "escalated"],
        snapshot__action="withhold_and_review",
    )
    held.update(held_until=timezone.now() + timedelta(hours=24))


class Migration(migrations.Migration):
    dependencies = [
        ("safety", "0009_holds_that_end"),
    ]

    operations = [
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
