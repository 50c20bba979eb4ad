"""Remove the consent to be read at random: nothing is drawn any more."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("users", "0010_named_for_break_glass")]

    operations = [migrations.RemoveField("user", "read_at_random")]
