from django.db import migrations, models

import apps.reading.parsing.formats


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0006_groups_and_keywords"),
    ]

    operations = [
        migrations.AddField(
            model_name="document",
            name="language",
            field=models.CharField(blank=True, help_text="ISO 639-1 of its text; empty: not told", max_length=8),
        ),
        migrations.AddField(
            model_name="document",
            name="note",
            field=models.CharField(
                blank=True, help_text="What was left out when it was read, in sentences", max_length=400
            ),
        ),
        migrations.AddField(
            model_name="document",
            name="path",
            field=models.CharField(
                blank=True,
                help_text="Of its folder where it came from, 'a/b', for display only; empty: none",
                max_length=500,
            ),
        ),
        migrations.AddField(
            model_name="page",
            name="boxes",
            field=models.JSONField(
                blank=True,
                help_text="Words of a recognised page: [start, end, left, top, width, height], places in fractions of the page",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="document",
            name="kind",
            field=models.CharField(blank=True, choices=apps.reading.parsing.formats.list_kinds, max_length=16),
        ),
        migrations.AlterField(
            model_name="document",
            name="stage",
            field=models.CharField(
                blank=True,
                choices=[
                    ("sniff", "Checking the file"),
                    ("parse", "Reading pages"),
                    ("scan", "Recognising text"),
                    ("screen", "Screening"),
                    ("chunk", "Cutting into passages"),
                    ("embed", "Computing meaning"),
                    ("index", "Adding to the index"),
                ],
                max_length=8,
            ),
        ),
    ]
