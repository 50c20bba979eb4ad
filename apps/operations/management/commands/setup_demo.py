"""`manage.py setup_demo`: create an administrator and the sample collection without the set-up page."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.operations import first_administrator, sample_collection
from apps.users.models import User


class Command(BaseCommand):
    help = "Creates the first administrator and loads the sample collection."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", default="admin@example.org")
        parser.add_argument("--password", default="", help="If empty, one is created and printed.")

    def handle(self, *args: Any, **options: Any) -> None:
        email, password = options["email"], options["password"] or secrets.token_urlsafe(12)
        try:
            user = first_administrator.create_administrator(email, password, "Administrator")
        except first_administrator.AdministratorExists:
            found = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).order_by("pk").first()
            if found is None:
                raise CommandError("The administrator was removed a moment ago; run this again.") from None
            user = found
            self.stdout.write(f"The administrator is {user.email}, as before.")
        else:
            shown = "the given one" if options["password"] else password
            self.stdout.write(f"The administrator is {user.email}, the password is {shown}.")
        collection = sample_collection.load_sample(user)
        self.stdout.write(f"“{collection}” is loaded; the worker reads it when it is running.")
