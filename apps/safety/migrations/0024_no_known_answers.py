"""Remove texts with a known answer, and the second looks at them."""

from django.db import migrations, models


def remove_looks(apps, schema_editor):
    apps.get_model("safety", "Opinion").objects.filter(why="gold").delete()


class Migration(migrations.Migration):
    dependencies = [("safety", "0023_no_partial_rollout")]

    operations = [
        migrations.RunPython(remove_looks, migrations.RunPython.noop),
        migrations.RemoveConstraint("opinion", "one_try_a_known_answer"),
        migrations.RemoveField("opinion", "gold"),
        migrations.AlterField(
            "opinion", "why", models.CharField(choices=[("sample", "Drawn"), ("asked", "Asked for")], max_length=6)
        ),
        migrations.DeleteModel("Gold"),
    ]
