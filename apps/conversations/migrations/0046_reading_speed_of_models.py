"""Keep the measured reading speed of each chat model."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0045_users_and_origin_by_standard_names")]

    operations = [
        migrations.AddField(
            "modelprofile",
            "prompt_tokens_per_s",
            models.FloatField(null=True, blank=True, help_text="Tokens of a prompt read in a second"),
        ),
    ]
