"""Labels of choices and help texts in the words of the pages; nothing happens in the database."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0029_saved_views'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='breakglass',
            name='ground',
            field=models.CharField(choices=[('order', 'A court order or an order of an authority'), ('life', "A threat to a person's life or health"), ('incident', 'A security incident'), ('asked', 'The user asked for help')], max_length=10),
        ),
        migrations.AlterField(
            model_name='breakglass',
            name='state',
            field=models.CharField(choices=[('asked', 'Waiting for approval'), ('open', 'Active'), ('ended', 'Ended'), ('refused', 'Declined')], default='asked', max_length=8),
        ),
        migrations.AlterField(
            model_name='case',
            name='owner',
            field=models.ForeignKey(blank=True, help_text='User whose content it is', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='case',
            name='state',
            field=models.CharField(choices=[('open', 'New'), ('claimed', 'In review'), ('escalated', 'Escalated'), ('decided', 'Decided'), ('appealed', 'Appealed'), ('appeal_claimed', 'Appeal in review'), ('upheld', 'Upheld'), ('overturned', 'Overturned'), ('auto_closed', 'Closed, nothing left to decide')], default='open', max_length=16),
        ),
        migrations.AlterField(
            model_name='decision',
            name='first_reviewer',
            field=models.ForeignKey(blank=True, help_text='Who made the decision that was appealed', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='decision',
            name='outcome',
            field=models.CharField(choices=[('allow', 'Allow'), ('block', 'Block'), ('warn', 'Warn'), ('redact', 'Redact'), ('blur', 'Blur'), ('restrict', 'Restrict a feature'), ('suspend', 'Suspend'), ('uphold', 'Uphold'), ('overturn', 'Overturn')], max_length=10),
        ),
        migrations.AlterField(
            model_name='decision',
            name='owner',
            field=models.ForeignKey(blank=True, help_text='The owner of the case', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='policyversion',
            name='author',
            field=models.ForeignKey(blank=True, help_text='Empty for the version that came with the product', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='policyversion',
            name='status',
            field=models.CharField(choices=[('draft', 'Draft'), ('shadow', 'Shadow: tested beside the live version, without effect'), ('live', 'Live'), ('retired', 'Retired'), ('dropped', 'Discarded')], default='draft', max_length=8),
        ),
        migrations.AlterField(
            model_name='recordedverdict',
            name='level',
            field=models.CharField(choices=[('site', 'Site default'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', max_length=12),
        ),
        migrations.AlterField(
            model_name='secondreview',
            name='first',
            field=models.ForeignKey(blank=True, help_text='Reviewer who decided or asked', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='secondreview',
            name='owner',
            field=models.ForeignKey(blank=True, help_text='User whose text it is', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='secondreview',
            name='why',
            field=models.CharField(choices=[('sample', 'Random sample'), ('asked', 'Asked for')], max_length=6),
        ),
        migrations.AlterField(
            model_name='snapshot',
            name='level',
            field=models.CharField(choices=[('site', 'Site default'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', help_text='How strictly: what an assistant asked for', max_length=12),
        ),
    ]
