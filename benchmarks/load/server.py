"""ASGI application of the site that counts its work. `GET /work` returns the counts and the CPU seconds so far."""

from __future__ import annotations

import importlib
import json
import time
from typing import Any

_site = importlib.import_module("assistant.asgi").application

from benchmarks.lib.work import count_work  # noqa: E402 - Django is set up by the line above

_read_work = count_work(setattr)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer `GET /work`, and pass other requests to the site."""
    if scope["type"] != "http" or scope["path"] != "/work":
        await _site(scope, receive, send)
        return
    body = json.dumps({**_read_work(), "cpu_seconds": time.process_time()})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body.encode()})
