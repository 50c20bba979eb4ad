"""A socket on which nothing happens for a while is still open, with Redis between the web processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conversations.server_processes import Process, environment, opened, seed

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.slow]
QUIET_S = 16  # three times the 5 s that the channel layer and the Redis client wait for a message by default


@pytest.fixture
def env(tmp_path: Path, redis_url: str) -> dict[str, str]:
    fake = {"LLM_BACKEND": "apps.engines.chat.fake.FakeChat", "REDIS_URL": redis_url}
    return {**environment(tmp_path, "http://127.0.0.1:1/v1"), **fake}


@pytest.fixture
def key(env: dict[str, str]) -> str:
    return seed(env)


@pytest.fixture
def web(env: dict[str, str], key: str) -> Iterator[Process]:
    process = Process([sys.executable, "-m", "tests.conversations.server_processes", "PORT"], env)
    process.start()
    yield process
    process.end()


async def test_a_socket_that_was_quiet_still_hears_a_hint(web: Process, key: str) -> None:
    async with opened(web, key) as (quiet, _):
        with pytest.raises(TimeoutError):  # a closed socket raises ConnectionError
            await quiet.until("hint", seconds=QUIET_S)
        async with opened(web, key) as (busy, _):
            asked = await busy.ask()
            hint = await quiet.until("hint", seconds=30)
            await busy.until("closed")
        assert hint["conversation"] == asked["conversation"]
