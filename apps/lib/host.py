"""Call what Linux offers and other POSIX systems lack, with the nearest substitute there.

The one place for such differences; callers need no branch. Each function finds out by itself whether the system has
the call. Uses no Django, so that readers of files and the supervisor may import it.

psutil takes 30 ms to import, and readers need none of it: the functions that use it import it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
from pathlib import Path

MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - a file system in memory; Linux only
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_PROCESSOR = Path("/proc/cpuinfo")
_PDEATHSIG, _CHILD_SUBREAPER, _NO_NEW_PRIVS = 1, 36, 38  # options of prctl, linux/prctl.h
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000  # flags of unshare, linux/sched.h
_ARENA_MAX = -8  # option of mallopt, malloc.h of glibc


def count_usable_cores() -> int:
    """Return how many cores this process may use; elsewhere than on Linux all cores of the machine."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def get_processor_flags() -> frozenset[str]:
    """Return the names of the processor's features as Linux gives them; an empty set elsewhere."""
    try:
        lines = _PROCESSOR.read_text().splitlines()
    except OSError:
        return frozenset()
    listed = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))  # x86, ARM
    return frozenset(next(listed, "").split())


def get_available_memory() -> int:
    """Return how many bytes of memory programs can still take without swapping."""
    import psutil

    return psutil.virtual_memory().available


def limit_malloc_arenas(count: int) -> None:
    """Let all threads share `count` arenas of glibc's allocator; without effect on other C libraries."""
    mallopt = _find_c_function("mallopt")
    if mallopt is not None:
        mallopt(_ARENA_MAX, count)


def release_free_memory() -> bool:
    """Give memory that glibc's allocator holds free back to the system. Return whether there was any; False elsewhere.

    Takes about a millisecond for each megabyte on a busy machine, in which other threads may wait for memory.
    """
    malloc_trim = _find_c_function("malloc_trim")
    return bool(malloc_trim is not None and malloc_trim(ctypes.c_size_t(0)))


def list_open_descriptors() -> list[int]:
    """Return the open file descriptors of this process, and the closed one with which they were listed."""
    return [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208 - names, no paths


def get_reopenable_path(descriptor: int) -> str:
    """Return a path that opens the file of a descriptor anew, at its beginning.

    `/dev/fd/N` does so on Linux; on macOS it duplicates the descriptor with its position, and the file's own path is
    taken.
    """
    get_path = getattr(fcntl, "F_GETPATH", None)
    if get_path is None:
        return f"/dev/fd/{descriptor}"
    return os.fsdecode(fcntl.fcntl(descriptor, get_path, bytes(1024)).rstrip(b"\0"))


def is_running(pid: int) -> bool:
    """Return whether the process exists and has not ended; a zombie has."""
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # of another user, whose processes the system hides
        return True


def open_pidfd(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends; None where there is none, or no such process."""
    pidfd_open = getattr(os, "pidfd_open", None)  # of Linux 5.3
    try:
        return pidfd_open(pid) if pidfd_open else None
    except OSError:
        return None


def get_boot_id() -> str:
    """Return a text that is another after each start of the machine."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def get_pid_namespace() -> int:
    """Return the number of the namespace in which process ids count, as containers have; 0 where there are none."""
    try:
        return _PID_NAMESPACE.stat().st_ino
    except OSError:
        return 0


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends; Linux only."""
    _prctl(_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends; elsewhere than on Linux the first process does."""
    _prctl(_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """Let no program that this process starts gain privileges by setuid or the like; Linux only."""
    _prctl(_NO_NEW_PRIVS, 1)


def leave_network() -> int:
    """Move this process, which must have one thread, to a network namespace where it reaches nothing.

    Return 0, or the errno of the refusal: ENOSYS where the system has no namespaces, and usually EPERM or ENOSPC where
    it forbids them to ordinary users.
    """
    unshare = _find_c_function("unshare")
    if unshare is None:
        return errno.ENOSYS
    return ctypes.get_errno() if unshare(_NEW_USER | _NEW_NET) else 0


def _prctl(option: int, value: int) -> None:
    prctl = _find_c_function("prctl")
    if prctl is not None:
        prctl(option, *(ctypes.c_ulong(argument) for argument in (value, 0, 0, 0)))


def _find_c_function(name: str) -> ctypes._NamedFuncPointer | None:
    function: ctypes._NamedFuncPointer | None = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    return function
