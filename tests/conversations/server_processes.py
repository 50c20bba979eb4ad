"""Web server and model server as separate processes, for tests that kill them.

`python -m tests.conversations.server_processes PORT` runs the web process with short leases. With `seed` instead of a
port, it fills an empty data directory and prints a session key.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from django.conf import settings

from apps.lib.ports import find_free_port
from tests.support import prepared_site

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "http://localhost:8000"
QUESTION = "How high was the lighthouse of Alexandria?"
LEASE_S = 3  # seconds, instead of 15
START_S = 120  # seconds until a server must accept connections


class Process:
    """Server process that can be killed and restarted on its port."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.port = find_free_port()
        self._command = [part.replace("PORT", str(self.port)) for part in command]
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until its port accepts connections. Raise RuntimeError after START_S."""
        self._process = subprocess.Popen(self._command, env=self._env, cwd=ROOT)
        until = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("It did not start")

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, wait for the exit, and return the exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(how)
        code = self._process.wait(60)
        self._process = None
        return code


@contextmanager
def stub_llm(tools: Path, *, rate: int, words: int) -> Iterator[Process]:
    """Run the stub of a model server, which writes `words` words at `rate` per second."""
    env = {**os.environ, "RATE": str(rate), "WORDS": str(words), "PYTHONPATH": str(tools)}
    options = ["--port", "PORT", "--log-level", "warning", "--lifespan", "off"]
    process = Process([sys.executable, "-m", "uvicorn", "stub_llm:app", *options], env)
    process.start()
    try:
        yield process
    finally:
        process.end()


class Wire:
    """Client end of a real socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.events: list[dict[str, Any]] = []

    async def tell(self, **message: Any) -> None:
        await self._socket.send_str(orjson.dumps(message).decode())

    async def ask(self) -> dict[str, Any]:
        await self.tell(do="ask", client_id=uuid.uuid4().hex, conversation=None, text=QUESTION, collections=[])
        return await self.until("accepted")

    async def until(self, *types: str, seconds: float = 120) -> dict[str, Any]:
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
    """Connect to the socket with the session; yield the socket and the HTTP session."""
    headers = {"Origin": ORIGIN, "Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"}
    session = aiohttp.ClientSession(f"http://localhost:{web.port}", headers=headers)
    async with session as http, http.ws_connect("/ws/chat/") as socket:
        yield Wire(socket), http


def environment(folder: Path, model: str) -> dict[str, str]:
    """Return the environment of the web process with its data in `folder` and the model server at `model`."""
    (folder / "static").mkdir(exist_ok=True)
    return {
        **os.environ, "DATA_DIR": str(folder), "LLM_URL": model, "DEBUG": "1", "SITE_URL": ORIGIN, "DRAIN_SECONDS": "0",
        "LLM_BACKEND": "apps.engines.chat.openai.OpenAIChat",
        "INDEX_BACKEND": "apps.engines.index.local.engine.LocalIndex",
    }  # fmt: skip


def seed(env: dict[str, str]) -> str:
    """Fill the data directory and return a session key of Alice, who has a library."""
    command = [sys.executable, "-m", "tests.conversations.server_processes", "seed"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def _seed() -> None:
    import django

    django.setup()

    prepared_site.copy_tables(Path(os.environ["DATA_DIR"]))
    from tests.conversations.conftest import session_of
    from tests.factories import make_collection, make_document, make_user

    make_user("ada", "administrator")  # without an administrator, every page redirects to the set-up
    alice = make_user("alice")
    make_document(
        make_collection(alice, "Handbook"), "Lighthouses", ["The lighthouse of Alexandria stood about 100 metres high."]
    )
    print(session_of(alice))


def _serve(port: int) -> None:
    import uvicorn

    from assistant.asgi import application

    from apps.conversations.turns import preparation  # isort: skip  (after Django is set up)

    preparation.LEASE_S = LEASE_S
    uvicorn.run(application, port=port, log_level="warning", ws="websockets-sansio", timeout_graceful_shutdown=5)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
    _seed() if sys.argv[1] == "seed" else _serve(int(sys.argv[1]))
