"""Entry point of `./run bench NAME`, or `python -m benchmarks NAME`."""

from __future__ import annotations

import os
import sys

import django


def main(arguments: list[str]) -> None:
    """Run the benchmark that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
    django.setup()
    from benchmarks.command import Command

    Command().run_from_argv(["./run", "bench", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
