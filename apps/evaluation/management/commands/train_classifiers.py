"""`manage.py train_classifiers`: trains the text classifiers anew from the open sets."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.engines.classify.text import FOLDER
from apps.evaluation import personal_training, planted_training, request_training, safety_training, small_talk_training
from apps.evaluation.management.commands.bench import DATA

TRAININGS: dict[str, Any] = {
    "text": safety_training,
    "planted": planted_training,
    "tagger": personal_training,
    "small_talk": small_talk_training,
    "requests": request_training,
}
KINDS = tuple(TRAININGS)


class Command(BaseCommand):
    help = "Trains the text classifiers: minutes on two cores, the same result each time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="folder of the data sets")
        parser.add_argument("--only", choices=KINDS, help="one of them; planted reads the cuts of text")
        parser.add_argument("--to", type=Path, metavar="DIR", default=FOLDER, help="where the weights are written")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["data"].is_dir():
            raise CommandError(f"There is no folder {options['data']}. Name the data sets' folder with --data.")
        for kind in (options["only"],) if options["only"] else KINDS:
            card = TRAININGS[kind].train(options["data"], options["to"], self.stdout.write)
            for label, cuts in card.get("cuts", {}).items():
                self.stdout.write(f"{label:<20} flag {cuts['flag']:.3f}  block {cuts['block']:.3f}")
            self.stdout.write(f"SHA-256 of the weights, for apps/engines/classify/{kind}.py: {card['sha256']}")
