"""Name fields of users, rate limits, buckets and API tokens by their standard terms."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("users", "0015_notice_of_a_group")]
    operations: ClassVar = [
        migrations.RenameField("user", "remembers", "uses_memory"),
        migrations.RenameField("user", "lends_answers", "allows_training_on_answers"),
        migrations.RenameField("user", "lends_decisions", "allows_training_on_decisions"),
        migrations.RenameField("user", "handles_sealed", "may_open_sealed_cases"),
        migrations.RenameField("user", "breaks_glass", "may_break_glass"),
        migrations.RenameField("ratelimit", "an_hour", "per_hour"),
        migrations.RenameField("ratelimitbucket", "at", "updated"),
        migrations.RenameField("apitoken", "tail", "secret_suffix"),
    ]
