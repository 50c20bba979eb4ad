from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0009_named_for_sealed_cases")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="breaks_glass",
            field=models.BooleanField(
                default=False, help_text="Named for break-glass access to conversations; nobody is by their role"
            ),
        ),
    ]
