"""Name two columns `by` and one `why` after what they hold."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("safety", "0032_message_of_a_notice")]

    operations: ClassVar = [
        migrations.RenameField("biasaudit", "by", "run_by"),
        migrations.RenameField("outboundverdict", "by", "judge"),
        migrations.RenameField("secondreview", "why", "cause"),
    ]
