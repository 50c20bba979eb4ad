"""`manage.py bench <name>`: runs one measurement, prints its numbers, and writes them to a file on request."""

from __future__ import annotations

import json
import pkgutil
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"


def find_modules(packages: Sequence[str]) -> dict[str, str]:
    """Return the measurements of some packages by name, as dotted paths; modules that start with "_" are none."""
    found: dict[str, str] = {}
    for package in packages:
        for module in pkgutil.iter_modules(import_module(package).__path__):
            if not module.name.startswith("_"):
                found[module.name] = f"{package}.{module.name}"
    return dict(sorted(found.items()))


class Command(BaseCommand):
    help = "Runs one measurement and prints its numbers."
    packages: ClassVar[Sequence[str]] = ("apps.evaluation.bench",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        benches = parser.add_subparsers(dest="name", required=True, metavar="name")
        for name, path in find_modules(self.packages).items():
            module = import_module(path)
            sub = benches.add_parser(name, help=(module.__doc__ or "").strip().partition("\n")[0])
            sub.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there, as one flat object")
            sub.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="folder of the data sets")
            if hasattr(module, "add_arguments"):
                module.add_arguments(sub)

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["data"].is_dir():
            raise CommandError(f"There is no folder {options['data']}. Name the data sets' folder with --data.")
        module = import_module(find_modules(self.packages)[options["name"]])
        numbers: dict[str, float] = module.run(options)
        width = max(map(len, numbers), default=0)
        for name, value in numbers.items():
            self.stdout.write(f"{name:<{width}}  {value:,.4g}")
        if options["json"]:
            options["json"].parent.mkdir(parents=True, exist_ok=True)
            options["json"].write_text(json.dumps(numbers, indent=2) + "\n")
