"""Readers are forks of one warm process: quick to start, alone with their file, and gone when they are not wanted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import fork_client, runner

MEMORY = 1024**3
TEXT: dict[str, Any] = {"kind": "text", "pages": 10, "characters": 10**6}
LONG = {**TEXT, "characters": 10**8}
WORDS = "Thirty days of paid leave."


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    fork_client.stop_server()
    yield
    fork_client.stop_server()


@pytest.fixture
def honest(tmp_path: Path) -> Path:
    path = tmp_path / "honest"
    path.write_text(WORDS)
    return path


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A file whose reader is never done while nobody takes what it says."""
    path = tmp_path / "long"
    path.write_text("Thirty days of paid leave.\n\n" * 200_000)
    return path


def read(path: Path) -> list[str]:
    answers = runner.run_task("parse", path, TEXT, seconds=60, memory_bytes=MEMORY)
    return [answer["text"] for answer in answers if "page" in answer]


def begin(path: Path) -> Generator[dict[str, Any] | None, None, None]:
    """A reader at work, which has given its first page."""
    answers = runner.stream_task("parse", path, LONG, seconds=120, memory_bytes=MEMORY)
    while (answer := next(answers)) is None or "page" not in answer:
        pass
    return answers


def nursery() -> int:
    """The process of which the readers of this one are forks."""
    assert fork_client._server is not None
    return fork_client._server.pid


def readers(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int) -> bool:
    """Whether the process is away, or a corpse, within a moment."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_files_are_read_one_after_the_other_by_children_of_one_process(honest: Path) -> None:
    assert read(honest) == [WORDS]
    first = nursery()
    assert read(honest) == [WORDS]
    assert nursery() == first
    assert readers(first) == []


def test_the_usual_readers_are_there_before_they_are_wanted(honest: Path) -> None:
    read(honest)
    until = time.monotonic() + 120
    while not all(library in Path(f"/proc/{nursery()}/maps").read_text() for library in ("pdfium", "lxml")):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert read(honest) == [WORDS]


def test_a_reader_that_is_not_wanted_any_more_is_gone_at_once(long: Path) -> None:
    answers = begin(long)
    (reader,) = readers(nursery())
    answers.close()
    assert not Path(f"/proc/{reader}").exists()
    assert readers(nursery()) == []


def test_a_reader_holds_its_own_file_and_nothing_else(long: Path, honest: Path) -> None:
    first, second = begin(long), begin(long)
    for reader in readers(nursery()):
        held = {path.name: str(path.readlink()) for path in Path(f"/proc/{reader}/fd").iterdir()}
        kinds = sorted(re.sub(r"\[.*|\(deleted\)|/\S*/", "", name).strip() for name in held.values())
        assert held["0"] == str(long)
        assert [kind for kind in kinds if kind.startswith("socket") or kind.startswith("anon_inode")] == []
        assert len(held) <= 5  # the file, answers (twice), errors, and the file as the parser opened it
        assert str(Path(f"/proc/{reader}/cwd").readlink()).startswith(tempfile.gettempdir())
    first.close()
    assert len(readers(nursery())) == 1
    second.close()


def test_a_reader_that_is_killed_costs_its_file_alone(long: Path, honest: Path) -> None:
    answers = begin(long)
    (reader,) = readers(nursery())
    os.kill(reader, signal.SIGSEGV)
    with pytest.raises(ParseError, match="damaged"):
        list(answers)
    assert read(honest) == [WORDS]


def test_readers_die_with_the_fork_server_and_the_next_file_starts_another(long: Path, honest: Path) -> None:
    answers = begin(long)
    first = nursery()
    (reader,) = readers(first)
    os.kill(first, signal.SIGKILL)
    assert gone(reader)
    with pytest.raises(runner.ParserCrashed):
        list(answers)
    assert read(honest) == [WORDS]
    assert nursery() != first


def test_readers_end_with_the_process_that_wanted_them(long: Path) -> None:
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'assistant.settings'; import django; django.setup()\n"
        "from pathlib import Path; from tests.reading.sandbox import test_fork_server as t\n"
        "answers = t.begin(Path(sys.argv[1])); print(t.nursery(), *t.readers(t.nursery()), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(long)], cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as wanting:
        assert wanting.stdout is not None
        processes = [int(pid) for pid in wanting.stdout.readline().split()]
        wanting.kill()
        assert len(processes) == 2
        assert all(gone(pid) for pid in processes)
