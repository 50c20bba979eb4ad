
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('images', '0010_presets'),
    ]

    operations = [
        migrations.AddField(
            model_name='picture',
            name='pictogram',
            field=models.BooleanField(default=False),
        ),
    ]
