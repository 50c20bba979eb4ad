"""Run parsing and rendering in sandboxed child processes, from the parent's side.

The child gets the file as standard input (opened here, never following a link), an empty environment and a temporary
folder. It confines itself (`child_process.py`) and answers with lines of JSON. It is killed with its group when it
takes too long, falls silent, answers too much, or is closed. Entry points: `SandboxProcess` and `wait_for_output` for
several at once, `stream_task`, `run_task`, `render_page`, `detect_format`, `probe_confinement`.
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
from functools import partial
from pathlib import Path
from typing import IO, Any

import orjson

from apps.reading.parsing import detection
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import fork_client

log = logging.getLogger(__name__)

SILENCE_S = 25  # seconds without output after which a child counts as stuck
POLL_S = 0.2  # seconds after which a waiting caller gets control, so that it can cancel
MAX_OUTPUT = 256 * 1024 * 1024  # bytes of all answers of a child
RENDER_S = 20  # seconds for an image
MEMORY_BYTES = 1 << 30  # memory of a child, where the caller names no other limit
LOOK_S = 20  # seconds for a short task, such as reading the directory of a container
_READ = 1 << 18

TOO_SLOW = (
    "Reading this file took too long. It may be damaged or malicious. Save it again, or split it into smaller files."
)
TOO_LARGE = "Reading this file needs more memory than is allowed here. Split it into smaller files."
CRASHED = (
    "This file could not be read, probably because it is damaged. Save it again in its own program and upload that."
)

# What Python, C++, Rust and the C library say when memory is refused.
_OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "memory allocation of", "Cannot allocate memory")
PARSER_FAILED = "This file could not be read because of a program error. See the worker log for details."


class ParserCrashed(Exception):
    """Error: the parser failed through a fault of its own, not of the file. The message is fit for the file's owner."""


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """Image of a page, `width` by `height` pixels.

    `text` is the page's as it is read now. Each of `words` is start and end in it, then left, top, width and height as
    fractions of the page.
    """

    png: bytes
    width: int
    height: int
    text: str
    words: list[list[float]]


@dataclass(frozen=True, slots=True)
class Confinement:
    """Confinement of child processes by this system.

    `network_errno` and `files_errno` are 0, or the errno for which children can reach the network, or open other files
    than their own. `tcp_closed`: Landlock refuses TCP in any case.
    """

    network_errno: int
    memory_limited: bool
    files_errno: int = 0
    tcp_closed: bool = False


class SandboxProcess:
    """Child process at work on a file; `read_results` returns what it wrote. Closing kills the child. Not thread-safe.

    Starting it raises OSError if the file or a child cannot be opened. `seconds` limits its elapsed time, `silence_s`
    the seconds without output, `memory_bytes` its memory.
    """

    def __init__(
        self, task: str, path: str | Path, options: dict[str, Any], *, seconds: int, memory_bytes: int,
        silence_s: int = SILENCE_S,
    ) -> None:  # fmt: skip
        self.ended = False  # True after its last answer
        self._silence_s = silence_s
        self._size, self._partial_line = 0, b""
        self._seconds = seconds
        with ExitStack() as resources:
            folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="reader-"))
            self._errors = resources.enter_context(tempfile.TemporaryFile())
            words = {"task": task, "folder": folder, "seconds": seconds, "memory_bytes": memory_bytes, **options}
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
                self._reader = fork_client.fork_child(orjson.dumps(words), file.fileno(), self._errors.fileno())
            resources.callback(self._reader.kill)
            self._resources = resources.pop_all()
        self._last_output = time.monotonic()
        self._deadline = self._last_output + seconds

    def fileno(self) -> int:
        """Return the descriptor of the answers, for `select`."""
        return self._reader.output

    def close(self) -> None:
        """Kill the child if it runs, and release its files."""
        self._resources.close()

    def read_results(self) -> list[dict[str, Any]]:
        """Return the answers since the last call, at most a part of them; [] if there are none yet.

        Raises ParseError (fault of the file, or a limit) or ParserCrashed (fault of the parser).
        """
        if not select.select([self], [], [], 0)[0]:
            self._silent()
            return []
        data = os.read(self.fileno(), _READ)
        self._last_output, self._size = time.monotonic(), self._size + len(data)
        if not data:
            raise _explain_end(self._reader, self._errors)
        if self._size > MAX_OUTPUT:
            raise ParseError(TOO_LARGE)
        *lines, self._partial_line = (self._partial_line + data).split(b"\n")
        results = list(self._parse_results(lines))
        if not self.ended and self._last_output > self._deadline:
            raise ParseError(TOO_SLOW)
        return results

    def _silent(self) -> None:
        now = time.monotonic()
        if now > self._deadline or now > self._last_output + self._silence_s:
            raise ParseError(TOO_SLOW)

    def _parse_results(self, lines: list[bytes]) -> Iterator[dict[str, Any]]:
        for line in lines:
            answer = orjson.loads(line)
            if "end" in answer:
                self.ended = True
                return
            if "unreadable" in answer:
                raise ParseError(answer["unreadable"])
            if "memory" in answer:
                raise ParseError(TOO_LARGE)
            yield answer


