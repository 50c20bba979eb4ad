"""Celery application that hangs at the point that TEST_PAUSE names, until it is killed.

A pause is "MODULE FUNCTION NUMBER before|after": the NUMBERth call of the function creates the file TEST_MARKER and
never returns.
"""

from __future__ import annotations

import os
import time
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

from assistant.celery import app

app.finalize()
app.loader.import_default_modules()


def hang(module: str, function: str, number: int, when: str) -> None:
    """Replace the function so that its call of that number hangs before or after its work."""
    place = import_module(module)
    real = getattr(place, function)
    calls = iter(range(1, 1_000_000))

    def hanging(*args: Any, **options: Any) -> Any:
        here = next(calls) == number
        if here and when == "before":
            _stop_here()
        result = real(*args, **options)
        if here:
            _stop_here()
        return result

    setattr(place, function, hanging)


def _stop_here() -> None:
    Path(os.environ["TEST_MARKER"]).touch()
    time.sleep(600)


if pause := os.environ.get("TEST_PAUSE"):
    module, function, number, when = pause.split()
    hang(module, function, int(number), when)
