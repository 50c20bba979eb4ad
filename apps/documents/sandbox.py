"""Parsing and rendering in a child process that can be killed, from the parent's side.

The child gets the file as its standard input (opened here, never following a link), an empty environment and a
temporary folder, limits itself (`parsers/child.py`), and answers with lines of JSON. It is killed with its whole group
when it takes too long, falls silent, says too much, or is no longer wanted.
"""

from __future__ import annotations

import base64
import logging
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import orjson
from django.conf import settings

from apps.documents.parsers.base import Unreadable

log = logging.getLogger(__name__)

SILENCE_S = 25  # without a word from the child, and it is taken for stuck
POLL_S = 0.2  # how often the caller is asked whether it still wants the answer
MAX_OUTPUT = 256 * 1024 * 1024
RENDER_S = 20
_READ = 1 << 18

TOO_SLOW = (
    "Reading this file took too long. It may be damaged, or made to keep programs busy; save it again or split it."
)
TOO_LARGE = "Reading this file needs more memory than is allowed here. Split it into smaller files."
CRASHED = "The reader crashed on this file: it is damaged. Save it again in its own program and upload that."
OUR_FAULT = "The reader failed on this file through a fault of its own. The log of the worker has the details."


class ReaderBroke(Exception):
    """A fault of the parser, not of the file; the message is fit for the file's owner."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """`boxes` are left, top, width, height in fractions of the page, one for each line of each span."""

    png: bytes
    width: int
    height: int
    boxes: list[list[float]]


def stream(
    task: str, path: str | Path, options: dict[str, Any], *, seconds: int, memory_bytes: int
) -> Generator[dict[str, Any] | None, None, None]:
    """What the child answers, one object a line; None whenever nothing came for a moment. Closing it kills the child.

    Raises Unreadable (the file) or ReaderBroke (the parser).
    """
    words = orjson.dumps({"task": task, "seconds": seconds, "memory_bytes": memory_bytes, **options}).decode()
    with tempfile.TemporaryDirectory(prefix="reader-") as folder, tempfile.TemporaryFile() as errors:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            child = subprocess.Popen(
                [sys.executable, "-X", "utf8", "-m", "apps.documents.parsers.child", words],
                stdin=file, stdout=subprocess.PIPE, stderr=errors, cwd=folder, start_new_session=True,
                env={"PYTHONPATH": str(settings.BASE_DIR), "TMPDIR": folder, "HOME": folder},
            )  # fmt: skip
        try:
            yield from _answers(child, seconds, errors)
        finally:
            _kill(child)


def run(
    task: str, path: str | Path, options: dict[str, Any], *, seconds: int, memory_bytes: int
) -> list[dict[str, Any]]:
    """All answers of the child."""
    found = stream(task, path, options, seconds=seconds, memory_bytes=memory_bytes)
    return [answer for answer in found if answer is not None]


def render(path: str | Path, page: int, width: int, spans: list[list[int]]) -> Rendered:
    """The page as an image `width` pixels wide. Takes a fraction of a second: cache it.

    Raises Unreadable or ReaderBroke.
    """
    options = {"page": page, "width": width, "spans": spans}
    answer = run("render", path, options, seconds=RENDER_S, memory_bytes=settings.PARSE_MEMORY_BYTES)[0]
    return Rendered(base64.b64decode(answer["png"]), answer["width"], answer["height"], answer["boxes"])


def _answers(
    child: subprocess.Popen[bytes], seconds: int, errors: IO[bytes]
) -> Generator[dict[str, Any] | None, None, None]:
    stdout = cast(IO[bytes], child.stdout)
    deadline = time.monotonic() + seconds
    heard, size, rest = time.monotonic(), 0, b""
    while True:
        if not select.select([stdout], [], [], POLL_S)[0]:
            now = time.monotonic()
            if now > deadline or now > heard + SILENCE_S:
                raise Unreadable(TOO_SLOW)
            yield None
            continue
        data = os.read(stdout.fileno(), _READ)
        heard, size = time.monotonic(), size + len(data)
        if not data:
            raise _reason(child, errors)
        if size > MAX_OUTPUT:
            raise Unreadable(TOO_LARGE)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            answer = orjson.loads(line)
            if "end" in answer:
                return
            if "unreadable" in answer:
                raise Unreadable(answer["unreadable"])
            if "memory" in answer:
                raise Unreadable(TOO_LARGE)
            yield answer
        if heard > deadline:
            raise Unreadable(TOO_SLOW)


def _reason(child: subprocess.Popen[bytes], errors: IO[bytes]) -> Exception:
    """Why a child that ended without its last word did so."""
    code = child.wait()
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 2000))
    said = errors.read().decode(errors="replace").strip()
    log.warning("A reader ended with %s: %s", code, said)
    if code in {-signal.SIGXCPU, -signal.SIGKILL}:
        return Unreadable(TOO_SLOW)
    if "MemoryError" in said or "bad_alloc" in said or "out of memory" in said.lower():
        return Unreadable(TOO_LARGE)
    return Unreadable(CRASHED) if code < 0 else ReaderBroke(OUR_FAULT)


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout:
        child.stdout.close()
