"""Sign new audit log entries with a key outside the database. Earlier entries stay unchanged, byte for byte.

A signed entry `log.signed` marks the change and holds the hash of the entry before; an empty log gets none.
"""

from __future__ import annotations

from django.db import migrations

from apps.safety.audit_log import audit


def begin(apps, schema_editor):
    last = apps.get_model("safety", "Event").objects.order_by("-seq").first()
    if last is not None:
        audit.record_event("log.signed", entries=last.seq)


class Migration(migrations.Migration):
    dependencies = [("safety", "0020_live_for_some_people")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
