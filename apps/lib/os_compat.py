"""Calls of Linux with the nearest substitute on other POSIX systems, so that callers need no branch.

Each function finds out by itself whether the system has the call. Uses no Django, so that document parsers and the
supervisor may import it.

psutil takes 30 ms to import, and document parsers do not need it: the functions that use it import it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - a file system in memory; Linux only
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_PROCESSOR = Path("/proc/cpuinfo")
_PDEATHSIG, _CHILD_SUBREAPER, _NO_NEW_PRIVS = 1, 36, 38  # options of prctl, linux/prctl.h
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000  # flags of unshare, linux/sched.h
_LANDLOCK_CREATE, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT = 444, 445, 446  # system calls of every processor
_WRITE_FILE, _READ_FILE, _READ_FOLDER, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14  # rights, linux/landlock.h
LANDLOCK_TCP, _LANDLOCK_SCOPES = 4, 6  # versions that first restrict TCP, and signals and abstract sockets
_ALL_FILES = (1 << 13) - 1  # the rights of the first version
_ARENA_MAX = -8  # option of mallopt, malloc.h of glibc


def count_usable_cores() -> int:
    """Return how many cores this process may use; elsewhere than on Linux all cores of the machine."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def adds_bfloat16_products() -> bool:
    """Return whether the processor has instructions for products in bfloat16: AMX, or AVX-512 as of AMD's Zen 4."""
    return not get_processor_flags().isdisjoint({"amx_bf16", "avx512_bf16"})


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
    except psutil.AccessDenied:  # a process of another user, which the system hides
        return True


def open_pidfd(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends; None if there is none, or no such process."""
    pidfd_open = getattr(os, "pidfd_open", None)  # of Linux 5.3
    try:
        return pidfd_open(pid) if pidfd_open else None
    except OSError:
        return None


def get_boot_id() -> str:
    """Return a text that changes with each boot of the machine."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def get_pid_namespace() -> int:
    """Return the number of the pid namespace of this process (containers have their own); 0 on systems without
    namespaces."""
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

    Return 0, or the errno of the refusal: ENOSYS on systems without namespaces, and usually EPERM or ENOSPC where
    ordinary users may not create them.
    """
    unshare = _find_c_function("unshare")
    if unshare is None:
        return errno.ENOSYS
    return ctypes.get_errno() if unshare(_NEW_USER | _NEW_NET) else 0


def restrict_files(readable: Iterable[str | int], writable: Iterable[str]) -> int:
    """Allow this process, which must have one thread, to open files only below `readable` and, also for writing, below
    `writable`.

    Holds for the rest of its life. `readable` has paths or file descriptors. Missing paths are skipped. Call
    `forbid_new_privileges` first.

    Also refuse connections and servers by TCP (from Linux 6.7), and signals and abstract sockets to other processes
    (from 6.12). Named sockets and UDP stay open. Return 0, or the errno of the refusal: ENOSYS before Linux 5.13 and on
    other systems, EOPNOTSUPP where it is switched off.
    """
    version, syscall = get_landlock_version(), _find_c_function("syscall")
    if syscall is None or not version:
        return ctypes.get_errno() or errno.ENOSYS
    files = _ALL_FILES | (_TRUNCATE if version >= 3 else 0)
    handled = struct.pack("QQQ", files, 3 if version >= LANDLOCK_TCP else 0, 3 if version >= _LANDLOCK_SCOPES else 0)
    size = 24 if version >= _LANDLOCK_SCOPES else 16 if version >= LANDLOCK_TCP else 8
    ruleset = syscall(_LANDLOCK_CREATE, handled, size, 0)
    if ruleset < 0:
        return ctypes.get_errno()
    try:
        for rights, places in ((_READ_FILE | _READ_FOLDER, readable), (files, writable)):
            for place in places:
                _allow_below(syscall, ruleset, place, rights)
        return ctypes.get_errno() if syscall(_LANDLOCK_RESTRICT, ruleset, 0) else 0
    finally:
        os.close(ruleset)


def get_landlock_version() -> int:
    """Return the version of Landlock that the kernel offers; 0 if it has none."""
    syscall = _find_c_function("syscall") if sys.platform == "linux" else None
    return max(0, syscall(_LANDLOCK_CREATE, None, 0, 1)) if syscall is not None else 0


def _allow_below(syscall: ctypes._NamedFuncPointer, ruleset: int, place: str | int, rights: int) -> None:
    try:
        descriptor = os.dup(place) if isinstance(place, int) else os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _READ_FILE | _WRITE_FILE
        syscall(_LANDLOCK_ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _prctl(option: int, value: int) -> None:
    prctl = _find_c_function("prctl")
    if prctl is not None:
        prctl(option, *(ctypes.c_ulong(argument) for argument in (value, 0, 0, 0)))


def _find_c_function(name: str) -> ctypes._NamedFuncPointer | None:
    function: ctypes._NamedFuncPointer | None = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    return function
