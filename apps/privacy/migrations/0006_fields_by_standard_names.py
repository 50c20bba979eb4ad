"""Name fields of data requests, erasure files and legal holds of cases by their standard terms."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("privacy", "0005_labels"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations: ClassVar = [
        migrations.RenameField("datarequest", "fault", "error"),
        migrations.RenameField("erasurefile", "wish", "data_request"),
        migrations.RenameField("caselegalhold", "whom", "erased_user"),
        migrations.RenameField("caselegalhold", "entry", "audit_seq"),
        migrations.AlterField(
            "datarequest",
            "person",
            models.ForeignKey(
                null=True, on_delete=models.SET_NULL, related_name="data_requests", to=settings.AUTH_USER_MODEL
            ),
        ),
    ]
