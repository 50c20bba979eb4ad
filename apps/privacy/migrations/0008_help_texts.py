"""Reword help texts; nothing happens in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('privacy', '0007_fields_of_users'),
    ]

    operations = [
        migrations.AlterField(
            model_name='caselegalhold',
            name='audit_seq',
            field=models.PositiveBigIntegerField(help_text='Number of the entry in the audit log'),
        ),
        migrations.AlterField(
            model_name='caselegalhold',
            name='erased_user',
            field=models.CharField(blank=True, help_text='Name and e-mail address of the user, stored when the account is erased', max_length=400),
        ),
        migrations.AlterField(
            model_name='caselegalhold',
            name='ground',
            field=models.CharField(choices=[('order', 'a court order or an order of an authority'), ('duty', 'a legal obligation'), ('claims', 'legal claims')], help_text='Legal ground, shown to the user', max_length=8),
        ),
        migrations.AlterField(
            model_name='caselegalhold',
            name='reason',
            field=models.CharField(help_text='Reason, shown to staff only', max_length=400),
        ),
        migrations.AlterField(
            model_name='datarequest',
            name='counts',
            field=models.JSONField(default=dict, help_text='{label: count} of what was copied or erased'),
        ),
        migrations.AlterField(
            model_name='datarequest',
            name='error',
            field=models.CharField(blank=True, help_text='Error, for administrators', max_length=400),
        ),
        migrations.AlterField(
            model_name='datarequest',
            name='reason',
            field=models.CharField(blank=True, help_text='Reason of the failure for the user, with what to do', max_length=400),
        ),
        migrations.AlterField(
            model_name='datarequest',
            name='sha256',
            field=models.CharField(blank=True, help_text='Hash of the copy, or of the receipt', max_length=64),
        ),
        migrations.AlterField(
            model_name='datarequest',
            name='user_pk',
            field=models.BigIntegerField(help_text='Primary key of the user; stays after the account is erased'),
        ),
        migrations.AlterField(
            model_name='erasurefile',
            name='path',
            field=models.CharField(blank=True, help_text='Path in DATA_DIR; empty: a segment', max_length=400),
        ),
        migrations.AlterField(
            model_name='erasurefile',
            name='segment',
            field=models.JSONField(help_text='Fields of the SegmentInfo; null: a file', null=True),
        ),
        migrations.AlterField(
            model_name='retentionrule',
            name='subject',
            field=models.CharField(blank=True, help_text='Id of the user, conversation or collection; empty: the site', max_length=40),
        ),
    ]
