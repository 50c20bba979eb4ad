"""Renames models; each keeps its table, so nothing happens in the database."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("documents", "0021_removals_confirmed")]
    operations: ClassVar = [
        migrations.AlterModelTable(name="indexcare", table="documents_indexcare"),
        migrations.RenameModel(old_name="IndexCare", new_name="IndexMaintenance"),
        migrations.AlterModelTable(name="preparedsegment", table="documents_preparedsegment"),
        migrations.RenameModel(old_name="PreparedSegment", new_name="SegmentCopy"),
        migrations.AlterModelTable(name="pendingshare", table="documents_pendingshare"),
        migrations.RenameModel(old_name="PendingShare", new_name="PendingMembership"),
    ]
