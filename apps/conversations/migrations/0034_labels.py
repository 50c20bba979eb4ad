"""Labels of choices and help texts in the words of the pages; nothing happens in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0033_files_of_a_chat'),
    ]

    operations = [
        migrations.AlterField(
            model_name='assistant',
            name='safety',
            field=models.CharField(choices=[('site', 'Site default'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', help_text='How strictly what is said is judged', max_length=12),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='shows',
            field=models.CharField(choices=[('automatic', 'Automatic, by the reading check'), ('verified', 'Verified sentences only'), ('all', 'All sentences')], default='automatic', max_length=16),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='starters',
            field=models.JSONField(blank=True, default=list, help_text='Starter questions'),
        ),
        migrations.AlterField(
            model_name='assistantshare',
            name='role',
            field=models.CharField(choices=[('reader', 'Can use'), ('editor', 'Can edit')], default='reader', max_length=8),
        ),
        migrations.AlterField(
            model_name='attachedpicture',
            name='status',
            field=models.CharField(choices=[('waiting', 'Reading text'), ('ready', 'Ready'), ('held', 'Held for review')], db_index=True, default='waiting', max_length=8),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='titled',
            field=models.CharField(choices=[('question', 'First words of the question'), ('model', 'Model'), ('person', 'User')], default='question', help_text='By whom', max_length=8),
        ),
        migrations.AlterField(
            model_name='importitem',
            name='state',
            field=models.CharField(choices=[('imported', 'Imported'), ('known', 'Already imported'), ('skipped', 'Not imported')], max_length=8),
        ),
        migrations.AlterField(
            model_name='message',
            name='shows',
            field=models.CharField(blank=True, choices=[('automatic', 'Automatic, by the reading check'), ('verified', 'Verified sentences only'), ('all', 'All sentences')], help_text='Which sentences are shown; empty: all', max_length=16),
        ),
        migrations.AlterField(
            model_name='modelprofile',
            name='shows',
            field=models.CharField(choices=[('automatic', 'Automatic, by the reading check'), ('verified', 'Verified sentences only'), ('all', 'All sentences')], default='automatic', max_length=16),
        ),
        migrations.AlterField(
            model_name='share',
            name='sources',
            field=models.CharField(choices=[('passages', 'Passages, for users who can read the document'), ('titles', 'Document titles only'), ('none', 'No sources')], default='passages', max_length=8),
        ),
        migrations.AlterField(
            model_name='toolserver',
            name='transport',
            field=models.CharField(choices=[('http', 'A web address'), ('stdio', 'A program on this server')], default='http', max_length=8),
        ),
    ]
