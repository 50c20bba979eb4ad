"""Tables of safety, in place of the migrations up to `0036_no_saved_views_and_preferences`."""

import apps.lib.db.encrypted_fields
import apps.lib.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.safety.audit_log.audit import TRIGGERS


def create_triggers(apps, schema_editor):
    for statement in TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    initial = True
    replaces = [
        ("safety", name)
        for name in (
            "0001_review", "0002_batches", "0003_second_looks", "0004_exposure", "0005_random_audit",
            "0006_own_lists", "0007_notices_by_mail", "0008_level_of_a_snapshot", "0009_holds_that_end",
            "0010_holds_of_open_cases", "0011_recorded_verdicts", "0012_features_closed_for_a_time",
            "0013_taken_out_and_blurred", "0014_what_leaves", "0015_audits_of_bias", "0016_escalated_stays",
            "0017_snapshots_are_encrypted", "0018_encrypt_snapshots", "0019_break_glass",
            "0020_live_for_some_people", "0021_sign_audit_log", "0022_self_approved_and_discarded",
            "0023_no_partial_rollout", "0024_no_known_answers", "0025_no_random_audits", "0026_no_exposure_minutes",
            "0027_no_delayed_disclosure", "0028_models_by_standard_names", "0029_saved_views", "0030_labels",
            "0031_fields_by_standard_names", "0032_message_of_a_notice", "0033_who_and_why_by_standard_names",
            "0034_plain_help_texts", "0035_users_by_one_name", "0036_no_saved_views_and_preferences",
        )
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('seq', models.BigIntegerField(primary_key=True, serialize=False)),
                ('created', models.DateTimeField(db_column='at')),
                ('kind', models.CharField(max_length=40)),
                ('actor', models.BigIntegerField(db_index=True, help_text='User id; null: the product itself', null=True)),
                ('user', models.BigIntegerField(db_column='person', db_index=True, help_text='Id of the user concerned', null=True)),
                ('subject', models.CharField(blank=True, max_length=120)),
                ('payload', models.JSONField(default=dict)),
                ('previous_sha256', models.CharField(db_column='before', max_length=64)),
                ('sha256', models.CharField(max_length=64)),
            ],
            options={
                'db_table': 'safety_event',
                'ordering': ['seq'],
            },
        ),
        migrations.CreateModel(
            name='DetectorVersion',
            fields=[
                ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('version', models.CharField(max_length=120)),
                ('since', models.DateTimeField()),
                ('history', models.JSONField(default=list)),
            ],
            options={
                'db_table': 'safety_detector',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='BlocklistHit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=40)),
                ('day', models.DateField()),
                ('count', models.PositiveIntegerField(default=0)),
                ('last', models.DateTimeField()),
            ],
            options={
                'db_table': 'safety_hit',
                'constraints': [models.UniqueConstraint(fields=('key', 'day'), name='one_row_of_hits_a_day')],
            },
        ),
        migrations.CreateModel(
            name='BulkDecision',
            fields=[
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('decided', models.DateTimeField(blank=True, null=True)),
                ('reviewer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'safety_batch',
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=20)),
                ('subject', models.CharField(max_length=64)),
                ('clause', models.CharField(max_length=40)),
                ('state', models.CharField(choices=[('open', 'New'), ('claimed', 'In review'), ('escalated', 'Escalated'), ('decided', 'Decided'), ('appealed', 'Appealed'), ('appeal_claimed', 'Appeal in review'), ('upheld', 'Upheld'), ('overturned', 'Overturned'), ('auto_closed', 'Closed, nothing left to decide')], default='open', max_length=16)),
                ('severity', models.PositiveSmallIntegerField()),
                ('escalated', models.BooleanField(default=False)),
                ('report_count', models.PositiveIntegerField(default=1)),
                ('version', models.PositiveIntegerField(default=1)),
                ('due_at', models.DateTimeField()),
                ('hold_expires_at', models.DateTimeField(blank=True, null=True)),
                ('hold_expired_at', models.DateTimeField(blank=True, null=True)),
                ('legal_hold', models.BooleanField(default=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('batch', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='cases', to='safety.bulkdecision')),
                ('holder', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-severity', 'due_at', 'created'],
            },
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('case_version', models.PositiveIntegerField()),
                ('self_approved', models.BooleanField(default=False)),
                ('outcome', models.CharField(choices=[('allow', 'Allow'), ('block', 'Block'), ('warn', 'Warn'), ('redact', 'Redact'), ('blur', 'Blur'), ('restrict', 'Restrict a feature'), ('suspend', 'Suspend'), ('uphold', 'Uphold'), ('overturn', 'Overturn')], max_length=10)),
                ('clause', models.CharField(max_length=40)),
                ('reason', models.CharField(max_length=40)),
                ('note', models.CharField(blank=True, max_length=1000)),
                ('feature', models.CharField(blank=True, choices=[('pictures', 'Pictures'), ('uploads', 'Uploads'), ('sharing', 'Sharing'), ('tools', 'Tools')], max_length=12)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('undone', models.DateTimeField(blank=True, null=True)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('batch', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='decisions', to='safety.bulkdecision')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='safety.case')),
                ('first_reviewer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reviewer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['created'],
            },
        ),
        migrations.CreateModel(
            name='Appeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=2000)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='appeal', to='safety.decision')),
            ],
        ),
        migrations.CreateModel(
            name='DetectorOutage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('minute', models.DateTimeField()),
                ('detector', models.CharField(max_length=40)),
                ('status', models.CharField(max_length=10)),
            ],
            options={
                'db_table': 'safety_degraded',
                'constraints': [models.UniqueConstraint(fields=('minute', 'detector', 'status'), name='one_row_a_minute')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('message', models.CharField(blank=True, max_length=40)),
                ('offers_appeal', models.BooleanField(default=False)),
                ('title', models.CharField(max_length=120)),
                ('text', models.TextField()),
                ('clause', models.CharField(blank=True, max_length=400)),
                ('seen', models.DateTimeField(blank=True, null=True)),
                ('mail_due', models.DateTimeField(blank=True, null=True)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='safety.case')),
                ('decision', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='safety.decision')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created'],
            },
        ),
        migrations.CreateModel(
            name='OutboundVerdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=12)),
                ('content_hmac', models.CharField(max_length=64)),
                ('judge', models.CharField(max_length=80)),
                ('action', models.CharField(blank=True, max_length=20)),
                ('code', models.CharField(blank=True, max_length=40)),
                ('checked', models.DateTimeField(auto_now=True)),
            ],
            options={
                'db_table': 'safety_leaving',
                'constraints': [models.UniqueConstraint(fields=('stage', 'content_hmac'), name='one_verdict_on_what_leaves')],
            },
        ),
        migrations.CreateModel(
            name='PolicyVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(unique=True)),
                ('body', models.JSONField()),
                ('sha256', models.CharField(max_length=64)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('shadow', 'Shadow: tested beside the live version, without effect'), ('live', 'Live'), ('retired', 'Retired'), ('dropped', 'Discarded')], default='draft', max_length=8)),
                ('self_approved', models.BooleanField(default=False)),
                ('backtest', models.JSONField(blank=True, null=True)),
                ('note', models.CharField(blank=True, max_length=400)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('effective', models.DateTimeField(blank=True, null=True)),
                ('approver', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('author', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-number'],
            },
        ),
        migrations.AddField(
            model_name='decision',
            name='policy',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='safety.policyversion'),
        ),
        migrations.CreateModel(
            name='BiasAudit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=120)),
                ('rows', models.JSONField()),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('run_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='safety.policyversion')),
            ],
            options={
                'ordering': ['-created'],
            },
        ),
        migrations.CreateModel(
            name='RecordedVerdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=12)),
                ('surface', models.CharField(max_length=12)),
                ('content_hmac', models.CharField(blank=True, max_length=64)),
                ('signals', models.JSONField()),
                ('strictness', models.CharField(choices=[('site', 'Site default'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', max_length=12)),
                ('policy', models.PositiveIntegerField()),
                ('action', models.CharField(blank=True, max_length=20)),
                ('code', models.CharField(blank=True, max_length=40)),
                ('score', models.FloatField(default=0)),
                ('allowlisted', models.BooleanField(default=False)),
                ('hour', models.DateTimeField()),
            ],
            options={
                'db_table': 'safety_recorded',
                'indexes': [models.Index(fields=['hour'], name='recorded_by_hour')],
            },
        ),
        migrations.CreateModel(
            name='ShadowVerdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=12)),
                ('change', models.CharField(blank=True, max_length=8)),
                ('clause', models.CharField(blank=True, max_length=40)),
                ('action', models.CharField(blank=True, max_length=20)),
                ('score', models.FloatField(default=0)),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shadows', to='safety.policyversion')),
                ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shadows', to='safety.recordedverdict')),
            ],
            options={
                'db_table': 'safety_shadowed',
            },
        ),
        migrations.CreateModel(
            name='Snapshot',
            fields=[
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('stage', models.CharField(max_length=12)),
                ('text', apps.lib.db.encrypted_fields.EncryptedText()),
                ('sha256', models.CharField(db_index=True, max_length=64)),
                ('context', apps.lib.db.encrypted_fields.EncryptedJSON(blank=True, default=list)),
                ('signals', models.JSONField(default=list)),
                ('action', models.CharField(blank=True, max_length=20)),
                ('code', models.CharField(blank=True, max_length=40)),
                ('score', models.FloatField(default=0)),
                ('strictness', models.CharField(choices=[('site', 'Site default'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', max_length=12)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('policy', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='safety.policyversion')),
            ],
        ),
        migrations.CreateModel(
            name='SecondReview',
            fields=[
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('cause', models.CharField(choices=[('sample', 'Random sample'), ('asked', 'Asked for')], max_length=6)),
                ('clause', models.CharField(max_length=40)),
                ('severity', models.PositiveSmallIntegerField(default=0)),
                ('harmful', models.BooleanField(blank=True, null=True)),
                ('note', models.CharField(blank=True, max_length=1000)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('submitted', models.DateTimeField(blank=True, null=True)),
                ('case', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='second_reviews', to='safety.case')),
                ('decision', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='second_review', to='safety.decision')),
                ('first_reviewer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reviewer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('snapshot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='second_reviews', to='safety.snapshot')),
            ],
            options={
                'db_table': 'safety_opinion',
                'ordering': ['created'],
            },
        ),
        migrations.AddField(
            model_name='case',
            name='snapshot',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='safety.snapshot'),
        ),
        migrations.CreateModel(
            name='BreakGlass',
            fields=[
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('conversation', models.UUIDField(blank=True, null=True)),
                ('ground', models.CharField(choices=[('order', 'A court order or an order of an authority'), ('life', "A threat to a person's life or health"), ('incident', 'A security incident'), ('asked', 'The user asked for help')], max_length=10)),
                ('reason', models.CharField(blank=True, max_length=1000)),
                ('emergency', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('asked', 'Waiting for approval'), ('open', 'Active'), ('ended', 'Ended'), ('refused', 'Declined')], default='asked', max_length=8)),
                ('minutes', models.PositiveSmallIntegerField()),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('opened', models.DateTimeField(blank=True, null=True)),
                ('expires', models.DateTimeField(blank=True, null=True)),
                ('reviewed', models.DateTimeField(blank=True, null=True)),
                ('justified', models.BooleanField(blank=True, null=True)),
                ('note', models.CharField(blank=True, max_length=400)),
                ('self_approved', models.BooleanField(default=False)),
                ('mailed', models.DateTimeField(blank=True, null=True)),
                ('approver', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('requester', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created'],
                'indexes': [models.Index(fields=['state', 'expires'], name='break_glass_by_state')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('approver', models.F('requester')), _negated=True), ('self_approved', True), _connector='OR'), name='nobody_approves_their_own_break_glass'), models.CheckConstraint(condition=models.Q(models.Q(('user', models.F('requester')), _negated=True), models.Q(('user', models.F('approver')), _negated=True)), name='no_break_glass_about_oneself'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'open'), _negated=True), models.Q(('expires__isnull', False), ('opened__isnull', False)), _connector='OR'), name='an_open_break_glass_ends'), models.UniqueConstraint(condition=models.Q(('emergency', True), ('reviewed', None)), fields=('requester',), name='one_emergency_until_it_is_reviewed')],
            },
        ),
        migrations.CreateModel(
            name='AppliedEffect',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=20)),
                ('kind', models.CharField(max_length=20)),
                ('subject', models.CharField(max_length=64)),
                ('restore_data', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('applied', 'Applied'), ('reverted', 'Reverted')], default='applied', max_length=8)),
                ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='effects', to='safety.decision')),
            ],
            options={
                'db_table': 'safety_effect',
                'constraints': [models.UniqueConstraint(fields=('decision', 'name'), name='one_effect_a_decision')],
            },
        ),
        migrations.CreateModel(
            name='AllowedText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64, unique=True)),
                ('case', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='safety.case')),
                ('decision', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='safety.decision')),
            ],
            options={
                'db_table': 'safety_allowance',
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('decision', None), _negated=True), models.Q(('case', None), _negated=True), _connector='OR'), name='an_allowance_has_a_cause')],
            },
        ),
        migrations.CreateModel(
            name='FeatureRestriction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('feature', models.CharField(choices=[('pictures', 'Pictures'), ('uploads', 'Uploads'), ('sharing', 'Sharing'), ('tools', 'Tools')], max_length=12)),
                ('until', models.DateTimeField()),
                ('lifted', models.DateTimeField(blank=True, null=True)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='safety.decision')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='restrictions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'safety_restriction',
                'ordering': ['feature', '-until'],
                'indexes': [models.Index(fields=['user', 'feature', 'until'], name='restrictions_of_a_user')],
            },
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'live')), fields=('status',), name='one_live_policy'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'live'), _negated=True), ('author', None), models.Q(('approver__isnull', False), ('backtest__isnull', False)), _connector='OR'), name='a_policy_goes_live_with_replay_and_approver'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('approver', models.F('author')), _negated=True), ('self_approved', True), _connector='OR'), name='an_approver_is_not_the_author'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.UniqueConstraint(fields=('case', 'case_version'), name='one_decision_a_version'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reviewer', models.F('owner')), _negated=True), ('self_approved', True), _connector='OR'), name='nobody_decides_their_own_case'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reviewer', models.F('first_reviewer')), _negated=True), ('self_approved', True), _connector='OR'), name='another_one_decides_an_appeal'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('clause', ''), _negated=True), models.Q(('reason', ''), _negated=True)), name='a_decision_cites_a_clause'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'restrict'), _negated=True), models.Q(models.Q(('feature', ''), _negated=True), ('until__isnull', False)), _connector='OR'), name='a_restriction_says_what_and_until'),
        ),
        migrations.AddIndex(
            model_name='shadowverdict',
            index=models.Index(fields=['policy', 'change', 'stage', 'clause'], name='shadowed_by_change'),
        ),
        migrations.AddConstraint(
            model_name='secondreview',
            constraint=models.CheckConstraint(condition=models.Q(('reviewer', models.F('owner')), _negated=True), name='nobody_looks_twice_at_their_own'),
        ),
        migrations.AddConstraint(
            model_name='secondreview',
            constraint=models.CheckConstraint(condition=models.Q(('reviewer', models.F('first_reviewer')), _negated=True), name='a_second_look_is_by_somebody_else'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['state', '-severity', 'due_at'], name='cases_in_order'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['claimed', 'escalated', 'open'])), fields=('kind', 'subject', 'clause'), name='one_open_case_a_subject'),
        ),
        migrations.RunPython(create_triggers, migrations.RunPython.noop),
    ]
