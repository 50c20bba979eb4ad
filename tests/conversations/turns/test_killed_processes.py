"""`kill -9` in the middle of an answer or an upload: each ends right, once, with nothing lost. A worker that is killed
in each step of its own work is in `tests/documents/ingestion/test_worker_process.py`."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from django.conf import settings

from tests.conversations.server_processes import Process, environment, opened, seed, stub_llm
from tests.support.pages import strip_layout

pytestmark = [pytest.mark.process, pytest.mark.shared]
QUESTION = "How high was the lighthouse of Alexandria?"
LAMP = b"The lighthouse of Eastness has a red lamp.\n"
CELERY = (
    "celery -A assistant worker --pool threads --concurrency 5 --without-gossip --without-mingle --loglevel WARNING"
)

Halfway = Callable[[], Awaitable[None]]


@pytest.fixture
def model(shared: Path) -> Iterator[Process]:
    with stub_llm(shared / "tools", rate=20, words=240) as process:
        yield process


@pytest.fixture
def env(tmp_path: Path, model: Process) -> dict[str, str]:
    return environment(tmp_path, f"http://127.0.0.1:{model.port}/v1")


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data directory with Alice's library, and her session key."""
    folder = tmp_path_factory.mktemp("seeded")
    return folder, seed(environment(folder, "http://127.0.0.1:1/v1"))


@pytest.fixture
def key(env: dict[str, str], tmp_path: Path, seeded: tuple[Path, str]) -> str:
    folder, session = seeded
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return session


@pytest.fixture
def web(env: dict[str, str], key: str) -> Iterator[Process]:
    process = Process([sys.executable, "-m", "tests.conversations.server_processes", "PORT"], env)
    process.start()
    yield process
    process.end()


@pytest.fixture
def worker(env: dict[str, str], key: str) -> Iterator[Worker]:
    process = Worker(env)
    process.start()
    yield process
    process.kill()


class Worker:
    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", *CELERY.split()], env=self._env, cwd=settings.BASE_DIR)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None


async def test_web_is_killed(web: Process, key: str, tmp_path: Path) -> None:
    async with opened(web, key) as (wire, _):
        accepted = await wire.ask()
        await wire.until("text")
        await _holds(tmp_path, "SELECT 1 FROM conversations_message WHERE text LIKE '%word12 %'")  # by a checkpoint
        web.kill()
    web.start()
    async with opened(web, key) as (wire, http):
        await wire.tell(do="resume", turn=accepted["turn"], after=5)
        await wire.until("unknown")
        async with http.get(f"/c/{accepted['conversation']}/") as response:
            page = strip_layout(await response.text())
        assert f'data-turn="{accepted["turn"]}" data-status="interrupted"' in page
        assert QUESTION in page and "word12" in page, "the question and the text of the last checkpoint are there"
        await wire.tell(do="retry", turn=accepted["turn"], client_id="again")
        again = await wire.until("accepted", "refused")
        assert again["type"] == "accepted" and again["question"] == accepted["question"]
        await wire.until("text")
        await wire.tell(do="stop", turn=again["turn"])
        assert (await wire.until("closed"))["status"] == "stopped"


@pytest.mark.slow
async def test_web_is_killed_in_the_middle_of_an_upload(web: Process, key: str, tmp_path: Path) -> None:
    """The other half of the file never came: there is no row and no file, and sent again it is there once."""
    content, sent = LAMP * 200_000, asyncio.Event()
    async with opened(web, key) as (_, http):
        address, token = await _place(http)

        async def hang() -> None:
            sent.set()
            await asyncio.sleep(60)

        sending = asyncio.create_task(_send(http, address, token, content, hang))
        await asyncio.wait_for(sent.wait(), 120)
        web.kill()
        with pytest.raises(aiohttp.ClientError):
            await sending
    web.start()
    async with opened(web, key) as (_, http):
        assert await _shown(http) == 0 and _kept(tmp_path) == [], "nothing of half a file is left"
        _, token = await _place(http)
        assert await _send(http, address, token, content) == 201
        assert await _shown(http) == 1
        web.kill()
    web.start()
    async with opened(web, key) as (_, http):
        assert await _shown(http) == 1 and _kept(tmp_path) == [len(content)], "what was accepted is not lost"
        _, token = await _place(http)
        assert await _send(http, address, token, content) == 200, "it is known, and refused as such"
        assert _kept(tmp_path) == [len(content)]


