"""The web process with the rules of the gate alone, and a clock at the gate and at the renderer.

Its classifiers read each piece in some 20 ms of a core, which would hide what reading and sending cost; they judge only
where BENCH_CLASSIFIED says so, and are measured apart otherwise (`_apart.py`). `GET /spent` hands out the processor
seconds of both parts and of the whole process so far, without what the clock itself takes.
"""

from __future__ import annotations

import importlib
import json
import os
import time
from typing import Any

_site = importlib.import_module("assistant.asgi").application

from django.conf import settings  # noqa: E402 - Django is set up by the line above

from apps.conversations.render import StreamRenderer  # noqa: E402
from apps.engines.classify.text import LinearClassifier  # noqa: E402
from apps.engines.embed.bert import Bert  # noqa: E402
from apps.safety.rules import RuleCheck  # noqa: E402
from apps.safety.window import _Cutter  # noqa: E402

if not os.environ.get("BENCH_CLASSIFIED"):
    settings.SAFETY_CHECK = "apps.safety.rules.RuleCheck"
spent = {"gate": 0.0, "render": 0.0}
looks = {"gate": 0, "render": 0}  # at the clock
_TRIED = 20_000  # looks, to know what one costs


def _metered(part: str, owner: type, *names: str) -> None:
    for name in names:
        setattr(owner, name, _timed(part, getattr(owner, name)))


def _timed(part: str, plain: Any) -> Any:
    def timed(*args: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return plain(*args, **named)
        finally:
            spent[part] += time.thread_time() - began
            looks[part] += 1

    return timed


def _look() -> float:
    """Processor seconds that a look at the clock takes beside what it measures: the product has no such clock."""
    spent["none"], looks["none"] = 0.0, 0
    nothing, began = _timed("none", lambda: None), time.thread_time()
    for _ in range(_TRIED):
        nothing()
    return (time.thread_time() - began - spent.pop("none")) / looks.pop("none")


_metered("render", StreamRenderer, "feed", "finish")
_metered("gate", _Cutter, "add", "take", "rest")
_metered("gate", RuleCheck, "said")
_metered("gate", LinearClassifier, "scores")
_metered("gate", Bert, "_pass")


_cost = _look()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http" or scope["path"] != "/spent":
        await _site(scope, receive, send)
        return
    used = {**spent, "whole": time.process_time() - _cost * sum(looks.values())}
    head = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": json.dumps(used).encode()})
