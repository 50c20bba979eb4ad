"""Remove the delay after which a person is told of break-glass; the law that asked for it stays with the reason."""

from django.db import migrations


def note_law(apps, schema_editor):
    for row in apps.get_model("safety", "BreakGlass").objects.exclude(told_from=None):
        row.reason = f"{row.reason} [{row.delay}; {row.told_from:%Y-%m-%d}]"[:1000]
        row.save(update_fields=["reason"])


class Migration(migrations.Migration):
    dependencies = [("safety", "0026_no_exposure_minutes")]

    operations = [
        migrations.RunPython(note_law, migrations.RunPython.noop),
        migrations.RemoveConstraint("breakglass", "a_delay_has_a_law_and_an_approver"),
        migrations.RemoveField("breakglass", "told_from"),
        migrations.RemoveField("breakglass", "delay"),
    ]
