"""ASGI application of the site with the rules of the gate alone, and clocks at gate and renderer.

The gate's classifiers take some 20 ms of a core per piece, which would hide the cost of reading and sending.
Classifiers judge only if BENCH_CLASSIFIED is set, and are measured apart otherwise (`gate_cost.py`). `GET /spent`
returns the CPU seconds of both parts and of the whole process so far, less those of the clocks. Of frequent calls one
in seven is timed: reading the clock costs as much as the call.
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

cpu_seconds = {"gate": 0.0, "render": 0.0, "clock": 0.0}
_SAMPLE_EVERY = 7  # calls of frequent functions; a prime, so that callers in turn are sampled equally


def _time_verdicts(plain: Any) -> Any:
    """Time the gate's whole way to a verdict, if nothing in it waits: with rules alone."""
    calls, clock = itertools.count(), time.thread_time

    async def timed(*args: Any) -> Any:
        if next(calls) % _SAMPLE_EVERY:
            return await plain(*args)
        first, began = clock(), clock()
        try:
            return await plain(*args)
        finally:
            cpu_seconds["gate"] += _SAMPLE_EVERY * (clock() - began - (began - first))
            cpu_seconds["clock"] += 3 * (began - first)

    return timed


def _meter(part: str, owner: type, *names: str, sample_every: int = _SAMPLE_EVERY) -> None:
    for name in names:
        setattr(owner, name, _time_calls(part, getattr(owner, name), sample_every))


def _time_calls(part: str, plain: Any, sample_every: int) -> Any:
    """Time a function. Reading a thread's clock is a system call that takes as long as the function itself. The clock's
    time varies with the load of the machine, so it is measured beside the function and subtracted."""
    calls, clock = itertools.count(), time.thread_time

    def timed(*args: Any, **named: Any) -> Any:
        if next(calls) % sample_every:
            return plain(*args, **named)
        first, began = clock(), clock()
        try:
            return plain(*args, **named)
        finally:
            cpu_seconds[part] += sample_every * (clock() - began - (began - first))
            cpu_seconds["clock"] += 3 * (began - first)

    return timed


_meter("render", StreamRenderer, "feed", "finish")
_meter("gate", _Cutter, "add", "take", "rest")
if os.environ.get("BENCH_CLASSIFIED"):
    _meter("gate", RuleCheck, "check_sentence")
    _meter("gate", LinearClassifier, "scores", sample_every=1)
    _meter("gate", BertEncoder, "_pass", sample_every=1)
else:
    settings.SAFETY_CHECK = "apps.safety.detectors.rules.engine.RuleCheck"
    setattr(gate, "_sentence", _time_verdicts(gate._sentence))  # noqa: B010 - a type checker sees a plain function


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer `GET /spent`, and pass other requests to the site."""
    if scope["type"] != "http" or scope["path"] != "/spent":
        await _site(scope, receive, send)
        return
    used = {
        "whole": time.process_time() - cpu_seconds["clock"],
        "gate": cpu_seconds["gate"],
        "render": cpu_seconds["render"],
    }
    head = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": json.dumps(used).encode()})
