"""`kill -9` in the middle of an answer: web and model server in turn; each ends right, once, with nothing lost."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from django.conf import settings

from tests.conversations.web import ORIGIN, Process, environment, seed

pytestmark = [pytest.mark.process, pytest.mark.shared]
QUESTION = "How high was the lighthouse of Alexandria?"


@pytest.fixture
def model(shared: Path) -> Iterator[Process]:
    env = {**os.environ, "RATE": "20", "WORDS": "240", "PYTHONPATH": str(shared / "tools")}
    options = ["--port", "PORT", "--log-level", "warning", "--lifespan", "off"]
    process = Process([sys.executable, "-m", "uvicorn", "stub_llm:app", *options], env)
    process.start()
    yield process
    process.end()


@pytest.fixture
def env(tmp_path: Path, model: Process) -> dict[str, str]:
    return environment(tmp_path, f"http://127.0.0.1:{model.port}/v1")


@pytest.fixture
def key(env: dict[str, str]) -> str:
    return seed(env)


@pytest.fixture
def web(env: dict[str, str], key: str) -> Iterator[Process]:
    process = Process([sys.executable, "-m", "tests.conversations.web", "PORT"], env)
    process.start()
    yield process
    process.end()


class Wire:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.events: list[dict[str, Any]] = []

    async def tell(self, **message: Any) -> None:
        await self._socket.send_str(orjson.dumps(message).decode())

    async def ask(self) -> dict[str, Any]:
        await self.tell(do="ask", client_id=uuid.uuid4().hex, conversation=None, text=QUESTION, collections=[])
        return await self.until("accepted")

    async def until(self, *types: str, seconds: float = 30) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while True:
                message = await self._socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise ConnectionError(message)
                event: dict[str, Any] = orjson.loads(message.data)
                self.events.append(event)
                if event["type"] in types:
                    return event


@asynccontextmanager
async def opened(web: Process, key: str) -> AsyncIterator[tuple[Wire, aiohttp.ClientSession]]:
    headers = {"Origin": ORIGIN, "Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"}
    session = aiohttp.ClientSession(f"http://localhost:{web.port}", headers=headers)
    async with session as http, http.ws_connect("/ws/chat/") as socket:
        yield Wire(socket), http


async def test_web_is_killed(web: Process, key: str) -> None:
    async with opened(web, key) as (wire, _):
        accepted = await wire.ask()
        await wire.until("text")
        await asyncio.sleep(3)  # a checkpoint is written every 2 s
        web.kill()
    web.start()
    async with opened(web, key) as (wire, http):
        await wire.tell(do="resume", turn=accepted["turn"], after=5)
        await wire.until("unknown")
        async with http.get(f"/c/{accepted['conversation']}/") as response:
            page = await response.text()
        assert f'data-turn="{accepted["turn"]}" data-status="interrupted"' in page
        assert QUESTION in page and "word12" in page, "the question and the text of the last checkpoint are there"
        await wire.tell(do="retry", turn=accepted["turn"], client_id="again")
        again = await wire.until("accepted", "refused")
        assert again["type"] == "accepted" and again["question"] == accepted["question"]
        await wire.until("text")
        await wire.tell(do="stop", turn=again["turn"])
        assert (await wire.until("closed"))["status"] == "stopped"


async def test_web_ends_in_order_and_says_so(web: Process, key: str) -> None:
    async with opened(web, key) as (wire, _):
        accepted = await wire.ask()
        await wire.until("text")
        await asyncio.to_thread(web.end)
    web.start()
    async with opened(web, key) as (wire, http):
        async with http.get(f"/c/{accepted['conversation']}/") as response:
            page = await response.text()
        assert f'data-turn="{accepted["turn"]}" data-status="interrupted"' in page and "word0" in page


async def test_the_model_server_is_killed_and_comes_back(web: Process, model: Process, key: str) -> None:
    async with opened(web, key) as (wire, _):
        accepted = await wire.ask()
        await wire.until("text")
        model.kill()
        closed = await wire.until("closed")
        assert closed["status"] == "failed" and "word0" in closed["html"] and closed["reason"]
        await wire.tell(do="retry", turn=accepted["turn"], client_id="again")
        again = await wire.until("accepted", "refused")
        await wire.until("waiting")
        model.start()
        await wire.until("text")
        await wire.tell(do="stop", turn=again["turn"])
        assert (await wire.until("closed"))["status"] == "stopped"
