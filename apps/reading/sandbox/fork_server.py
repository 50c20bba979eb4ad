"""Process from which children are forked: it has the parsers imported and never opens a file itself.

Starting Python and importing a parser takes up to 0.4 s; a fork of this process takes 5 ms. The parsers of common
formats are imported after the first request, while no child runs.

`fork_client.py` starts it with one socket as standard input, the control socket. For each file the client sends the
length of the request with four descriptors, then the request. The descriptors are the file, one for answers, one for
errors, and the exit socket. The forked child confines itself, does one task and ends, so nothing passes from one file
to the next. Its exit code is sent over the exit socket; if the client closes that, the child is killed. When the
control socket closes, all children are killed and the server ends.
"""

from __future__ import annotations

import gc
import importlib
import os
import selectors
import signal
import socket
import struct
import sys
import tempfile
from contextlib import suppress
from typing import Any, NoReturn

import orjson

from apps.lib import os_compat
from apps.reading.parsing.formats import FORMATS
from apps.reading.sandbox import child_process

MAX_REQUEST_BYTES = 1 << 17  # bytes of a request, at most
EXIT_CODE = struct.Struct("i")
# Precedes each request: on macOS no type of socket both keeps messages apart and reports its end.
REQUEST_LENGTH = struct.Struct("I")
_DESCRIPTORS = 4  # passed with each request
PRELOADED_KINDS = ("pdf", "docx", "html", "markdown")  # kinds whose parsers are imported in advance


class ForkServer:
    """Server with a single thread that waits for requests, for ends of children, and for closed exit sockets."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._had_request = False  # True after the first request
        self._later: list[str] = []  # kinds whose parsers are imported while no child runs
        self._children: dict[int, socket.socket] = {}  # pid -> exit socket
        self._selector = selectors.DefaultSelector()
        self._ended, wake = os.pipe()
        os.set_blocking(self._ended, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake)
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(self._ended, selectors.EVENT_READ)

    def serve(self) -> None:
        """Serve requests until the control socket is closed."""
        while True:
            events = self._selector.select(0 if self._later and not self._children else None)
            if not events and self._later:
                _import({"task": "parse", "kind": self._later.pop(0)})
            for key, _ in events:
                if key.fileobj is self._control:
                    if not self._take():
                        return
                elif key.fileobj == self._ended:
                    self._reap()
                elif key.data in self._children:
                    self._let_go(key.data)

    def kill_all(self) -> None:
        """Kill all children."""
        for pid in self._children:
            _kill(pid)

    def _take(self) -> bool:
        """Fork a child for one request. Return False if the client closed the socket."""
        words, descriptors = self._receive()
        if not words:
            return False
        options = orjson.loads(words)
        if not self._had_request:
            self._later, self._had_request = list(PRELOADED_KINDS), True
        _import(options)
        gc.freeze()  # so that the children share its memory
        born = os.fork()
        if not born:
            _run_child(options, descriptors)
        with suppress(OSError):  # on macOS it fails where the child has ended already
            # The child does so too; whichever comes first, it can be killed as a group from now on.
            os.setpgid(born, born)
        *others, exit_socket = descriptors
        for descriptor in others:
            os.close(descriptor)
        self._children[born] = socket.socket(fileno=exit_socket)
        self._selector.register(self._children[born], selectors.EVENT_READ, born)
        return True

    def _receive(self) -> tuple[bytes, list[int]]:
        """Return the next request and its descriptors; an empty request if the socket was closed."""
        header, descriptors, _, _ = socket.recv_fds(self._control, REQUEST_LENGTH.size, _DESCRIPTORS)
        missing, words = REQUEST_LENGTH.unpack(header)[0] if header else 0, b""
        while missing:
            part = self._control.recv(missing)
            if not part:
                return b"", []
            words, missing = words + part, missing - len(part)
        return words, descriptors

    def _reap(self) -> None:
        os.read(self._ended, 4096)
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            exit_socket = self._children.pop(pid)
            self._unwatch(exit_socket)
            with suppress(OSError):  # the client has closed its end
                exit_socket.send(EXIT_CODE.pack(os.waitstatus_to_exitcode(status)))
            exit_socket.close()

    def _let_go(self, pid: int) -> None:
        """Kill the child whose exit socket was closed; `_reap` then notices its end."""
        self._unwatch(self._children[pid])
        _kill(pid)

    def _unwatch(self, exit_socket: socket.socket) -> None:
        if exit_socket.fileno() in self._selector.get_map():
            self._selector.unregister(exit_socket)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it ended by itself and was not reaped yet
        os.killpg(pid, signal.SIGKILL)


# Modules worth importing before the fork, for tasks that need no parser of a format.
_MODULES = {"render": "apps.reading.parsing.page_rendering", "ole": "apps.reading.parsing.office.ole_container"}


def _import(options: dict[str, Any]) -> None:
    """Import the module that the request needs, here and once, rather than in each child."""
    task = options["task"]
    name = FORMATS[options["kind"]].module if task == "parse" else _MODULES.get(task, "")
    name = options["module"] if task == "read" else name
    if name:
        with suppress(ImportError, OSError):  # the child fails in the same way and reports it
            importlib.import_module(name)


def _run_child(options: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Run the child: replace its descriptors, environment and signal handlers, and execute the task."""
    try:
        parent = os.getppid()
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for at, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, at)
        for descriptor in os_compat.list_open_descriptors():
            if descriptor > sys.stderr.fileno():
                with suppress(OSError):  # the descriptor with which they were listed is closed already
                    os.close(descriptor)
        os.chdir(options["folder"])
        os.environ.update(TMPDIR=options["folder"], HOME=options["folder"])
        tempfile.tempdir = None
        child_process.execute_task(options, parent)
    finally:  # reached only after an unexpected exception
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)


def main() -> None:
    """Serve the socket at standard input."""
    gc.disable()
    with socket.socket(fileno=os.dup(0)) as control:
        server = ForkServer(control)
        try:
            server.serve()
        finally:
            server.kill_all()


if __name__ == "__main__":
    main()
