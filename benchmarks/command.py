"""Command that runs one benchmark, prints its numbers, and writes them to a file on request: `./run bench NAME`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"


def find_benchmarks() -> list[str]:
    """Return the names of the benchmarks: the packages beside this file that have a module `run`."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/run.py"))


def _load(name: str) -> Any:
    return import_module(f"benchmarks.{name}.run")


class Command(BaseCommand):
    """Management command with one subcommand per benchmark."""

    help = "Runs one measurement and prints its numbers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        benches = parser.add_subparsers(dest="name", required=True, metavar="name")
        for name in find_benchmarks():
            module = _load(name)
            sub = benches.add_parser(name, help=(module.__doc__ or "").strip().partition("\n")[0])
            sub.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there, as one flat object")
            sub.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="folder of the data sets")
            if hasattr(module, "add_arguments"):
                module.add_arguments(sub)

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["data"].is_dir():
            raise CommandError(f"There is no folder {options['data']}. Name the data sets' folder with --data.")
        numbers: dict[str, float] = _load(options["name"]).run(options)
        width = max(map(len, numbers), default=0)
        for name, value in numbers.items():
            self.stdout.write(f"{name:<{width}}  {value:,.4g}")
        if options["json"]:
            options["json"].parent.mkdir(parents=True, exist_ok=True)
            options["json"].write_text(json.dumps(numbers, indent=2) + "\n")
