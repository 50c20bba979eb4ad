"""What the built-in painter takes for a picture, and how often it draws what was meant.

seconds_per_picture        one that is asked for alone: from the claim of the row until it is ready, its file signed and
                           on the disk, by the worker's own code; watched from outside
seconds_per_step           in the network alone
seconds_in_a_row           for each of --pictures that wait together, four to a request
outside_model_share        of the wall time of that row, from the first claim until the last picture is stored, the
                           share in which no picture was in the network. Where one is stored while the next is drawn,
                           that counts for the network, which did not wait; what it took is seconds_outside
model_growth               times as long a picture is in the network there as alone: what the work beside it costs it
seconds_outside, outside_model_share_alone
                           of a picture alone, what was not spent in the network, and its share: words judged and
                           embedded, previews, enlarging, marking, compressing, signing, rows and files
vocabulary_accuracy        for names chosen by --seed: the share whose picture is nearer to its own training picture
                           than to those of the others
paraphrase_accuracy        the same for three of the keywords of each, in a sentence of no caption
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.engines.image.pictogram import engine
from apps.images.requests.submission import MAX_QUEUED
from benchmarks.lib import site
from training.pictogram import dataset as pictogram_dataset
from training.pictogram import train as pictogram_training


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--pictures", type=int, default=MAX_QUEUED, choices=range(4, MAX_QUEUED + 1, 4), help="whose time is taken"
    )
    parser.add_argument("--seed", type=int, default=pictogram_training.SEED, help="chooses the names")
    parser.add_argument("--model", type=Path, default=engine.FOLDER, metavar="DIR", help="folder of the painter")


def run(options: dict[str, Any]) -> dict[str, float]:
    found = pictogram_dataset.read(options["data"])
    names, others = pictogram_training.accuracies(options["model"], found, options["seed"])
    return _times(options) | {"vocabulary_accuracy": names, "paraphrase_accuracy": others}


def _times(options: dict[str, Any]) -> dict[str, float]:
    own = options["model"] == engine.FOLDER
    chosen = {
        "IMAGE_BACKEND": "apps.engines.image.pictogram.engine.PictogramPainter",
        "IMAGE_MODEL": engine.BUILT_IN if own else str(options["model"].resolve()), "IMAGE_URL": "",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        env = site.environment(folder, "http://localhost:8000", **chosen)
        command = [sys.executable, "-m", "benchmarks.pictures.drawing", str(options["pictures"])]
        done = subprocess.run(command, env=env, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True, check=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    alone, row = seen["alone"], seen["row"]
    whole, model = (sum(one[name] for one in alone) for name in ("seconds", "model_seconds"))
    return {
        "seconds_per_picture": statistics.median(one["seconds"] for one in alone),
        "seconds_per_step": statistics.median(one["model_seconds"] / one["steps"] for one in alone),
        "seconds_in_a_row": row["seconds"] / row["pictures"],
        "outside_model_share": 1 - row["model_seconds"] / row["seconds"],
        "model_growth": row["model_seconds"] / row["pictures"] / (model / len(alone)),
        "seconds_outside": statistics.median(one["seconds"] - one["model_seconds"] for one in alone),
        "outside_model_share_alone": 1 - model / whole,
    }
