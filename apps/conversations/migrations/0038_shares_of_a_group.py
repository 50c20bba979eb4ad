"""The assistants that are shared with a group are found from the group; the database stays as it is."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies: ClassVar = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('conversations', '0037_plain_field_names'),
    ]

    operations: ClassVar = [
        migrations.AlterField(
            model_name='assistantshare',
            name='group',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='assistant_shares', to='auth.group'),
        ),
    ]
