"""Draws pictures in an empty data directory as the worker does it. Prints JSON: seconds of each, and in the network.

DATA_DIR=… python -m apps.evaluation.bench._drawing COUNT
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
_PROMPTS = ("red apple", "sun behind cloud", "bicycle", "cat with wry smile", "ship", "crown", "house with garden")
_WARM_UP = 2  # pictures that are not counted: weights are read, kernels made


def main(count: int) -> list[dict[str, Any]]:
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.images import described
    from apps.images.asking import Wish, ask
    from apps.images.generate import draw
    from apps.images.models import Picture
    from apps.users.models import User

    user = User.objects.create_user("bench@example.org", uuid4().hex)
    described.refresh()
    seen = []
    for number in range(count + _WARM_UP):
        (row,) = ask(user, Wish(_PROMPTS[number % len(_PROMPTS)], seed=number))
        began = time.perf_counter()
        draw(row.pk)
        seconds = time.perf_counter() - began  # until the row says that it is ready, more than the row itself can know
        row = Picture.objects.get(pk=row.pk)
        if row.status != Picture.Status.READY:
            raise SystemExit(f"A picture was not drawn: {row.reason}")
        seen.append({"seconds": seconds, "model_seconds": row.model_seconds, "steps": row.steps})
    return seen[_WARM_UP:]


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
