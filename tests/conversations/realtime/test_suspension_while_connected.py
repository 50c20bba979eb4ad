"""Somebody is suspended while a server of its own answers them: socket, session, token and answer die by the wire."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.conversations.server_processes import ROOT, Process, environment, seed, stub_llm
from tests.conversations.turns.test_killed_processes import opened

pytestmark = [pytest.mark.process, pytest.mark.shared, pytest.mark.slow]
SOON_S = 5.0
BUSY_S = 20.0  # that a busy machine may take beside it; the answers would go on for a hundred
PATIENCE_S = 60.0
SUSPEND = """
import django; django.setup()
from apps.users.models import User
from apps.users.accounts import suspend_user
suspend_user(User.objects.get(email="alice@example.org"))
"""
TOKEN = """
import django; django.setup()
from apps.users.models import User
from apps.users.api_tokens import create_token
print(create_token(User.objects.get(email="alice@example.org"), "test", ["chat", "read"], 30))
"""


@pytest.fixture
def model(shared: Path) -> Iterator[Process]:
    with stub_llm(shared / "tools", rate=20, words=2_000) as process:
        yield process


@pytest.fixture
def env(tmp_path: Path, model: Process) -> dict[str, str]:
    return environment(tmp_path, f"http://127.0.0.1:{model.port}/v1") | {"DJANGO_SETTINGS_MODULE": "assistant.settings"}


def told(env: dict[str, str], program: str) -> str:
    """What a program says that runs beside the server, as the worker or another web process does."""
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().rpartition("\n")[2]


async def test_suspension_ends_socket_session_token_and_answer_within_seconds(env: dict[str, str]) -> None:
    key = seed(env)
    token = told(env, TOKEN)
    web = Process([sys.executable, "-m", "tests.conversations.server_processes", "PORT"], env)
    web.start()
    try:
        async with opened(web, key) as (wire, http), program(web, token) as api:
            await wire.ask()
            await wire.until("text")
            begun = asyncio.Event()
            stream = asyncio.create_task(streamed(api, begun))
            assert (await http.get("/collections/", allow_redirects=False)).status == 200
            await asyncio.wait_for(begun.wait(), PATIENCE_S)
            assert not stream.done()
            await asyncio.to_thread(told, env, SUSPEND)
            began = time.monotonic()
            assert await ended(wire._socket) == 4401
            assert (await http.get("/collections/", allow_redirects=False)).status == 302
            assert (await api.get("/v1/models")).status == 401
            assert "[DONE]" not in await asyncio.wait_for(stream, PATIENCE_S)
            assert time.monotonic() - began < SOON_S + BUSY_S
    finally:
        web.end()


def program(web: Process, token: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(f"http://localhost:{web.port}", headers={"Authorization": f"Bearer {token}"})


async def ended(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """With which code the socket was closed."""
    async with asyncio.timeout(PATIENCE_S):
        while not socket.closed:
            await socket.receive()
    return socket.close_code


async def streamed(api: aiohttp.ClientSession, begun: asyncio.Event) -> str:
    """What came of an answer over the API, to its end or its abort."""
    said, came = {"stream": True, "messages": [{"role": "user", "content": "Go on for ever."}]}, b""
    models = (await (await api.get("/v1/models")).json())["data"]
    async with api.post("/v1/chat/completions", json=said | {"model": models[1]["id"]}) as answer:
        assert answer.status == 200
        try:
            async for chunk in answer.content.iter_any():
                came += chunk
                begun.set()
        except aiohttp.ClientError:
            pass
    return came.decode()
