"""Draws pictures in an empty data directory as the worker does it: one by one, then all in a row. Prints JSON.

DATA_DIR=… python -m benchmarks.pictures.drawing COUNT

alone    of each: its seconds, those in the network, its steps; it is asked for when the one before is ready
row      the same of as many in all that wait together, four to a request, from the first claim until the last is stored
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
_PROMPTS = ("red apple", "sun behind cloud", "bicycle", "cat with wry smile", "ship", "crown", "house with garden")
_AT_ONCE = 4  # pictures of one request
_WARM_UP = 2  # pictures that are not counted: weights are read, kernels made


def main(count: int) -> dict[str, Any]:
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.images.generation import model_info
    from apps.users.models import User

    user = User.objects.create_user("bench@example.org", uuid4().hex)
    model_info.refresh_model()
    alone = [_drawn(user, [number], 1) for number in range(count + _WARM_UP)][_WARM_UP:]
    several = range(0, count, _AT_ONCE)
    return {"alone": alone, "row": _drawn(user, several, _AT_ONCE)}


def _drawn(user: Any, numbers: Iterable[int], at_once: int) -> dict[str, Any]:
    """One request for each of the numbers, all of them before the worker hears of any."""
    from apps.images.generation import scheduler
    from apps.images.models import Picture
    from apps.images.requests import submission

    rows = [
        row.pk
        for number in numbers
        for row in submission.request_pictures(
            user, submission.PictureRequest(_PROMPTS[number % len(_PROMPTS)], seed=number, count=at_once)
        )
    ]
    began = time.perf_counter()
    scheduler.draw_waiting()
    seconds = time.perf_counter() - began  # until the rows say that they are ready, more than they themselves can know
    found = Picture.objects.filter(pk__in=rows)
    if lacking := found.exclude(status=Picture.Status.READY).first():
        raise SystemExit(f"A picture was not drawn: {lacking.reason}")
    model, steps = (sum(found.values_list(name, flat=True)) for name in ("model_seconds", "steps"))
    return {"seconds": seconds, "model_seconds": model, "steps": steps, "pictures": len(rows)}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
