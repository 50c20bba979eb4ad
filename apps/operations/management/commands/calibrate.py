"""`./run calibrate support`: measure the check of sentences on pairs that ship with the product, and store its
threshold."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.conversations.assistants.support_rates import describe_calibration
from apps.engines.types import EngineError
from apps.operations.support_calibration import calibrate_support


class Command(BaseCommand):
    help = "Measures the check of sentences on some 700 pairs, and stores the threshold for each language."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["support"])

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asyncio.run(self._calibrate())
        except (EngineError, OSError) as error:
            raise CommandError(f"The check could not be calibrated: {error}") from error

    async def _calibrate(self) -> None:
        async with aclosing(calibrate_support()) as calibrations:
            async for found in calibrations:
                self.stdout.write(describe_calibration(found))
                for language, one in found.rates.items():
                    threshold = "none" if one.threshold is None else f"{one.threshold:.3f}"
                    self.stdout.write(
                        f"  {language}: threshold {threshold}, true {one.true.part} of {one.true.whole}, "
                        f"false {one.false.part} of {one.false.whole} (at most {one.false.upper_bound:.3f}), "
                        f"{'used' if one.is_accepted or found.is_measured_only else 'not used'}"
                    )
