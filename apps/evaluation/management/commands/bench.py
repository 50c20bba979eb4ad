"""`manage.py bench <name>`: runs one measurement, prints its numbers, and writes them to a file on request."""

from __future__ import annotations

import json
import pkgutil
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.evaluation import bench

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"


def names() -> list[str]:
    """The measurements there are: the modules of `apps/evaluation/bench`, those that start with "_" set aside."""
    return sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))


class Command(BaseCommand):
    help = "Runs one measurement and prints its numbers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        benches = parser.add_subparsers(dest="name", required=True, metavar="name")
        for name in names():
            module = import_module(f"{bench.__name__}.{name}")
            sub = benches.add_parser(name, help=(module.__doc__ or "").strip().partition("\n")[0])
            sub.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there, as one flat object")
            sub.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="folder of the data sets")
            if hasattr(module, "add_arguments"):
                module.add_arguments(sub)

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["data"].is_dir():
            raise CommandError(f"There is no folder {options['data']}. Name the data sets' folder with --data.")
        numbers: dict[str, float] = import_module(f"{bench.__name__}.{options['name']}").run(options)
        width = max(map(len, numbers), default=0)
        for name, value in numbers.items():
            self.stdout.write(f"{name:<{width}}  {value:,.4g}")
        if options["json"]:
            options["json"].parent.mkdir(parents=True, exist_ok=True)
            options["json"].write_text(json.dumps(numbers, indent=2) + "\n")
