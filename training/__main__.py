"""Entry point of `./run train NAME`, or `python -m training NAME`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import django

CLASSIFIERS = {  # by training: the module of `apps/engines/classify` that pins the weights
    "text_classifier": "linear_classifier",
    "indirect_injection": "indirect_injection",
    "pii_tagger": "pii_tagger",
    "small_talk": "small_talk",
    "whole_document_requests": "whole_document_requests",
}
OTHERS = {  # by name: a module with a function `main`, which takes the further arguments
    "consistency": "training.consistency.train",
    "judged_claims": "training.consistency.train_judged",
    "pictogram": "training.pictogram.train",
    "contact_sheet": "training.pictogram.contact_sheet",
    "reader": "training.reader.train",
    "reader_calibration": "training.reader.calibration",
    "relevance": "training.relevance.train",
}


def main(arguments: Sequence[str]) -> None:
    """Run the training that the first argument names. Exit with a message for any other name."""
    names = (*CLASSIFIERS, *OTHERS)
    if not arguments or arguments[0] not in names:
        sys.exit(f"Name a training: {', '.join(names)}.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
    django.setup()
    name, *more = arguments
    if name in CLASSIFIERS:
        train_classifier(name, more)
    else:
        import_module(OTHERS[name]).main(more)


def train_classifier(name: str, arguments: Sequence[str]) -> None:
    """Train a classifier on the open data sets: minutes on two cores, the same result each time. Print its thresholds
    and the SHA-256 of its weights. Exit with a message if the data sets are missing."""
    from apps.engines.classify.linear_classifier import FOLDER
    from benchmarks.command import DATA

    parser = argparse.ArgumentParser(prog=f"./run train {name}")
    parser.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="folder of the data sets")
    parser.add_argument("--to", type=Path, metavar="DIR", default=FOLDER, help="where the weights are written")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        sys.exit(f"There is no folder {options.data}. Name the data sets' folder with --data.")
    card = import_module(f"training.{name}.train").train(options.data, options.to, print)
    for label, cuts in card.get("cuts", {}).items():
        print(f"{label:<20} flag {cuts['flag']:.3f}  block {cuts['block']:.3f}")
    print(f"SHA-256 of the weights, for apps/engines/classify/{CLASSIFIERS[name]}.py: {card['sha256']}")


if __name__ == "__main__":
    main(sys.argv[1:])
