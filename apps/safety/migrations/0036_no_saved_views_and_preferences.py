"""Remove saved views of the review queue and preferences of reviewers."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("safety", "0035_users_by_one_name")]

    operations: ClassVar = [migrations.DeleteModel("SavedView"), migrations.DeleteModel("ReviewerPreferences")]
