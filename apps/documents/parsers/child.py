"""The child process in which files are read: limits itself, does one task, writes JSON lines, and ends.

It is started by `apps.documents.sandbox`, with the file as standard input and no Django. Whatever a hostile file
does to a parser, it does it here: without network, children or files to write, and killed as a group.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any

import orjson

_FILE = "/dev/stdin"
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_PDEATHSIG, _NO_NEW_PRIVS = 1, 38
_WRITES = 16 * 1024 * 1024  # bytes of a temporary file
_FILES = 64


def confine(seconds: int, memory_bytes: int) -> None:
    """This process cannot outlive its parent, use more than it may, start another, or (if possible) reach a network."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.unshare(_NEW_USER | _NEW_NET)
    for what, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, _WRITES),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def parse(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from apps.documents.parsers import FORMATS
    from apps.documents.parsers.base import Limits, ParsedPage, Title, Total

    parser = importlib.import_module(FORMATS[options["kind"]].module).parse
    for item in parser(_FILE, Limits(options["pages"], options["characters"])):
        match item:
            case Total(pages):
                yield {"total": pages}
            case Title(text):
                yield {"title": text}
            case ParsedPage():
                pieces = [(piece.kind, piece.level, piece.start, piece.end) for piece in item.pieces]
                yield {"page": item.number, "text": item.text, "size": (item.width, item.height), "pieces": pieces}


def render(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from apps.documents.parsers.render import render_page

    yield render_page(_FILE, options["page"], options["width"], options["spans"])


TASKS = {"parse": parse, "render": render}


def main() -> None:
    options = orjson.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # what a native library prints never mixes with the answers
    confine(options["seconds"], options["memory_bytes"])
    from apps.documents.parsers.base import Unreadable

    try:
        for item in TASKS[options["task"]](options):
            answers.write(orjson.dumps(item) + b"\n")
            answers.flush()
        answers.write(b'{"end":true}\n')
    except Unreadable as error:
        answers.write(orjson.dumps({"unreadable": str(error)}) + b"\n")
    except MemoryError:
        answers.write(b'{"memory":true}\n')
    answers.flush()
    os._exit(0)  # nothing is tidied up: a library's own shutdown is one more chance to hang


if __name__ == "__main__":
    main()
