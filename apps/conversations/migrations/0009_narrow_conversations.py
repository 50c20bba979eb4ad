from django.db import migrations, models


def fill(apps, schema_editor):
    """Conversations with collections of their own keep to them, also when these are deleted."""
    Conversation = apps.get_model("conversations", "Conversation")
    Conversation.objects.filter(collections__isnull=False).update(narrow=True)


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0008_what_lies_behind"),
    ]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="narrow",
            field=models.BooleanField(default=False, help_text="Collections were chosen: never all of them"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
