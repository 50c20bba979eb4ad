"""Broker in Redis: a worker survives the loss of Redis with messages unacknowledged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection

from assistant.celery import app
from tests.conversations.server_processes import Process

pytestmark = pytest.mark.redis


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Process]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    options = ["--port", "PORT", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(tmp_path)]
    process = Process(["redis-server", *options], dict(os.environ))
    process.start()
    yield process
    process.kill()


def test_connection_lost_with_unacknowledged_messages_is_closed_without_an_error(redis: Process) -> None:
    assert app.connection(f"redis://127.0.0.1:{redis.port}/0").transport_cls == "redis"
    connection = Connection(f"redis://127.0.0.1:{redis.port}/0")
    queue = connection.SimpleQueue("work")
    queue.put("one")
    assert queue.get(timeout=60).payload == "one"
    redis.kill()
    connection._do_close_transport()  # as a worker leaves it whose first attempt to close failed
    connection.close()