def wait_for_output(processes: Sequence[SandboxProcess]) -> None:
    """Wait until one of the processes has output, at most POLL_S."""
    select.select(processes, [], [], POLL_S)


def stream_task(
    task: str, path: str | Path, options: dict[str, Any], *, seconds: int, memory_bytes: int, silence_s: int = SILENCE_S
) -> Generator[dict[str, Any] | None, None, None]:
    """Yield the child's answers, one object per line, and None whenever nothing came for POLL_S. Closing it kills the
    child.

    Limits as of `SandboxProcess`. Raises ParseError (fault of the file, or a limit) or
    ParserCrashed (fault of the parser).
    """
    limits = {"seconds": seconds, "memory_bytes": memory_bytes, "silence_s": silence_s}
    with closing(SandboxProcess(task, path, options, **limits)) as process:
        while not process.ended:
            wait_for_output([process])
            results = process.read_results()
            yield from results
            if not results and not process.ended:
                yield None


def run_task(
    task: str, path: str | Path, options: dict[str, Any], *, seconds: int, memory_bytes: int
) -> list[dict[str, Any]]:
    """Return all answers of the child. Raises as `stream_task` does."""
    found = stream_task(task, path, options, seconds=seconds, memory_bytes=memory_bytes)
    return [answer for answer in found if answer is not None]


def render_page(
    path: str | Path, kind: str, page: int, width: int, *, memory_bytes: int = MEMORY_BYTES
) -> RenderedPage:
    """Return the image of a PDF page, or of a picture, `width` pixels wide. Takes a fraction of a second: cache it.

    Raises ParseError or ParserCrashed.
    """
    options = {"kind": kind, "page": page, "width": width}
    answer = run_task("render", path, options, seconds=RENDER_S, memory_bytes=memory_bytes)[0]
    png = base64.b64decode(answer["png"])
    return RenderedPage(png, answer["width"], answer["height"], answer["text"], answer["words"])


def detect_ole_kind(path: str | Path, *, memory_bytes: int = MEMORY_BYTES) -> str | None:
    """Return the kind of an OLE container (old Office formats); None if it is none that is parsed. Takes about 10 ms.

    Raises ParseError or ParserCrashed.
    """
    answer = run_task("ole", path, {}, seconds=LOOK_S, memory_bytes=memory_bytes)[0]
    return None if answer["kind"] is None else str(answer["kind"])


def detect_format(path: str | Path, name: str, *, memory_bytes: int = MEMORY_BYTES) -> str:
    """Return the kind of an uploaded file, a key of FORMATS. OLE containers are opened in a child process.

    Raises ParseError, which names the format of a file that cannot be parsed, or ParserCrashed.
    """
    return detection.detect_format(path, name, partial(detect_ole_kind, memory_bytes=memory_bytes))


def probe_confinement(*, memory_bytes: int = MEMORY_BYTES) -> Confinement:
    """Start a child process and return how the system confines it. Takes about 10 ms.

    Raises OSError, ParseError or ParserCrashed if no child can be started.
    """
    answer = run_task("probe", os.devnull, {}, seconds=LOOK_S, memory_bytes=memory_bytes)[0]
    return Confinement(answer["network_errno"], answer["memory_limited"], answer["files_errno"], answer["tcp_closed"])


def _explain_end(reader: fork_client.ForkedChild, errors: IO[bytes]) -> Exception:
    """Return the exception for a child that ended without its last answer."""
    code = reader.code()
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 2000))
    stderr = errors.read().decode(errors="replace").strip()
    log.warning("A reader ended with %s: %s", code, stderr)
    if code in {-signal.SIGXCPU, -signal.SIGKILL}:
        return ParseError(TOO_SLOW)
    if any(words in stderr for words in _OUT_OF_MEMORY) or "out of memory" in stderr.lower():
        return ParseError(TOO_LARGE)
    return ParseError(CRASHED) if code is not None and code < 0 else ParserCrashed(PARSER_FAILED)
