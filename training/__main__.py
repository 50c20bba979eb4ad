"""Run one training: `python -m training NAME …`."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("consistency",)


def main() -> None:
    """Run the training that the first argument names. Exits with 2 for any other name."""
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        sys.exit(f"Name a training: {', '.join(NAMES)}.")
    import_module(f"training.{sys.argv[1]}.train").main(sys.argv[2:])


if __name__ == "__main__":
    main()
