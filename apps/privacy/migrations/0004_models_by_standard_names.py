"""Renames models; each keeps its table, so nothing happens in the database."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("privacy", "0003_files_to_remove")]
    operations: ClassVar = [
        migrations.AlterModelTable(name="wish", table="privacy_wish"),
        migrations.RenameModel(old_name="Wish", new_name="DataRequest"),
        migrations.AlterModelTable(name="keeping", table="privacy_keeping"),
        migrations.RenameModel(old_name="Keeping", new_name="RetentionRule"),
        migrations.AlterModelTable(name="hold", table="privacy_hold"),
        migrations.RenameModel(old_name="Hold", new_name="LegalHold"),
        migrations.AlterModelTable(name="casehold", table="privacy_casehold"),
        migrations.RenameModel(old_name="CaseHold", new_name="CaseLegalHold"),
    ]
