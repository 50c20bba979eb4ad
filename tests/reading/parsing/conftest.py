"""Fixtures of the parser tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reading.parsing.parser_runs import HONEST_TEXT, SECONDS, parse_in_sandbox


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a file that does not exist yet."""
    return tmp_path / "file"


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[None]:
    """Fail a test that takes too long, or after which an honest file cannot be read."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 3 * SECONDS  # on a busy machine the making of some takes a while
    assert parse_in_sandbox(tmp_path, "honest.txt", HONEST_TEXT)[0] == HONEST_TEXT.decode()
