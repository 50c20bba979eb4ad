"""Labels of choices and help texts in the words of the pages; nothing happens in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('images', '0012_models_by_standard_names'),
    ]

    operations = [
        migrations.AlterField(
            model_name='picture',
            name='level',
            field=models.CharField(choices=[('site', 'Site default'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', max_length=12),
        ),
        migrations.AlterField(
            model_name='picture',
            name='status',
            field=models.CharField(choices=[('queued', 'Waiting'), ('working', 'In progress'), ('ready', 'Ready'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('held', 'Withheld for review')], db_index=True, default='queued', max_length=12),
        ),
    ]
