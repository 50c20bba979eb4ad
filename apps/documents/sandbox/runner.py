"""Parsing and rendering in a child process that can be killed, from the parent's side.

The child gets the file as its standard input (opened here, never following a link), an empty environment and a
temporary folder, limits itself (`parsers/child.py`), and answers with lines of JSON. It is killed with its whole group
when it takes too long, falls silent, says too much, or is no longer wanted (`forking.py`).
"""

from __future__ import annotations

import base64
import logging
import os
import select
import signal
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson
from django.conf import settings

from apps.documents.parsing import detection
from apps.documents.parsing.protocol import ParseError
from apps.documents.sandbox import fork_client

log = logging.getLogger(__name__)

SILENCE_S = 25  # without a word from the child, and it is taken for stuck
POLL_S = 0.2  # how often the caller is asked whether it still wants the answer
MAX_OUTPUT = 256 * 1024 * 1024
RENDER_S = 20
LOOK_S = 20  # at the directory of a container, which takes a moment
_READ = 1 << 18

TOO_SLOW = (
    "Reading this file took too long. It may be damaged, or made to keep programs busy; save it again or split it."
)
TOO_LARGE = "Reading this file needs more memory than is allowed here. Split it into smaller files."
CRASHED = "The reader crashed on this file: it is damaged. Save it again in its own program and upload that."
PARSER_FAILED = "The reader failed on this file through a fault of its own. The log of the worker has the details."


class ParserCrashed(Exception):
    """A fault of the parser, not of the file; the message is fit for the file's owner."""


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """`words` are start, end in the page's text; left, top, width, height in fractions of the page."""

    png: bytes
    width: int
    height: int
    words: list[list[float]]


@dataclass(frozen=True, slots=True)
class Confinement:
    """How the system confines readers. `network_errno` and `files_errno` are 0, or the error for which readers can
    reach the network, or open other files than their own. `tcp_closed`: whether Landlock refuses TCP in any case."""

    network_errno: int
    memory_limited: bool
    files_errno: int = 0
    tcp_closed: bool = False


class SandboxProcess:
    """A child at work on a file; what it says is heard by `take`. Closing it kills the child."""

    def __init__(
        self, task: str, path: str | Path, options: dict[str, Any], *, seconds: int, memory_bytes: int
    ) -> None:
        self.over = False  # it has said its last word
        self._size, self._rest = 0, b""
        self._seconds = seconds
        with ExitStack() as held:
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="reader-"))
            self._errors = held.enter_context(tempfile.TemporaryFile())
            words = {"task": task, "folder": folder, "seconds": seconds, "memory_bytes": memory_bytes, **options}
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
                self._reader = fork_client.fork_child(orjson.dumps(words), file.fileno(), self._errors.fileno())
            held.callback(self._reader.kill)
            self._held = held.pop_all()
        self._heard = time.monotonic()
        self._deadline = self._heard + seconds

    def fileno(self) -> int:
        """Readable when there is something to take."""
        return self._reader.answers

    def close(self) -> None:
        self._held.close()

    def take(self) -> list[dict[str, Any]]:
        """What it has said since, at most a part of it; nothing where it says nothing, which is no end. Raises
        Unreadable (the file) or ReaderBroke (the parser)."""
        if not select.select([self], [], [], 0)[0]:
            self._silent()
            return []
        data = os.read(self.fileno(), _READ)
        self._heard, self._size = time.monotonic(), self._size + len(data)
        if not data:
            raise _reason(self._reader, self._errors)
        if self._size > MAX_OUTPUT:
            raise ParseError(TOO_LARGE)
        *lines, self._rest = (self._rest + data).split(b"\n")
        answers = list(self._answers(lines))
        if not self.over and self._heard > self._deadline:
            raise ParseError(TOO_SLOW)
        return answers

    def _silent(self) -> None:
        now = time.monotonic()
        if now > self._deadline or now > self._heard + SILENCE_S:
            raise ParseError(TOO_SLOW)

    def _answers(self, lines: list[bytes]) -> Iterator[dict[str, Any]]:
        for line in lines:
            answer = orjson.loads(line)
            if "end" in answer:
                self.over = True
                return
            if "unreadable" in answer:
                raise ParseError(answer["unreadable"])
            if "memory" in answer:
                raise ParseError(TOO_LARGE)
            yield answer