async def _place(http: aiohttp.ClientSession) -> tuple[str, str]:
    """Where the page of Alice's collection sends files, and the token that it sends with them."""
    async with http.get("/collections/") as response:
        found = re.search(r"/collections/[0-9a-f-]{36}/", await response.text())
    assert found
    async with http.get(found[0]) as response:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', await response.text())
    assert token
    return f"{found[0]}upload/", token[1]


async def _send(
    http: aiohttp.ClientSession, address: str, token: str, content: bytes, halfway: Halfway | None = None
) -> int:
    """The status of the answer; `halfway` is done when half of the file is sent."""

    field = f'--part\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n'
    file = '--part\r\nContent-Disposition: form-data; name="files"; filename="eastness.txt"\r\n\r\n'
    body = (field + file).encode() + content + b"\r\n--part--\r\n"

    async def parts() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        if halfway is not None:
            await halfway()
        yield body[len(body) // 2 :]

    headers = {
        "Accept": "application/json", "Content-Length": str(len(body)),
        "Content-Type": "multipart/form-data; boundary=part",
    }  # fmt: skip
    async with http.post(address, data=parts(), headers=headers) as response:
        return response.status


async def _shown(http: aiohttp.ClientSession) -> int:
    """How many rows of that file the page has."""
    address, _ = await _place(http)
    async with http.get(address.removesuffix("upload/")) as response:
        return len(re.findall(r'class="title"[^>]*>eastness.txt<', strip_layout(await response.text())))


def _kept(folder: Path) -> list[int]:
    """Sizes of the stored files that are as large as the one that is sent."""
    sizes = [path.stat().st_size for path in (folder / "files").rglob("*") if path.is_file()]
    return [size for size in sizes if size > 1_000_000]


@pytest.mark.slow
async def test_web_ends_in_order_and_says_so(web: Process, key: str) -> None:
    async with opened(web, key) as (wire, _):
        accepted = await wire.ask()
        await wire.until("text")
        await asyncio.to_thread(web.end)
    web.start()
    async with opened(web, key) as (wire, http):
        async with http.get(f"/c/{accepted['conversation']}/") as response:
            page = strip_layout(await response.text())
        assert f'data-turn="{accepted["turn"]}" data-status="interrupted"' in page and "word0" in page


@pytest.mark.slow
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


async def test_the_worker_is_killed_while_an_answer_is_written(
    web: Process, worker: Worker, key: str, tmp_path: Path
) -> None:
    """The answer is the web process's, and goes on; the file that was accepted waits for the next worker."""
    async with opened(web, key) as (wire, http):
        await wire.ask()
        await wire.until("text")
        address, token = await _place(http)
        assert await _send(http, address, token, LAMP * 50) == 201
        worker.kill()
        closed = await wire.until("closed", seconds=120)
        assert (closed["status"], "word239" in closed["html"]) == ("complete", True)
    worker.start()
    await _ready(tmp_path)


@pytest.mark.slow
async def test_the_model_server_is_killed_in_the_middle_of_an_upload(
    web: Process, worker: Worker, model: Process, key: str, tmp_path: Path
) -> None:
    """Reading a document asks no model: it is found while the server is away, and answered from when it is back."""
    async with opened(web, key) as (wire, http):
        address, token = await _place(http)

        async def strike() -> None:
            model.kill()

        assert await _send(http, address, token, LAMP * 50, strike) == 201
        await _ready(tmp_path)
        await wire.ask()
        await wire.until("waiting")
        model.start()
        await wire.until("text", seconds=120)


async def _ready(folder: Path) -> None:
    """Until the file that was sent is read, once; a dead worker's lease may have to run out."""
    await _holds(folder, "SELECT 1 FROM documents_document WHERE name = 'eastness.txt' AND status = 'ready'")


async def _holds(folder: Path, question: str) -> None:
    """Until the database has one row as an answer."""
    found: list[tuple[int]] = []
    async with asyncio.timeout(300):
        while not found:
            await asyncio.sleep(0.1)
            with closing(sqlite3.connect(f"file:{folder / 'openbook.sqlite3'}?mode=ro", uri=True)) as database:
                found = database.execute(question).fetchall()
    assert len(found) == 1
