"""Readers from the side of who wants a file read: each is a fork of one warm process.

It starts on first use, and again where it ended.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings

from apps.documents.parsers.nursery import CODE, LENGTH, MESSAGE

_END_S = 10  # until a killed reader is surely gone


@dataclass(slots=True)
class Reader:
    """A child that reads one file. `answers` is the descriptor from which to read what it says."""

    answers: int
    leash: socket.socket

    def code(self) -> int | None:
        """How it ended, once it has: an exit code, or the negated signal; None where nobody is left to know."""
        self.leash.settimeout(_END_S)
        try:
            said = self.leash.recv(CODE.size)
        except TimeoutError:
            said = b""
        return int(CODE.unpack(said)[0]) if len(said) == CODE.size else None

    def kill(self) -> None:
        """It is gone, whatever it was doing."""
        with self.leash, suppress(OSError):
            self.leash.shutdown(socket.SHUT_WR)
            self.leash.settimeout(_END_S)
            self.leash.recv(CODE.size)
        os.close(self.answers)


class _Nursery:
    """The process in which `parsers/nursery.py` runs, and the socket to it."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-X", "utf8", "-m", "apps.documents.parsers.nursery"],
                stdin=theirs.fileno(), stdout=subprocess.DEVNULL, cwd="/", start_new_session=True,
                env={"PYTHONPATH": str(settings.BASE_DIR), "HOME": "/"},
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, words: bytes, descriptors: list[int]) -> None:
        socket.send_fds(self._control, [LENGTH.pack(len(words))], descriptors)
        self._control.sendall(words)

    def close(self) -> None:
        self._control.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_lock = threading.Lock()
_nursery: _Nursery | None = None


def fork(words: bytes, file: int, errors: int) -> Reader:
    """A reader of `file`, told what to do by `words`; it writes what goes wrong to `errors`. Raises OSError."""
    if len(words) > MESSAGE:
        raise OSError("This is more than a reader can be asked at once.")
    ours, theirs = socket.socketpair()
    answers, said = os.pipe()
    try:
        with theirs:
            _send(words, [file, said, errors, theirs.fileno()])
    except BaseException:
        ours.close()
        os.close(answers)
        raise
    finally:
        os.close(said)
    return Reader(answers, ours)


def close() -> None:
    """No process waits for files any more; the next file starts one."""
    global _nursery
    with _lock:
        if _nursery is not None:
            _nursery.close()
            _nursery = None


def _send(words: bytes, descriptors: list[int]) -> None:
    global _nursery
    with _lock:
        for last in (False, True):
            if _nursery is None:
                _nursery = _Nursery()
            try:
                return _nursery.send(words, descriptors)
            except OSError:
                _nursery.close()
                _nursery = None
                if last:
                    raise


atexit.register(close)
