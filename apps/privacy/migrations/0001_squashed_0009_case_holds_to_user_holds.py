"""Tables of privacy, in place of the migrations up to `0009_case_holds_to_user_holds`."""

import apps.lib.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [
        ("privacy", name)
        for name in (
            "0001_initial", "0002_holds_of_cases", "0003_files_to_remove", "0004_models_by_standard_names",
            "0005_labels", "0006_fields_by_standard_names", "0007_fields_of_users", "0008_help_texts",
            "0009_case_holds_to_user_holds",
        )
    ]

    dependencies = [
        ('safety', '0001_squashed_0036_no_saved_views_and_preferences'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CaseLegalHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ground', models.CharField(choices=[('order', 'a court order or an order of an authority'), ('duty', 'a legal obligation'), ('claims', 'legal claims')], max_length=8)),
                ('reason', models.CharField(max_length=400)),
                ('erased_user', models.CharField(blank=True, max_length=400)),
                ('audit_seq', models.PositiveBigIntegerField()),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('case', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='hold', to='safety.case')),
                ('set_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'privacy_casehold',
            },
        ),
        migrations.CreateModel(
            name='DataRequest',
            fields=[
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('export', 'A copy of all data'), ('erase', 'Erasure of all data')], max_length=8)),
                ('user_pk', models.BigIntegerField()),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('error', models.CharField(blank=True, max_length=400)),
                ('counts', models.JSONField(default=dict)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('size', models.PositiveBigIntegerField(default=0)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('ended', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='data_requests', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'privacy_wish',
                'ordering': ['-created'],
            },
        ),
        migrations.CreateModel(
            name='ErasureFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(blank=True, max_length=400)),
                ('segment', models.JSONField(null=True)),
                ('data_request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='privacy.datarequest')),
            ],
        ),
        migrations.CreateModel(
            name='LegalHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=400)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('set_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='hold', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'privacy_hold',
            },
        ),
        migrations.CreateModel(
            name='RetentionRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('site', 'Conversations of all users'), ('person', 'All conversations of a user'), ('conversation', 'One conversation'), ('collection', 'The documents of a collection')], max_length=12)),
                ('subject', models.CharField(blank=True, max_length=40)),
                ('days', models.PositiveIntegerField()),
            ],
            options={
                'db_table': 'privacy_keeping',
                'constraints': [models.UniqueConstraint(fields=('scope', 'subject'), name='one_keeping_a_subject'), models.CheckConstraint(condition=models.Q(('days__gte', 1)), name='kept_for_a_day_at_least')],
            },
        ),
        migrations.AddConstraint(
            model_name='datarequest',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'waiting')), fields=('user_pk', 'kind'), name='one_waiting_request_a_kind'),
        ),
    ]
