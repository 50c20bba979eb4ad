"""Store sentences for users by their codes, with their values."""

from django.db import migrations

from apps.lib.db.stored_text_field import StoredTextField, encode_columns

COLUMNS = {
    "Document": ("note", "reason", "withheld",),
    "IndexBuild": ("reason",),
    "RefusedUpload": ("reason",),
}


def encode_rows(apps, schema_editor):
    for model, columns in COLUMNS.items():
        encode_columns(apps.get_model("documents", model), *columns)


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_squashed_0026_help_texts")]

    operations = [
        *(
            migrations.AlterField(model, column, StoredTextField(blank=model != "RefusedUpload"))
            for model, columns in COLUMNS.items()
            for column in columns
        ),
        migrations.RunPython(encode_rows, migrations.RunPython.noop),
    ]
