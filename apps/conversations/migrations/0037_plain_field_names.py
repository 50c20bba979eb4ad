"""Fields with names that say what they hold. Columns are renamed; no data changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0036_stored_sentences_in_todays_words"),
    ]

    operations = [
        migrations.RenameField("share", "on", "enabled"),
        migrations.RenameField("assistantversion", "by", "author"),
        migrations.RenameField("toolserver", "looked", "checked"),
        migrations.RenameField("retractedmessage", "at", "retracted"),
        migrations.RenameField("retrievedpassage", "given", "given_spans"),
        migrations.RemoveConstraint("importitem", "one_item_a_position"),
        migrations.RenameField("importitem", "of", "job"),
        migrations.AddConstraint(
            "importitem", models.UniqueConstraint(fields=("job", "position"), name="one_item_a_position")
        ),
    ]
