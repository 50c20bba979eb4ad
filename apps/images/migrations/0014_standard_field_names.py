"""Renames fields to the words of the code."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("images", "0013_labels")]
    operations: ClassVar = [
        migrations.RenameField("picture", "mark", "watermark_id"),
        migrations.RenameField("picture", "vector_by", "vector_embedder"),
        migrations.RenameField("picture", "smaller", "is_reduced"),
        migrations.RenameField("picture", "repeats", "repeat_of"),
    ]
