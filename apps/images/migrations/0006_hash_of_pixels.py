"""The hash of what was drawn is now that of its pixels; the one of a file as it was once compressed compares with none."""

from typing import Any

from django.db import migrations


def forget(apps: Any, schema_editor: Any) -> None:
    apps.get_model("images", "Picture").objects.exclude(plain_sha256="").update(plain_sha256="")


class Migration(migrations.Migration):
    dependencies = [("images", "0005_level")]
    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
