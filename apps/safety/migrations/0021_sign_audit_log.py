"""From here on entries of the audit log are signed by a key outside the database. What was logged before stays as it
is, byte for byte; the entry that says so is signed, and with it the hash of the last one before."""

from __future__ import annotations

from django.db import migrations

from apps.safety import audit


def begin(apps, schema_editor):
    last = apps.get_model("safety", "Event").objects.order_by("-seq").first()
    if last is not None:
        audit.record("log.signed", entries=last.seq)


class Migration(migrations.Migration):
    dependencies = [("safety", "0020_live_for_some_people")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
