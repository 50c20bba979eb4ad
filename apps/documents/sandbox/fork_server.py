"""The process from which readers are forked: it has the parsers imported and never opens a file.

Starting Python and importing a parser takes up to 0.4 s; a fork of this process takes 5 ms. Usual parsers are imported
after the first file, while no other waits. `apps.documents.sandbox.fork_client` starts it with one socket as standard
input. For each file it sends the length of the request with four descriptors (the file, where answers and errors go,
and a leash), then the request. The child of each fork confines itself, does its one task and ends, so nothing passes
from one file to the next. Its exit code comes back over the leash; who lets go of the leash kills it. When the socket
closes, everything here ends.
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

from apps.documents.parsing.formats import FORMATS
from apps.documents.sandbox import child_process
from apps.lib import os_compat

MAX_REQUEST_BYTES = 1 << 17  # bytes of a request, at most
EXIT_CODE = struct.Struct("i")
REQUEST_LENGTH = struct.Struct(
    "I"
)  # precedes each request: no socket of macOS both keeps messages apart and reports its end
_DESCRIPTORS = 4
PRELOADED_KINDS = ("pdf", "docx", "html", "markdown")  # kinds whose readers are imported before they are asked for


class ForkServer:
    """One thread, which waits for requests, for the ends of children, and for leashes that are let go."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._asked = False  # to read a file, ever
        self._later: list[str] = []  # kinds whose readers are imported while nobody waits
        self._children: dict[int, socket.socket] = {}  # pid -> leash
        self._selector = selectors.DefaultSelector()
        self._ended, wake = os.pipe()
        os.set_blocking(self._ended, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake)
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(self._ended, selectors.EVENT_READ)

    def serve(self) -> None:
        while True:
            found = self._selector.select(0 if self._later and not self._children else None)
            if not found and self._later:
                _import({"task": "parse", "kind": self._later.pop(0)})
            for key, _ in found:
                if key.fileobj is self._control:
                    if not self._take():
                        return
                elif key.fileobj == self._ended:
                    self._reap()
                elif key.data in self._children:
                    self._let_go(key.data)

    def kill_all(self) -> None:
        for pid in self._children:
            _kill(pid)

    def _take(self) -> bool:
        """One request is a child; False where nobody is left to ask."""
        words, descriptors = self._receive()
        if not words:
            return False
        options = orjson.loads(words)
        if not self._asked:
            self._later, self._asked = list(PRELOADED_KINDS), True
        _import(options)
        gc.freeze()  # so that the children share its memory
        born = os.fork()
        if not born:
            _live(options, descriptors)
        with suppress(OSError):  # on macOS it fails where the child has ended already
            # As the child does itself: whoever is first, it can be killed as a group from now on.
            os.setpgid(born, born)
        *others, leash = descriptors
        for descriptor in others:
            os.close(descriptor)
        self._children[born] = socket.socket(fileno=leash)
        self._selector.register(self._children[born], selectors.EVENT_READ, born)
        return True

    def _receive(self) -> tuple[bytes, list[int]]:
        """Return the next request and its descriptors; an empty one when the socket was closed."""
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
            leash = self._children.pop(pid)
            self._unwatch(leash)
            with suppress(OSError):  # nobody wants to know any more
                leash.send(EXIT_CODE.pack(os.waitstatus_to_exitcode(status)))
            leash.close()

    def _let_go(self, pid: int) -> None:
        """The other end of its leash was let go: the child is killed, and its end comes by the usual way."""
        self._unwatch(self._children[pid])
        _kill(pid)

    def _unwatch(self, leash: socket.socket) -> None:
        if leash.fileno() in self._selector.get_map():
            self._selector.unregister(leash)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it ended by itself and waits to be reaped
        os.killpg(pid, signal.SIGKILL)


# Of the tasks that need no parser of a format, those whose module is worth importing before the fork.
_MODULES = {"render": "apps.documents.parsing.page_rendering", "ole": "apps.documents.parsing.office.ole_container"}


def _import(options: dict[str, Any]) -> None:
    """The parser that is wanted is imported here, once, rather than in each child."""
    task = options["task"]
    name = FORMATS[options["kind"]].module if task == "parse" else _MODULES.get(task, "")
    name = options["module"] if task == "read" else name
    if name:
        with suppress(ImportError, OSError):  # the child meets the same and says so
            importlib.import_module(name)


def _live(options: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """The child: nothing of its parent's is left to it but the modules."""
    try:
        parent = os.getppid()
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for at, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, at)
        for descriptor in os_compat.list_open_descriptors():
            if descriptor > sys.stderr.fileno():
                with suppress(OSError):  # the one with which they were listed
                    os.close(descriptor)
        os.chdir(options["folder"])
        os.environ.update(TMPDIR=options["folder"], HOME=options["folder"])
        tempfile.tempdir = None
        child_process.execute_task(options, parent)
    finally:  # reached only where it broke
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)


def main() -> None:
    gc.disable()
    with socket.socket(fileno=os.dup(0)) as control:
        nursery = ForkServer(control)
        try:
            nursery.serve()
        finally:
            nursery.kill_all()


if __name__ == "__main__":
    main()