def wait_for_output(readings: Sequence[SandboxProcess]) -> None:
    """One of them has something to say, or POLL_S have passed."""
    select.select(readings, [], [], POLL_S)


def stream_task(
    task: str, path: str | Path, options: dict[str, Any], *, seconds: int, memory_bytes: int
) -> Generator[dict[str, Any] | None, None, None]:
    """What the child answers, one object a line; None whenever nothing came for a moment. Closing it kills the child.

    Raises Unreadable (the file) or ReaderBroke (the parser).
    """
    with closing(SandboxProcess(task, path, options, seconds=seconds, memory_bytes=memory_bytes)) as reading:
        while not reading.over:
            wait_for_output([reading])
            answers = reading.take()
            yield from answers
            if not answers and not reading.over:
                yield None


def run_task(
    task: str, path: str | Path, options: dict[str, Any], *, seconds: int, memory_bytes: int
) -> list[dict[str, Any]]:
    """All answers of the child."""
    found = stream_task(task, path, options, seconds=seconds, memory_bytes=memory_bytes)
    return [answer for answer in found if answer is not None]


def render_page(path: str | Path, kind: str, page: int, width: int) -> RenderedPage:
    """The page of a PDF, or a picture, as an image `width` pixels wide. Takes a fraction of a second: cache it.

    Raises Unreadable or ReaderBroke.
    """
    options = {"kind": kind, "page": page, "width": width}
    answer = run_task("render", path, options, seconds=RENDER_S, memory_bytes=settings.PARSE_MEMORY_BYTES)[0]
    return RenderedPage(base64.b64decode(answer["png"]), answer["width"], answer["height"], answer["words"])


def detect_ole_kind(path: str | Path) -> str | None:
    """The kind of a container of the old Office formats; None where it is of none that is read. Takes some 10 ms.

    Raises Unreadable or ReaderBroke.
    """
    answer = run_task("ole", path, {}, seconds=LOOK_S, memory_bytes=settings.PARSE_MEMORY_BYTES)[0]
    return None if answer["kind"] is None else str(answer["kind"])


def detect_format(path: str | Path, name: str) -> str:
    """Return the kind of an uploaded file, a key of FORMATS. Containers of old Office formats are opened in a child.

    Raises ParseError, which says what the file is where it cannot be read, or ParserCrashed.
    """
    return detection.detect_format(path, name, detect_ole_kind)


def probe_confinement() -> Confinement:
    """Start a reader and return how the system confines it. Takes some 10 ms.

    Raises OSError, Unreadable or ReaderBroke where no reader can be started.
    """
    answer = run_task("probe", os.devnull, {}, seconds=LOOK_S, memory_bytes=settings.PARSE_MEMORY_BYTES)[0]
    return Confinement(answer["network_errno"], answer["memory_limited"], answer["files_errno"], answer["tcp_closed"])


def _reason(reader: fork_client.ForkedChild, errors: IO[bytes]) -> Exception:
    """Why a child that ended without its last word did so."""
    code = reader.code()
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 2000))
    said = errors.read().decode(errors="replace").strip()
    log.warning("A reader ended with %s: %s", code, said)
    if code in {-signal.SIGXCPU, -signal.SIGKILL}:
        return ParseError(TOO_SLOW)
    if "MemoryError" in said or "bad_alloc" in said or "out of memory" in said.lower():
        return ParseError(TOO_LARGE)
    return ParseError(CRASHED) if code is not None and code < 0 else ParserCrashed(PARSER_FAILED)
