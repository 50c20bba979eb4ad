"""What was frozen before there was a key is encrypted; and the trigger is there again, which SQLite loses with the
table that the migration before remade."""

from __future__ import annotations

from django.db import migrations

from apps.safety.audit_log import audit
from apps.safety.models import snapshot_keys


def encrypt(apps, schema_editor):
    audit.install_triggers()
    snapshot_keys.encrypt_all(apps.get_model("safety", "Snapshot"), apps.get_model("safety", "Audited"))


class Migration(migrations.Migration):
    dependencies = [("safety", "0017_snapshots_are_encrypted")]

    operations = [migrations.RunPython(encrypt, migrations.RunPython.noop)]
