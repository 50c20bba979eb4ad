"""The web process with the rules of the gate alone, and a clock at the gate and at the renderer.

Its classifiers read each piece in some 20 ms of a core, which would hide what reading and sending cost; they judge only
where BENCH_CLASSIFIED says so, and are measured apart otherwise (`_apart.py`). `GET /spent` hands out the processor
seconds of both parts and of the whole process so far, without what the clock itself takes. Of what comes often one call
in seven is timed: looking at the clock costs as much as what it would measure.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import time
from typing import Any

_site = importlib.import_module("assistant.asgi").application

from django.conf import settings  # noqa: E402 - Django is set up by the line above

from apps.conversations.rendering.answer_renderer import StreamRenderer  # noqa: E402
from apps.engines.classify.linear_classifier import LinearClassifier  # noqa: E402
from apps.engines.embed.bert import BertEncoder  # noqa: E402
from apps.safety.detectors.rules.engine import RuleCheck  # noqa: E402
from apps.safety.gate import gate  # noqa: E402
from apps.safety.gate.streaming import _Cutter  # noqa: E402

spent = {"gate": 0.0, "render": 0.0, "clock": 0.0}
_ONE_OF = 7  # calls of what is short and comes often; a prime, so that all who take turns are timed alike


def _judging(plain: Any) -> Any:
    """The gate's whole way to a verdict, where nothing in it waits: the rules alone."""
    calls, clock = itertools.count(), time.thread_time

    async def timed(*args: Any) -> Any:
        if next(calls) % _ONE_OF:
            return await plain(*args)
        first, began = clock(), clock()
        try:
            return await plain(*args)
        finally:
            spent["gate"] += _ONE_OF * (clock() - began - (began - first))
            spent["clock"] += 3 * (began - first)

    return timed


def _metered(part: str, owner: type, *names: str, one_of: int = _ONE_OF) -> None:
    for name in names:
        setattr(owner, name, _timed(part, getattr(owner, name), one_of))


def _timed(part: str, plain: Any, one_of: int) -> Any:
    """A look at the clock of a thread is a call of the system, which takes as long as what it measures here; what one
    takes is measured beside it, since that grows with what else the machine does."""
    calls, clock = itertools.count(), time.thread_time

    def timed(*args: Any, **named: Any) -> Any:
        if next(calls) % one_of:
            return plain(*args, **named)
        first, began = clock(), clock()
        try:
            return plain(*args, **named)
        finally:
            spent[part] += one_of * (clock() - began - (began - first))
            spent["clock"] += 3 * (began - first)

    return timed


_metered("render", StreamRenderer, "feed", "finish")
_metered("gate", _Cutter, "add", "take", "rest")
if os.environ.get("BENCH_CLASSIFIED"):
    _metered("gate", RuleCheck, "said")
    _metered("gate", LinearClassifier, "scores", one_of=1)
    _metered("gate", BertEncoder, "_pass", one_of=1)
else:
    settings.SAFETY_CHECK = "apps.safety.detectors.rules.engine.RuleCheck"
    setattr(gate, "_sentence", _judging(gate._sentence))  # noqa: B010 - to a type checker it is a function of its own


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http" or scope["path"] != "/spent":
        await _site(scope, receive, send)
        return
    used = {"whole": time.process_time() - spent["clock"], "gate": spent["gate"], "render": spent["render"]}
    head = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": json.dumps(used).encode()})
