"""Renames models; each keeps its table, so nothing happens in the database."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("conversations", "0031_records_hidden_while_withheld")]
    operations: ClassVar = [
        migrations.AlterModelTable(name="withdrawn", table="conversations_withdrawn"),
        migrations.RenameModel(old_name="Withdrawn", new_name="RetractedMessage"),
        migrations.AlterModelTable(name="queued", table="conversations_queued"),
        migrations.RenameModel(old_name="Queued", new_name="QueuedQuestion"),
        migrations.AlterModelTable(name="retrieved", table="conversations_retrieved"),
        migrations.RenameModel(old_name="Retrieved", new_name="RetrievedPassage"),
        migrations.AlterModelTable(name="import", table="conversations_import"),
        migrations.RenameModel(old_name="Import", new_name="ImportJob"),
        migrations.AlterModelTable(name="trace", table="conversations_trace"),
        migrations.RenameModel(old_name="Trace", new_name="AnswerTrace"),
    ]
