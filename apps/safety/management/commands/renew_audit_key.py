"""`manage.py renew_audit_key`: sign the audit log with a new key from now on; with `--lost` replace a lost key file."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.safety.audit_log import audit, signing_keys


class Command(BaseCommand):
    help = (
        "Signs the audit log with a new key from now on. The earlier keys stay in the file to verify earlier entries."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--lost", action="store_true", help="the file of keys is lost for good: create a new one")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            there = bool(signing_keys.read_keys())
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if options["lost"] and there:
            raise CommandError(f"{settings.AUDIT_KEYS} exists. Without --lost, a key is added to it.")
        if not options["lost"] and not there:
            raise CommandError(signing_keys.MISSING.format(place=settings.AUDIT_KEYS))
        entry = audit.renew_key(lost=options["lost"])
        self.stdout.write(f"Entry {entry.seq} of the log and all later ones are signed with a new key.")
