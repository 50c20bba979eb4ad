"""The web process keeps the memory of no answer: after a warm-up it grows no further."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.conversations.server_processes import Process, environment, stub_llm

pytestmark = [pytest.mark.process, pytest.mark.shared, pytest.mark.slow]
AT_ONCE, WARM_UP, MEASURED = 10, 300, 300  # turns
REST_S = 40  # before a measurement: what is free goes back to the system every 30 s
MOST_MB = 35  # that the measured turns may add; arenas and kernels of each thread, kept for good, added 50 and more
REAL = {  # the engines of the product, which the other tests replace
    "EMBED_BACKEND": "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder",
    "CLASSIFY_BACKEND": "apps.engines.classify.linear_classifier.LinearClassifier",
    "PLANTED_BACKEND": "apps.engines.classify.indirect_injection.IndirectInjectionClassifier",
    "TAGGER_BACKEND": "apps.engines.classify.pii_tagger.PiiTagger",
}
SEED = """
import json, os
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from apps.users import api_tokens, rate_limits
from apps.users.models.rate_limit import Rate
from tests.factories import make_collection, make_document, make_user
for scope, resource in rate_limits.DEFAULTS:
    rate_limits.change_limit(scope, resource, Rate(10**8, 10**8))
make_user("ada", "administrator")
users = []
for name in (f"colleague{number}" for number in range(10)):
    user = make_user(name)
    handbook = make_collection(user, "Handbook")
    for number in range(12):
        text = f"The lighthouse number {number} of {name} was built in {1800 + number}, {20 + number} metres high. "
        more = "Its keeper writes down the weather each evening. " * (number + 1)
        make_document(handbook, f"Lighthouse {number}", [text + more])
    users.append([api_tokens.create_token(user, "test", ["chat", "read"], 30), str(handbook.pk)])
print(json.dumps(users))
"""
SERVE = "uvicorn assistant.asgi:application --port PORT --log-level warning"


@pytest.fixture
def env(tmp_path: Path, shared: Path) -> Iterator[dict[str, str]]:
    with stub_llm(shared / "tools", rate=400, words=36) as model:
        yield {
            **environment(tmp_path, f"http://127.0.0.1:{model.port}/v1"), **REAL,
            "DJANGO_SETTINGS_MODULE": "assistant.settings",
        }  # fmt: skip


@pytest.fixture
def users(env: dict[str, str]) -> list[list[str]]:
    done = subprocess.run([sys.executable, "-c", SEED], env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


@pytest.fixture
def web(env: dict[str, str], users: list[list[str]]) -> Iterator[Process]:
    process = Process([sys.executable, "-m", *SERVE.split()], env)
    process.start()
    yield process
    process.end()


async def held_mb(process: Process) -> float:
    """Return the anonymous memory of the web process at rest: files that are mapped in may come and go."""
    await asyncio.sleep(REST_S)
    assert process._process is not None
    found = psutil.Process(process._process.pid).memory_full_info()
    return float(found.rss - found.shared) / 1024**2


async def ask(http: aiohttp.ClientSession, number: int, users: list[list[str]]) -> None:
    """Ask one question as a program: with documents and without, kept and not, streamed and whole."""
    token, collection = users[number % len(users)]
    headers = {"Authorization": f"Bearer {token}"}
    question = f"How high is the lighthouse number {number % 12}, and when was it built? Case {number}."
    body: dict[str, Any] = {"stream": number % 3 == 0}
    if number % 2:
        model = "stub" if number % 4 == 1 else "openbook"
        address = "/v1/chat/completions"
        body |= {"model": model, "messages": [{"role": "user", "content": question}], "collections": [collection]}
    else:
        async with http.post("/api/conversations", json={"collections": [collection]}, headers=headers) as response:
            address = f"/api/conversations/{(await response.json())['id']}/questions"
        body |= {"question": question, "without_documents": number % 4 == 2}
    async with http.post(address, json=body, headers=headers) as response:
        text = await response.text()
        assert response.status == 200, text


async def run_turns(port: int, turns: range, users: list[list[str]]) -> None:
    numbers = iter(turns)

    async def work(http: aiohttp.ClientSession) -> None:
        for number in numbers:
            await ask(http, number, users)

    async with aiohttp.ClientSession(f"http://localhost:{port}", timeout=aiohttp.ClientTimeout(300)) as http:
        await asyncio.gather(*(work(http) for _ in range(AT_ONCE)))


async def test_three_hundred_turns_after_a_warm_up_leave_little_behind(web: Process, users: list[list[str]]) -> None:
    await run_turns(web.port, range(WARM_UP), users)
    before = await held_mb(web)
    await run_turns(web.port, range(WARM_UP, WARM_UP + MEASURED), users)
    assert await held_mb(web) - before < MOST_MB
