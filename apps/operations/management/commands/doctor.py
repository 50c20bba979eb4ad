"""`manage.py doctor`: every part is asked whether it works, and the log of review whether it is whole."""

from __future__ import annotations

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.operations.engine_checks import every
from apps.safety import audit, heads


class Command(BaseCommand):
    help = (
        "Asks every part whether it works and verifies the log of review; ends with an error where something is wrong."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = audit.verify() + heads.verify()
        self.stdout.write(f"The log of review: {wrong[0] if wrong else 'whole'}")
        for line in wrong[1:]:
            self.stdout.write(f"  {line}")
        failed = asyncio.run(self._asked())
        if wrong or failed:
            raise CommandError(f"{len(wrong) + failed} things are wrong.")

    async def _asked(self) -> int:
        failed = 0
        for check in every():
            found = await check.run()
            failed += found.state == "bad"
            self.stdout.write(f"{check.title}: {found.words}")
        return failed
