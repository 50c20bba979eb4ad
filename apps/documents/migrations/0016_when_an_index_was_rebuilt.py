from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("documents", "0015_how_documents_were_read")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="indexcare",
            name="rebuilt",
            field=models.DateTimeField(
                blank=True, help_text="When all of it was last made anew; null: never", null=True
            ),
        ),
    ]
