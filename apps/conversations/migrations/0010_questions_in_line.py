import django.db.models.deletion
from django.db import migrations, models

import apps.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0009_narrow_conversations"),
    ]

    operations = [
        migrations.CreateModel(
            name="Queued",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("text", models.TextField()),
                (
                    "settings",
                    models.JSONField(blank=True, default=dict, help_text="As the page sends them with a question"),
                ),
                (
                    "client_id",
                    models.CharField(
                        help_text="Made by the client; the question will be kept under it", max_length=40
                    ),
                ),
                ("position", models.IntegerField(default=0, help_text="Lower comes first; among equals the older one")),
                ("problem", models.CharField(blank=True, help_text="Why it cannot be asked as it is", max_length=400)),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="queued",
                        to="conversations.conversation",
                    ),
                ),
            ],
            options={
                "ordering": ["position", "created"],
                "constraints": [
                    models.UniqueConstraint(fields=("conversation", "client_id"), name="one_queued_a_client_id")
                ],
            },
        ),
    ]
