from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0005_assistants_in_versions"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="links",
            field=models.JSONField(blank=True, default=list, help_text="Addresses in the text that are shown as links"),
        ),
    ]
