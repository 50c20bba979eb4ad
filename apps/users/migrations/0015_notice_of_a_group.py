"""A notice that the user was added to a group."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies: ClassVar = [
        ('users', '0014_labels'),
    ]

    operations: ClassVar = [
        migrations.AlterField(
            model_name='usernotice',
            name='kind',
            field=models.CharField(choices=[('collection', 'Collection shared'), ('assistant', 'Assistant shared'), ('group', 'Added to a group'), ('documents', 'Documents ready'), ('answer', 'Answer ready')], max_length=12),
        ),
    ]
