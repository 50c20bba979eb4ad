"""Store sentences for users by their codes, with their values."""

from django.db import migrations

from apps.lib.db.stored_text_field import StoredTextField, encode_columns

COLUMNS = {
    "AttachedPicture": ("reason", "recognition_problem", "caption_problem",),
    "ImportItem": ("note",),
    "ImportJob": ("reason",),
    "Message": ("reason",),
    "ToolServer": ("problem",),
}


def encode_rows(apps, schema_editor):
    for model, columns in COLUMNS.items():
        encode_columns(apps.get_model("conversations", model), *columns)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_squashed_0046_reading_speed_of_models")]

    operations = [
        *(
            migrations.AlterField(model, column, StoredTextField(blank=True))
            for model, columns in COLUMNS.items()
            for column in columns
        ),
        migrations.RunPython(encode_rows, migrations.RunPython.noop),
    ]
