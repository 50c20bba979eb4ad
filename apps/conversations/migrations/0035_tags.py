"""Tags that a user gives to a conversation."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0034_labels"),
    ]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="tags",
            field=models.CharField(
                blank=True, help_text="Each between bars: |leave|hr|; see `history/tags.py`", max_length=320
            ),
        ),
    ]
