"""Store the questions that a document answers; those of earlier documents are made by a periodic job."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0027_stored_text_by_codes")]

    operations = [
        migrations.AddField("Document", "starters", models.JSONField(blank=True, null=True)),
        migrations.AddIndex(
            "Document",
            models.Index("created", condition=models.Q(starters__isnull=True), name="docs_without_starters"),
        ),
    ]
