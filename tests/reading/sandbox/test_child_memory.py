"""A hundred files, each of which takes a reader some 50 MB, leave worker and readers as large as they were."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from apps.reading.sandbox import fork_client, runner

pytestmark = [pytest.mark.process, pytest.mark.slow]

FILES = 100
GROWN = 50 * 1024 * FILES  # bytes: a thousandth of what each takes


def wait_for_parsers(server: psutil.Process) -> None:
    """Wait until the server has imported its parsers, which it does while nothing is asked of it."""
    before = 0
    while (size := server.memory_info().rss) != before:
        before = size
        time.sleep(2)


def test_readers_that_keep_their_memory_leave_none_behind(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(b"word " * 1_600_000)
    options = {"kind": "text", "pages": 3000, "characters": 20_000_000}
    sizes = []
    for number in range(FILES):
        answers = runner.run_task("parse", path, options, seconds=30, memory_bytes=1024**3)
        assert sum("page" in answer for answer in answers) > 0
        assert fork_client._server is not None
        server = psutil.Process(fork_client._server.pid)
        if number == 0:
            wait_for_parsers(server)
        sizes.append((server.memory_info().rss, psutil.Process().memory_info().rss))
    warm, ours = sizes[5]
    last, ours_last = map(min, zip(*sizes[-20:], strict=True))  # ours goes up and down by some megabytes
    assert last - warm < GROWN and ours_last - ours < 2 * GROWN
