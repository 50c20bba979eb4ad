"""Store when a document was deleted, so that it can be restored for an hour."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0028_starter_questions")]

    operations = [
        migrations.AddField("Document", "deleted", models.DateTimeField(blank=True, null=True)),
        migrations.AddIndex(
            "Document",
            models.Index("deleted", condition=models.Q(deleted__isnull=False), name="docs_deleted"),
        ),
    ]
