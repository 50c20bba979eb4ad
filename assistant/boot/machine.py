"""Whether this machine can run Openbook. Each check takes milliseconds and raises `Stop` where the answer is no."""

from __future__ import annotations

import errno
import os
import platform
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from assistant.boot.stop import Code, Stop

PYTHON_FROM, PYTHON_BEFORE = (3, 11), (3, 14)
GIB = 1 << 30
PACKAGES_BYTES = 6 * GIB  # the environment takes 4.3 GiB, and pip unpacks beside it
MODELS_BYTES = GIB  # the packaged model: 93 MB as a wheel, 98 MB unpacked, 270 MB converted
RUNNING_BYTES = GIB // 4  # below this a database and an index can no longer be written safely
LLM_MEMORY_BYTES = 4 * GIB  # web 0.6, worker 0.6, llm 2.3 GiB with a cache of 1 GiB, measured
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def python(version: tuple[int, ...] = sys.version_info[:3]) -> None:
    if not PYTHON_FROM <= version[:2] < PYTHON_BEFORE:
        found = ".".join(map(str, version))
        raise Stop(Code.PYTHON, f"Openbook needs Python 3.11, 3.12 or 3.13, and this is {found}; set PYTHON.")


def cpu(machine: str = platform.machine(), info: Path = Path("/proc/cpuinfo")) -> None:
    """The model server's build for x86-64 needs AVX2; other processors need a model server elsewhere."""
    elsewhere = "set LLM_URL to a model server on another machine and run again."
    if machine not in {"x86_64", "AMD64"}:
        raise Stop(Code.CPU, f"The packaged model server runs on x86-64, and this is {machine}; {elsewhere}")
    try:
        flags = next((line for line in info.read_text().splitlines() if line.startswith("flags")), None)
    except OSError:
        return  # not Linux: nothing to read, and nothing known against it
    if flags is not None and "avx2" not in flags.split():
        raise Stop(Code.CPU, f"This processor has no AVX2, which the model server needs; {elsewhere}")


def disk(folder: Path, needed: int, purpose: str, statvfs: Callable[[Path], os.statvfs_result] = os.statvfs) -> None:
    """Whether `needed` bytes are free where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.parent
    state = statvfs(folder)
    free = state.f_bavail * state.f_frsize
    if free < needed:
        have, want = f"{free / GIB:.1f}", f"{needed / GIB:.1f}"
        raise Stop(Code.DISK, f"The disk is too full {purpose}: {want} GiB are needed in {folder} and {have} are free.")


def writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Stop(Code.DISK, f"The disk is full: nothing can be written to {folder}.") from error
        reason = error.strerror or str(error)
        raise Stop(Code.CONFIGURATION, f"DATA_DIR {folder} cannot be written to: {reason}.") from error


def memory(needed: int, info: Path = Path("/proc/meminfo")) -> None:
    try:
        line = next(line for line in info.read_text().splitlines() if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return
    free = int(line.split()[1]) * 1024
    if free < needed:
        raise Stop(
            Code.MEMORY,
            f"The model server needs {needed / GIB:.0f} GiB of free memory and {free / GIB:.1f} are free; close other "
            "programs, or set LLM_URL to a model server elsewhere.",
        )


def port(host: str, number: int, variable: str) -> None:
    """Whether somebody may listen there; `variable` is what to set to choose another port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            raise Stop(Code.PORT, _port_words(error, host, number, variable)) from error


def _port_words(error: OSError, host: str, number: int, variable: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {number} is in use by another program; stop it, or set {variable} to a free port."
    if error.errno == errno.EACCES:
        return f"Port {number} may be opened only by the system's administrator; set {variable} to a port above 1023."
    return f"Nothing can listen on {host} port {number} ({error.strerror}); set HOST to an address of this machine."


def reachable(host: str, site_url: str) -> None:
    """Whether a server that others can reach also knows the name by which they call it."""
    if host not in LOOPBACK and not site_url:
        raise Stop(
            Code.CONFIGURATION,
            f"HOST is {host}, so other machines can reach the page: set SITE_URL to the address that people will type, "
            "for example http://this-machine:8000.",
        )
