"""`manage.py rescue_administrator EMAIL`: let a locked-out administrator back in without mail."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.operations import first_administrator


class Command(BaseCommand):
    help = "Makes an account an active administrator and prints a link to choose a new password, which works once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the e-mail address of the account")
        parser.add_argument(
            "--remove-second-factor", action="store_true", help="remove the second factor, if it is lost"
        )
        parser.add_argument("--create", action="store_true", help="create the account if it does not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            link = first_administrator.rescue_administrator(
                options["email"], create=options["create"], remove_second_factor=options["remove_second_factor"]
            )
        except first_administrator.UnknownAccount:
            raise CommandError(
                f"There is no account with the address {options['email']}. Add --create to create one."
            ) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write("The account is an active administrator and was signed out everywhere. Open this link once,")
        self.stdout.write("within three days, and choose a new password:")
        self.stdout.write(link)
