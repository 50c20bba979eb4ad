"""Time the pictogram painter takes per picture, and how often it draws the named thing.

seconds_per_picture        one requested alone: from the claim of the row until it is ready, its file signed and
                           on disk, by the worker's own code; measured from outside
seconds_per_step           in the network alone
seconds_in_a_row           for each of --pictures queued together, four per request
outside_model_share        of the wall time of that queue, from the first claim until the last picture is stored,
                           the share in which no picture was in the network. Storing one picture while the next is
                           drawn counts for the network, which did not wait; its duration is seconds_outside
model_growth               ratio of the time in the network there to that alone: the cost of concurrent work
seconds_outside, outside_model_share_alone
                           of a picture alone, the time outside the network, and its share: moderating and
                           embedding the prompt, previews, enlarging, watermark, compressing, signing, rows, files
vocabulary_accuracy        for names chosen by --seed: the share whose picture is nearer to its own training picture
                           than to those of the others
paraphrase_accuracy        the same for three of the keywords of each, in a sentence of no caption
"""

from __future__ import annotations

import statistics
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from apps.engines.image.pictogram import engine
from apps.images.requests.submission import MAX_QUEUED
from benchmarks.lib import site
from training.pictogram import dataset as pictogram_dataset
from training.pictogram import train as pictogram_training


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument(
        "--pictures", type=int, default=MAX_QUEUED, choices=range(4, MAX_QUEUED + 1, 4), help="whose time is taken"
    )
    parser.add_argument("--seed", type=int, default=pictogram_training.SEED, help="chooses the names")
    parser.add_argument("--model", type=Path, default=engine.FOLDER, metavar="DIR", help="folder of the painter")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return times in seconds, shares and accuracies."""
    found = pictogram_dataset.read_pictograms(options["data"])
    names, others = pictogram_training.measure_accuracies(options["model"], found, options["seed"])
    return _measure_times(options) | {"vocabulary_accuracy": names, "paraphrase_accuracy": others}


def _measure_times(options: dict[str, Any]) -> dict[str, float]:
    own = options["model"] == engine.FOLDER
    chosen = {
        "IMAGE_BACKEND": "apps.engines.image.pictogram.engine.PictogramPainter",
        "IMAGE_MODEL": engine.BUILT_IN if own else str(options["model"].resolve()), "IMAGE_URL": "",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        env = site.build_environment(folder, "http://localhost:8000", **chosen)
        measured = site.run_module("benchmarks.pictures.drawing", options["pictures"], env=env)
    alone, row = measured["alone"], measured["row"]
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
