"""`manage.py contact_sheet FILE`: 64 pictures of the built-in painter on one sheet, for prompts chosen by a seed."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.engines.base import EngineError
from apps.engines.image.pictogram import painter
from apps.evaluation import contact_sheet, pictograms
from apps.evaluation.management.commands.bench import DATA


class Command(BaseCommand):
    help = "Draws 64 prompts, chosen by a seed and unpicked, on one sheet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="where it goes; its ending says the format: .webp, .png")
        parser.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="folder of the data sets")
        parser.add_argument("--model", type=Path, metavar="DIR", default=painter.FOLDER, help="folder of the painter")
        parser.add_argument("--seed", type=int, default=64, help="chooses the prompts")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["data"] / "emoji").is_dir():
            raise CommandError(f"{options['data']} has no folder 'emoji'. Name the data sets' folder with --data.")
        try:
            sheet = contact_sheet.sheet(options["model"], pictograms.read(options["data"]), options["seed"])
        except EngineError as error:
            raise CommandError(str(error)) from error
        sheet.save(options["file"], quality=82)
        self.stdout.write(f"{options['file']}: {sheet.width} x {sheet.height} pixels")
