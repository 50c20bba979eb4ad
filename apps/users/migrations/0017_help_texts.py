"""Reword help texts; nothing happens in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0016_fields_by_standard_names'),
    ]

    operations = [
        migrations.AlterField(
            model_name='apitoken',
            name='secret_suffix',
            field=models.CharField(help_text='Last characters of the secret, to tell tokens apart', max_length=4),
        ),
        migrations.AlterField(
            model_name='ratelimitbucket',
            name='level',
            field=models.FloatField(help_text='Units left; negative while more was used than the bucket held'),
        ),
        migrations.AlterField(
            model_name='ratelimitbucket',
            name='updated',
            field=models.FloatField(db_index=True, help_text='Time of the last change of the level, in seconds since 1970'),
        ),
        migrations.AlterField(
            model_name='user',
            name='allows_training_on_answers',
            field=models.BooleanField(default=False, help_text='Consent: rated answers may be used to train a model'),
        ),
        migrations.AlterField(
            model_name='user',
            name='allows_training_on_decisions',
            field=models.BooleanField(default=False, help_text='Consent: decided texts may be used to train the safety checks'),
        ),
        migrations.AlterField(
            model_name='user',
            name='facts',
            field=models.JSONField(blank=True, default=list, help_text='Facts about the user as [{text, on}]; answers use those that are on'),
        ),
        migrations.AlterField(
            model_name='user',
            name='instructions',
            field=models.TextField(blank=True, help_text='Instructions for every answer to the user', max_length=2000),
        ),
        migrations.AlterField(
            model_name='user',
            name='language',
            field=models.CharField(blank=True, help_text="Language of pages; empty: the browser's", max_length=8),
        ),
        migrations.AlterField(
            model_name='user',
            name='may_break_glass',
            field=models.BooleanField(default=False, help_text='Special permission: break-glass access to conversations; no role includes it'),
        ),
        migrations.AlterField(
            model_name='user',
            name='may_open_sealed_cases',
            field=models.BooleanField(default=False, help_text='Special permission: open sealed cases; no role includes it'),
        ),
        migrations.AlterField(
            model_name='user',
            name='uses_memory',
            field=models.BooleanField(default=True, help_text='Answers use the facts'),
        ),
    ]
