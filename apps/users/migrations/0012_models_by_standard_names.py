"""Renames models; each keeps its table, so nothing happens in the database."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("users", "0011_no_reading_at_random")]
    operations: ClassVar = [
        migrations.AlterModelTable(name="limit", table="users_limit"),
        migrations.RenameModel(old_name="Limit", new_name="RateLimit"),
        migrations.AlterModelTable(name="bucket", table="users_bucket"),
        migrations.RenameModel(old_name="Bucket", new_name="RateLimitBucket"),
        migrations.AlterModelTable(name="token", table="users_token"),
        migrations.RenameModel(old_name="Token", new_name="ApiToken"),
    ]
