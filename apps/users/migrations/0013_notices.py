"""Notices about what was shared with a user, and about long answers and uploads that are ready."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("users", "0012_models_by_standard_names")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="UserNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("collection", "Collection shared"),
                            ("assistant", "Assistant shared"),
                            ("documents", "Documents ready"),
                            ("answer", "Answer ready"),
                        ],
                        max_length=12,
                    ),
                ),
                ("subject", models.CharField(max_length=36)),
                ("name", models.CharField(max_length=120)),
                (
                    "details",
                    models.JSONField(
                        blank=True, default=dict, help_text="by: who shared it; ready, failed: documents"
                    ),
                ),
                ("seen", models.DateTimeField(blank=True, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="user_notices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created"],
                "indexes": [models.Index(fields=["user", "-created"], name="notices_of_a_user")],
            },
        ),
    ]
