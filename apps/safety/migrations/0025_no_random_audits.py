"""Remove random audits of what was let through."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safety", "0024_no_known_answers")]

    operations = [migrations.DeleteModel("Audited")]
