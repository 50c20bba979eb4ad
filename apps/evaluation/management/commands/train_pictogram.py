"""`manage.py train_pictogram`: trains the built-in painter; broken off, it goes on where it was."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.evaluation import pictogram_training
from apps.evaluation.management.commands.bench import DATA


class Command(BaseCommand):
    help = "Trains the painter of pictograms: hours on two cores, beside other work."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="folder of the data sets")
        parser.add_argument(
            "--to", type=Path, metavar="DIR", default=Path(settings.DATA_DIR) / "models" / "pictogram",
            help="where weights, card and checkpoint are written",
        )  # fmt: skip
        parser.add_argument("--steps", type=int, default=8000, help="of the whole training")
        parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many, and go on next time")
        parser.add_argument("--pictures", type=int, default=0, metavar="N", help="learn only the first N; 0: all")
        parser.add_argument("--threads", type=int, default=0, help="processor cores; 0: all")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["data"] / "emoji").is_dir():
            raise CommandError(f"{options['data']} has no folder 'emoji'. Name the data sets' folder with --data.")
        wish = pictogram_training.Wish(
            options["data"], options["to"], options["steps"], options["minutes"] * 60, options["pictures"],
            options["threads"],
        )  # fmt: skip
        sha256 = pictogram_training.train(wish, self.stdout.write)
        self.stdout.write(f"SHA-256 of the weights: {sha256}")
        self.stdout.write(
            "To draw with it: IMAGE_BACKEND=apps.engines.image.pictogram.painter.PictogramPainter "
            f"IMAGE_MODEL={options['to']}"
        )
