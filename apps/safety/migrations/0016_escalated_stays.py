from django.db import migrations, models


def mark(apps, schema_editor):
    apps.get_model("safety", "Case").objects.filter(state="escalated").update(escalated=True)


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0015_audits_of_bias'),
    ]

    operations = [
        migrations.AddField(
            model_name='case',
            name='escalated',
            field=models.BooleanField(default=False, help_text='Once it was, it is for administrators until decided'),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
