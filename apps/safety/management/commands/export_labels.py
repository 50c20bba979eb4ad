"""`manage.py export_labels`: print reviewers' decisions on texts of consenting users, as JSON lines.

Each user with exported texts gets an audit entry.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from apps.safety.analytics.training_labels import export_labels


class Command(BaseCommand):
    help = "Prints reviewed texts of users who agreed to their use, one JSON object per line."

    def handle(self, *args: Any, **options: Any) -> None:
        for row in export_labels():
            self.stdout.write(json.dumps(row, ensure_ascii=False))
