from django.db import migrations, models

from apps.safety.audit_log.audit import TRIGGERS


def guard(apps, schema_editor):
    """SQLite makes the table anew, which takes its trigger away."""
    for statement in TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0007_notices_by_mail'),
    ]

    operations = [
        migrations.AddField(
            model_name='snapshot',
            name='level',
            field=models.CharField(choices=[('site', 'As the site has it'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', help_text='How strictly: what an assistant asked for', max_length=12),
        ),
        migrations.RunPython(guard, migrations.RunPython.noop),
    ]
