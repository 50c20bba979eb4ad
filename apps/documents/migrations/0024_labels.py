"""Labels of choices and help texts in the words of the pages; nothing happens in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('documents', '0023_files_of_chats'),
    ]

    operations = [
        migrations.AlterField(
            model_name='document',
            name='stage',
            field=models.CharField(blank=True, choices=[('fetch', 'Fetching the page'), ('sniff', 'Checking the file'), ('parse', 'Reading pages'), ('scan', 'Recognising text'), ('screen', 'Safety check'), ('chunk', 'Splitting into passages'), ('embed', 'Embedding'), ('index', 'Adding to the index')], max_length=8),
        ),
        migrations.AlterField(
            model_name='document',
            name='status',
            field=models.CharField(choices=[('queued', 'Waiting'), ('working', 'In progress'), ('ready', 'Ready'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('quarantined', 'Could not be read'), ('replaced', 'Earlier version')], db_index=True, default='queued', max_length=16),
        ),
        migrations.AlterField(
            model_name='indexbuild',
            name='status',
            field=models.CharField(choices=[('waiting', 'Waiting'), ('building', 'Building'), ('built', 'Ready'), ('kept', 'Previous version'), ('failed', 'Failed')], default='waiting', max_length=8),
        ),
    ]
