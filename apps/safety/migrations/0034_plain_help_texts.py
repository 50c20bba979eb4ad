"""Say in plain words what the columns hold. Changes no table."""

import apps.lib.db.encrypted_fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0033_who_and_why_by_standard_names'),
    ]

    operations = [
        migrations.AlterField(
            model_name='allowedtext',
            name='case',
            field=models.ForeignKey(help_text='Case of the legal hold', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='safety.case'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='actor',
            field=models.BigIntegerField(db_index=True, help_text='User id; null: the product itself', null=True),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='person',
            field=models.BigIntegerField(db_index=True, help_text='Id of the user concerned', null=True),
        ),
        migrations.AlterField(
            model_name='biasaudit',
            name='version',
            field=models.CharField(help_text='Version of the text classifiers', max_length=120),
        ),
        migrations.AlterField(
            model_name='blocklisthit',
            name='key',
            field=models.CharField(help_text='Key of the blocklist, the same in each policy version', max_length=40),
        ),
        migrations.AlterField(
            model_name='breakglass',
            name='emergency',
            field=models.BooleanField(default=False, help_text='Whether it was opened at once, to be reviewed afterwards by another administrator'),
        ),
        migrations.AlterField(
            model_name='breakglass',
            name='judged',
            field=models.DateTimeField(blank=True, help_text='When another administrator reviewed the emergency access', null=True),
        ),
        migrations.AlterField(
            model_name='breakglass',
            name='mailed',
            field=models.DateTimeField(blank=True, help_text='When the other users with the permission were notified', null=True),
        ),
        migrations.AlterField(
            model_name='breakglass',
            name='reason',
            field=models.CharField(blank=True, help_text='Reason; empty after the user was erased', max_length=1000),
        ),
        migrations.AlterField(
            model_name='breakglass',
            name='self_approved',
            field=models.BooleanField(default=False, help_text='Whether the requester approved it, because nobody else had the permission'),
        ),
        migrations.AlterField(
            model_name='case',
            name='escalated',
            field=models.BooleanField(default=False, help_text='Whether it was escalated; then only administrators decide it'),
        ),
        migrations.AlterField(
            model_name='case',
            name='hold_expires_at',
            field=models.DateTimeField(blank=True, help_text='When the hold by a check ends if nobody decides before', null=True),
        ),
        migrations.AlterField(
            model_name='case',
            name='kind',
            field=models.CharField(help_text='Kind of the subject; its Reviewable is registered under it', max_length=20),
        ),
        migrations.AlterField(
            model_name='decision',
            name='feature',
            field=models.CharField(blank=True, choices=[('pictures', 'Pictures'), ('uploads', 'Uploads'), ('sharing', 'Sharing'), ('tools', 'Tools')], help_text='Restricted feature', max_length=12),
        ),
        migrations.AlterField(
            model_name='decision',
            name='self_approved',
            field=models.BooleanField(default=False, help_text='Whether the reviewer decided about themselves or their own decision, because nobody else could'),
        ),
        migrations.AlterField(
            model_name='decision',
            name='until',
            field=models.DateTimeField(blank=True, help_text='When the restriction or suspension ends', null=True),
        ),
        migrations.AlterField(
            model_name='notice',
            name='mail_due',
            field=models.DateTimeField(blank=True, help_text='When the e-mail is to be sent; null: no e-mail', null=True),
        ),
        migrations.AlterField(
            model_name='notice',
            name='message',
            field=models.CharField(blank=True, help_text='Key of the message; empty: stored by a former release', max_length=40),
        ),
        migrations.AlterField(
            model_name='outboundverdict',
            name='content_hmac',
            field=models.CharField(help_text='Keyed hash of the checked content', max_length=64),
        ),
        migrations.AlterField(
            model_name='outboundverdict',
            name='judge',
            field=models.CharField(help_text='Versions of the policy and the classifier', max_length=80),
        ),
        migrations.AlterField(
            model_name='policyversion',
            name='self_approved',
            field=models.BooleanField(default=False, help_text='Whether the author approved it, because no other administrator could sign in'),
        ),
        migrations.AlterField(
            model_name='recordedverdict',
            name='allowlisted',
            field=models.BooleanField(default=False, help_text='Whether it passed because a reviewer had allowed exactly this text'),
        ),
        migrations.AlterField(
            model_name='recordedverdict',
            name='content_hmac',
            field=models.CharField(blank=True, help_text='Keyed hash of the checked content; empty: none', max_length=64),
        ),
        migrations.AlterField(
            model_name='recordedverdict',
            name='policy',
            field=models.PositiveIntegerField(help_text='Number of the policy version; 0: the built-in default before it was stored'),
        ),
        migrations.AlterField(
            model_name='recordedverdict',
            name='signals',
            field=models.JSONField(help_text='Signals of the detectors, as `evaluation.Signal` writes them'),
        ),
        migrations.AlterField(
            model_name='reviewerpreferences',
            name='covers_severe',
            field=models.BooleanField(default=True, help_text='Whether disturbing texts are covered until the reviewer opens them'),
        ),
        migrations.AlterField(
            model_name='reviewerpreferences',
            name='skipped_clauses',
            field=models.JSONField(default=list, help_text='Codes of clauses that the reviewer skips'),
        ),
        migrations.AlterField(
            model_name='savedview',
            name='query',
            field=models.CharField(help_text="Query string of the queue's URL", max_length=400),
        ),
        migrations.AlterField(
            model_name='secondreview',
            name='harmful',
            field=models.BooleanField(blank=True, help_text='Result of the second review', null=True),
        ),
        migrations.AlterField(
            model_name='shadowverdict',
            name='change',
            field=models.CharField(blank=True, help_text='How the verdict changes (`Change`); empty: not at all', max_length=8),
        ),
        migrations.AlterField(
            model_name='shadowverdict',
            name='clause',
            field=models.CharField(blank=True, help_text='Code of the clause that decides now, or decided before', max_length=40),
        ),
        migrations.AlterField(
            model_name='snapshot',
            name='context',
            field=apps.lib.db.encrypted_fields.EncryptedJSON(blank=True, default=list, help_text='[{label, text}] of the surrounding content'),
        ),
        migrations.AlterField(
            model_name='snapshot',
            name='level',
            field=models.CharField(choices=[('site', 'Site default'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', help_text='Strictness that the assistant asked for', max_length=12),
        ),
        migrations.AlterField(
            model_name='snapshot',
            name='signals',
            field=models.JSONField(default=list, help_text='Signals of the detectors, as `evaluation.Signal` writes them'),
        ),
    ]
