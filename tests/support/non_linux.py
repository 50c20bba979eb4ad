"""Remove from a Python process what Linux has and macOS has not: `install()`, before any other import.

Attributes, C functions and files disappear, and a few calls behave as on macOS. `sys.platform` stays, because the
installed packages are those of Linux; psutil keeps its files, since it has an implementation for each system. Python
processes that such a process starts with `-m` are treated alike.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

_ATTRIBUTES: dict[Any, tuple[str, ...]] = {
    os: (
        "copy_file_range", "eventfd", "getrandom", "getxattr", "listxattr", "memfd_create", "pidfd_open", "pipe2",
        "posix_fadvise", "posix_fallocate", "sched_getaffinity", "sched_setaffinity", "setns", "setxattr", "splice",
        "unshare",
    ),
    select: ("epoll",),
    signal: ("pidfd_send_signal", "sigtimedwait", "sigwaitinfo"),
    socket: ("AF_NETLINK", "SOCK_CLOEXEC", "SOCK_NONBLOCK", "SOCK_SEQPACKET"),
}  # fmt: skip
_C_FUNCTIONS = {"prctl", "unshare", "mallopt", "malloc_trim", "syscall"}
_FILES = ("/proc", "/dev/shm", "/sys/", "/dev/stdin", "/dev/fd/")  # noqa: S108 - opening /dev/fd/N would share its position
_GET_PATH = 50  # value of F_GETPATH on macOS
_read_link = os.readlink


def install() -> None:
    """Remove and replace attributes, functions and files in this process."""
    for module, names in _ATTRIBUTES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    sys.addaudithook(_refuse_files)
    for name in ("stat", "lstat", "statvfs", "readlink"):
        setattr(os, name, _without_files(getattr(os, name)))
    fcntl.F_GETPATH = _GET_PATH  # type: ignore[attr-defined]
    for module, name, made in (
        (ctypes.CDLL, "__getattr__", _without_functions),
        (fcntl, "fcntl", _getting_paths),
        (resource, "setrlimit", _without_a_limit_on_memory),
        (os, "killpg", _refusing_zombies(PermissionError)),
        (os, "setpgid", _refusing_zombies(ProcessLookupError)),
        (subprocess.Popen, "__init__", _starting_likewise),
    ):
        setattr(module, name, made(getattr(module, name)))


def run_module(name: str) -> None:
    """Run the module as `python -m` would, after `install()`."""
    install()
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _without_functions(find: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(library: Any, name: str) -> Any:
        if name in _C_FUNCTIONS:
            raise AttributeError(name)
        return find(library, name)

    return wrapped


def _is_of_linux(path: object) -> bool:
    if isinstance(path, int) or not isinstance(path, str | bytes | os.PathLike):
        return False
    if not os.fsdecode(path).startswith(_FILES):
        return False
    frame = sys._getframe()
    while frame.f_back is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] == "psutil":
            return False
        frame = frame.f_back
    return True


def _refuse_files(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"open", "os.listdir", "os.scandir"} and arguments and _is_of_linux(arguments[0]):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), arguments[0])


def _without_files(call: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(path: Any, *rest: Any, **options: Any) -> Any:
        _refuse_files("open", (path,))
        return call(path, *rest, **options)

    return wrapped


def _getting_paths(call: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(descriptor: Any, command: int, argument: Any = 0) -> Any:
        if command != _GET_PATH:
            return call(descriptor, command, argument)
        return os.fsencode(_read_link(f"/proc/self/fd/{descriptor}")).ljust(len(argument), b"\0")

    return wrapped


def _without_a_limit_on_memory(call: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(kind: int, limits: tuple[int, int]) -> None:
        if kind == resource.RLIMIT_AS:
            raise ValueError("current limit exceeds maximum limit")
        call(kind, limits)

    return wrapped


def _refusing_zombies(error: type[OSError]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(pid: int, value: int) -> None:
            import psutil

            if psutil.pid_exists(pid) and psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                raise error
            call(pid, value)

        return wrapped

    return wrap


def _starting_likewise(call: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(self: Any, arguments: Any, *rest: Any, **options: Any) -> None:
        if isinstance(arguments, list) and "-m" in arguments and arguments[0] == sys.executable:
            at = arguments.index("-m")
            code = f"from tests.support import non_linux; non_linux.run_module({arguments[at + 1]!r})"
            arguments = [*arguments[:at], "-c", code, *arguments[at + 2 :]]
        call(self, arguments, *rest, **options)

    return wrapped
