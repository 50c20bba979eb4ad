"""Client of the fork server: start it on first use, restart it if it died, and have it fork a child per file."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from apps.reading.sandbox.fork_server import EXIT_CODE, MAX_REQUEST_BYTES, REQUEST_LENGTH

_ROOT = Path(__file__).parents[3]  # folder that holds `apps/`
_END_S = 10  # seconds until a killed child is surely gone


@dataclass(slots=True)
class ForkedChild:
    """Child process that parses one file. `output` is the descriptor of its output.

    The exit code arrives on `exit_socket`; closing that kills the child.
    """

    output: int
    exit_socket: socket.socket

    def code(self) -> int | None:
        """Return the exit code of an ended child, or its signal negated; None if the server died, or after _END_S."""
        self.exit_socket.settimeout(_END_S)
        try:
            status = self.exit_socket.recv(EXIT_CODE.size)
        except TimeoutError:
            status = b""
        return int(EXIT_CODE.unpack(status)[0]) if len(status) == EXIT_CODE.size else None

    def kill(self) -> None:
        """Kill the child, wait for its end, and close the descriptors."""
        with self.exit_socket, suppress(OSError):
            self.exit_socket.shutdown(socket.SHUT_WR)
            self.exit_socket.settimeout(_END_S)
            self.exit_socket.recv(EXIT_CODE.size)
        os.close(self.output)


class _ForkServerProcess:
    """Process that runs `fork_server.py`, and the socket to it."""

    def __init__(self) -> None:
        self._control, server_end = socket.socketpair()
        with server_end:
            self._process = subprocess.Popen(
                [sys.executable, "-X", "utf8", "-m", "apps.reading.sandbox.fork_server"],
                stdin=server_end.fileno(), stdout=subprocess.DEVNULL, cwd="/", start_new_session=True,
                env={"PYTHONPATH": str(_ROOT), "HOME": "/"},
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, words: bytes, descriptors: list[int]) -> None:
        socket.send_fds(self._control, [REQUEST_LENGTH.pack(len(words))], descriptors)
        self._control.sendall(words)

    def close(self) -> None:
        self._control.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_lock = threading.Lock()
_server: _ForkServerProcess | None = None


def fork_child(words: bytes, file: int, errors: int) -> ForkedChild:
    """Fork a child that reads the descriptor `file`, with `words` as its request. Errors are written to `errors`.

    Restarts a dead server once. Thread-safe. Raises OSError.
    """
    if len(words) > MAX_REQUEST_BYTES:
        raise OSError("This is more than a reader can be asked at once.")
    parent_end, child_end = socket.socketpair()
    output_read, output_write = os.pipe()
    try:
        with child_end:
            _send(words, [file, output_write, errors, child_end.fileno()])
    except BaseException:
        parent_end.close()
        os.close(output_read)
        raise
    finally:
        os.close(output_write)
    return ForkedChild(output_read, parent_end)


def stop_server() -> None:
    """Stop the fork server; the next file starts another. Thread-safe."""
    global _server
    with _lock:
        if _server is not None:
            _server.close()
            _server = None


def _send(words: bytes, descriptors: list[int]) -> None:
    global _server
    with _lock:
        for last in (False, True):
            if _server is None:
                _server = _ForkServerProcess()
            try:
                return _server.send(words, descriptors)
            except OSError:
                _server.close()
                _server = None
                if last:
                    raise


atexit.register(stop_server)
