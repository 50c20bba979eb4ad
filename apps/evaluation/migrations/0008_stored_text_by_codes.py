"""Store sentences for users by their codes, with their values."""

from django.db import migrations

from apps.lib.db.stored_text_field import StoredTextField, encode_columns

COLUMNS = {
    "AnswerRun": ("reason",),
    "GoldenRun": ("reason",),
}


def encode_rows(apps, schema_editor):
    for model, columns in COLUMNS.items():
        encode_columns(apps.get_model("evaluation", model), *columns)


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0001_squashed_0007_names_of_fields")]

    operations = [
        *(
            migrations.AlterField(model, column, StoredTextField(blank=True))
            for model, columns in COLUMNS.items()
            for column in columns
        ),
        migrations.RunPython(encode_rows, migrations.RunPython.noop),
    ]
