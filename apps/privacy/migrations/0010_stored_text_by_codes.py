"""Store sentences for users by their codes, with their values."""

from django.db import migrations

from apps.lib.db.stored_text_field import StoredTextField, encode_columns

COLUMNS = {
    "DataRequest": ("reason",),
}


def encode_rows(apps, schema_editor):
    for model, columns in COLUMNS.items():
        encode_columns(apps.get_model("privacy", model), *columns)


class Migration(migrations.Migration):
    dependencies = [("privacy", "0001_squashed_0009_case_holds_to_user_holds")]

    operations = [
        *(
            migrations.AlterField(model, column, StoredTextField(blank=True))
            for model, columns in COLUMNS.items()
            for column in columns
        ),
        migrations.RunPython(encode_rows, migrations.RunPython.noop),
    ]
