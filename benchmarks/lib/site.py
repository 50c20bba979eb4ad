"""Running site for a benchmark: its processes, and a fake model server of known speed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from django.conf import settings

from apps.lib.ports import find_free_port

_READY_S = 180.0
_IDLE = 0.1  # CPU seconds per second of an idle process, with its periodic jobs


def build_environment(folder: str, url: str, **also: str) -> dict[str, str]:
    """Return the environment of a process of the site at `url` with its data, database and index in `folder`."""
    Path(folder, "static").mkdir(exist_ok=True)
    ours = {"DATA_DIR": folder, "SITE_URL": url, "DATABASE_URL": "", "REDIS_URL": "", "LLM_MODEL": ""}
    return {**os.environ, **ours, **also}


def run_module(module: str, *arguments: object, env: dict[str, str], data: object = None) -> Any:
    """Run `python -m module` and return the JSON in its last line of output. `data` goes to its standard input as JSON.
    Raise CalledProcessError."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(
        command, env=env, cwd=settings.BASE_DIR, input=json.dumps(data), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def run_web(env: dict[str, str], port: int = 0, app: str = "assistant.asgi:application") -> Iterator[tuple[int, int]]:
    """Run the web process during the block; yield its port and process id."""
    options = ["--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
    with run_uvicorn(app, env, port or find_free_port(), *options) as process:
        yield process


@contextmanager
def run_fake_model(data: Path, rate: float, words: int, ttft: float, *, repeats_sources: bool = False) -> Iterator[str]:
    """Run the fake model server `stub_llm.py`, which is beside the data sets, with recording; yield its address.

    `rate` is in words per second, `ttft` in seconds. With `repeats_sources` it writes sentences of its sources.
    """
    env = {**os.environ, "STUB": str(data.parent / "tools"), "RATE": str(rate), "WORDS": str(words), "TTFT": str(ttft)}
    env["REPEATS_SOURCES"] = "1" if repeats_sources else ""
    with run_uvicorn("benchmarks.lib.recording_llm:app", env, find_free_port(), "--lifespan", "off") as (port, _):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def run_uvicorn(app: str, env: dict[str, str], port: int, *options: str) -> Iterator[tuple[int, int]]:
    """Run a server in a process of its own during the block, once it accepts connections; yield port and process id."""
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", *options]
    process = subprocess.Popen(command, env=env, cwd=settings.BASE_DIR)
    try:
        _wait(process, port)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


async def wait_until_idle(process: psutil.Process) -> None:
    """Return once the process is idle, or after 180 seconds: a web process warms up engines in the background."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_READY_S):
            await _idle(process)


async def _idle(process: psutil.Process) -> None:
    while True:
        before = sum(process.cpu_times()[:2])
        await asyncio.sleep(1)
        if sum(process.cpu_times()[:2]) - before < _IDLE:
            return


async def fetch_records(http: aiohttp.ClientSession, model: str) -> list[dict[str, Any]]:
    """Return the records of the fake model since the last call."""
    async with http.get(f"{model}/recorded") as response:
        records: list[dict[str, Any]] = await response.json(content_type=None)
        return records


def build_session_headers(url: str, key: str) -> dict[str, str]:
    """Return the headers with which a signed-in browser opens a WebSocket."""
    return {"Origin": url, "Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"}


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("A server of this measurement did not start; what it said stands above.")
