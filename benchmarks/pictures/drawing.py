"""Worker of the pictures benchmark: draws in an empty data directory, one by one, then several queued. Prints JSON.

DATA_DIR=… python -m benchmarks.pictures.drawing COUNT

alone    of each picture: seconds, seconds in the network, steps; each is requested when the previous one is ready
row      the same for as many pictures queued together, four per request, from the first claim until all are stored
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
_AT_ONCE = 4  # pictures per request
_WARM_UP = 2  # pictures that do not count: they load weights and compile kernels


def main(count: int) -> dict[str, Any]:
    """Draw the pictures and return the measurements "alone" and "row"."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.images.generation import model_info
    from apps.users.models import User

    user = User.objects.create_user("bench@example.org", uuid4().hex)
    model_info.refresh_model()
    alone = [_draw_pictures(user, [number], 1) for number in range(count + _WARM_UP)][_WARM_UP:]
    several = range(0, count, _AT_ONCE)
    return {"alone": alone, "row": _draw_pictures(user, several, _AT_ONCE)}


def _draw_pictures(user: Any, numbers: Iterable[int], at_once: int) -> dict[str, Any]:
    """Submit one request per number, all before the worker starts, then draw them and return the totals."""
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
    seconds = time.perf_counter() - began  # until the rows are ready, which is later than their own times
    found = Picture.objects.filter(pk__in=rows)
    if lacking := found.exclude(status=Picture.Status.READY).first():
        raise SystemExit(f"A picture was not drawn: {lacking.reason}")
    model, steps = (sum(found.values_list(name, flat=True)) for name in ("model_seconds", "steps"))
    return {"seconds": seconds, "model_seconds": model, "steps": steps, "pictures": len(rows)}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
