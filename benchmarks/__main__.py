"""`python -m benchmarks NAME`: run one measurement of this package or of `apps/evaluation/bench`."""

from __future__ import annotations

import os
import sys

import django


def main(arguments: list[str]) -> None:
    """Run the measurement that the arguments name, as `manage.py bench` runs its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
    django.setup()
    from apps.evaluation.management.commands import bench

    class Command(bench.Command):
        packages = (*bench.Command.packages, "benchmarks")

    Command().run_from_argv(["./run", "bench", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
