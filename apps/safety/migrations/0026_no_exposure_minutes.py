"""Remove the count of minutes that reviewers spend with hard texts."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safety", "0025_no_random_audits")]

    operations = [migrations.DeleteModel("Exposure")]
