from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('documents', '0018_scanned_pages_without_text'),
    ]

    operations = [
        migrations.AddField(
            model_name='page',
            name='recognised',
            field=models.CharField(blank=True, default='', help_text='By which recogniser its text was read, and of which content: it need not be read again', max_length=64),
        ),
    ]
