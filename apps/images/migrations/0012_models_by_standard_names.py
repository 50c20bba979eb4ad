"""Renames models; each keeps its table, so nothing happens in the database."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("images", "0011_what_can_only_be_pictograms")]
    operations: ClassVar = [
        migrations.AlterModelTable(name="frame", table="images_frame"),
        migrations.RenameModel(old_name="Frame", new_name="PreviewFrame"),
    ]
