"""Log lines as JSON, and the id of the request that they name."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import Any

from apps.lib.json_log import JsonFormatter
from assistant.boot.layout import ROOT
from assistant.request_ids import RequestIds

_CODE = """
import django, logging
django.setup(set_prefix=False)
logging.getLogger("apps.x").warning("Two\\nlines")
logging.getLogger("uvicorn.error").warning("Of the server")
logging.getLogger("uvicorn.access").info("GET /search/?q=secret")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("apps.x").exception("It failed")
"""


def test_every_line_of_the_log_is_one_json_object(tmp_path: Any) -> None:
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "assistant.settings",
        "LOG_FORMAT": "json",
        "DATA_DIR": str(tmp_path),
    }
    done = subprocess.run([sys.executable, "-c", _CODE], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["message"] for line in lines] == ["Two\nlines", "Of the server", "It failed"]
    assert {"time", "level", "logger"} <= lines[0].keys() and "request" not in lines[0]
    assert "ZeroDivisionError" in lines[2]["error"]


async def call(sent: str | None, kind: str = "http") -> tuple[str, str]:
    """Return the id in the response, and the one in a log line of the application."""
    messages: list[Any] = []
    logged: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        record = logging.LogRecord("x", logging.INFO, "", 0, "Hello", None, None)
        logged.append(json.loads(JsonFormatter().format(record))["request"])
        await send({"type": "http.response.start" if kind == "http" else "websocket.accept", "headers": []})

    async def send(message: Any) -> None:
        messages.append(message)

    headers = [] if sent is None else [(b"x-request-id", sent.encode())]
    await RequestIds(application)({"type": kind, "headers": headers}, None, send)
    return dict(messages[0]["headers"])[b"x-request-id"].decode(), logged[0]


async def test_a_request_keeps_the_id_of_the_proxy() -> None:
    assert await call("from-proxy.7") == ("from-proxy.7", "from-proxy.7")
    answered, logged = await call("socket:1", "websocket")
    assert answered == logged == "socket:1"


async def test_a_request_without_a_sound_id_gets_one() -> None:
    for sent in (None, "", "a b", "x" * 65, '{"level": "forged"}'):
        answered, logged = await call(sent)
        assert answered == logged and len(answered) == 32
