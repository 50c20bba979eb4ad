"""`manage.py doctor`: run all checks of the Doctor, and verify the whole audit log."""

from __future__ import annotations

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.operations.doctor.engine_checks import list_checks
from apps.safety.audit_log import audit, verification


class Command(BaseCommand):
    help = "Tests every part, verifies the whole audit log, and fails if something is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--install-triggers", action="store_true", help="restore the triggers that protect the audit log"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["install_triggers"] and (missing := audit.find_missing_triggers()):
            audit.install_triggers()
            audit.record_event("log.guarded", triggers=", ".join(missing))
        report = verification.verify_log()
        wrong = report.faults
        self.stdout.write(f"The audit log: {wrong[0] if wrong else f'intact, {report.newest} entries'}")
        for line in [*wrong[1:], *report.remarks, *report.problems]:
            self.stdout.write(f"  {line}")
        failed = asyncio.run(self._asked())
        if wrong or failed:
            raise CommandError(f"{len(wrong) + failed} things are wrong.")

    async def _asked(self) -> int:
        failed = 0
        for check in list_checks():
            if check.name == "log":
                continue  # verified whole above
            found = await check.run()
            failed += found.state == "bad"
            self.stdout.write(f"{check.title}: {found.message}")
        return failed
