"""`manage.py migrate`: migrate as Django does, unless the database is older than the squashed migrations."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from apps.operations.migration_check import UPGRADE_FIRST, is_too_old


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if is_too_old(connections[options["database"]]):
            raise CommandError(f"This database was made by an older version of Openbook. {UPGRADE_FIRST}")
        super().handle(*args, **options)
