"""Checks that this machine can run Openbook, made before anything is downloaded.

Entry point: `check_machine`. Each check takes milliseconds and raises BootError with one sentence that says what to do.
"""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import platform
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import IS_CLONE, ROOT, VENV, Layout

PYTHON_FROM, PYTHON_BEFORE = (3, 11), (3, 14)
GLIBC = (2, 31)  # oldest version that all wheels of the model server support
GIB = 1 << 30
# Measured on x86-64 with the versions of constraints.txt and rounded up; uv links files of its cache if it can.
PACKAGES_BYTES = 4 * GIB  # with the model server: 2.7 GiB, and space for unpacking
PACKAGES_WITHOUT_SERVER_BYTES = 5 * GIB // 2  # 1.8 GiB
MODELS_BYTES = GIB  # the chat model: 93 MB as a wheel, 98 MB unpacked, 270 MB converted
RUNNING_BYTES = GIB // 4  # below this a database and an index can no longer be written safely
LLM_MEMORY_BYTES = 9 * GIB // 2  # llm 3.1 GiB with a cache of 1 GiB, web 0.5, worker 0.4, measured
MEMORY_BYTES = GIB * 3 // 2  # web and worker alone, measured
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
NO_VENV = (
    "This Python cannot create environments; on Debian and Ubuntu, install the package python3-venv and run again."
)
_ELSEWHERE = "set LLM_URL to a model server elsewhere and run again."
_SUPPORTED = {("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")}


def check_machine(layout: Layout, *, installs: bool, serves: bool, stores: bool = True) -> None:
    """Run every check that can refuse this machine. Raise BootError for the first that does.

    `installs`: packages are missing; `stores`: models and data are written; `serves`: the processes start afterwards.
    """
    check_python()
    check_platform()
    if installs and IS_CLONE:
        check_environment_support()
        check_writable(ROOT, "The folder of Openbook")
        needed = PACKAGES_BYTES if layout.own_llm else PACKAGES_WITHOUT_SERVER_BYTES
        check_disk(ROOT, GIB if (VENV / "openbook.stamp").exists() else needed, "for the packages")
    if not stores:
        return
    check_writable(layout.data, "DATA_DIR")
    models_due = layout.own_llm and not (layout.model / "config.json").exists()
    check_disk(layout.data, MODELS_BYTES if models_due else RUNNING_BYTES, "for models" if models_due else "to run")
    if serves:
        check_reachability(layout.host, layout.site_url)
        check_port(layout.host, layout.port, "PORT")
        if layout.own_llm:
            check_port("127.0.0.1", layout.llm_port, "LLM_PORT (or LLM_URL, if it is a model server of yours)")
    if layout.own_llm:
        check_processor()
        check_library("libnuma.so.1", "libnuma1 (Debian, Ubuntu) or numactl-libs (Fedora, RHEL)")
        check_memory(
            LLM_MEMORY_BYTES, "Openbook with its model server needs", f"close other programs, or {_ELSEWHERE}", serves
        )
    else:
        check_memory(MEMORY_BYTES, "Openbook needs", "close other programs and run again.", serves)


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> None:
    """Raise BootError unless Python is 3.11, 3.12 or 3.13."""
    if not PYTHON_FROM <= version[:2] < PYTHON_BEFORE:
        found = ".".join(map(str, version))
        raise BootError(ExitCode.PYTHON, f"Openbook needs Python 3.11, 3.12 or 3.13, and this is {found}; set PYTHON.")


def check_environment_support() -> None:
    """Raise BootError if this Python lacks the module that creates virtual environments."""
    if importlib.util.find_spec("ensurepip") is None:
        raise BootError(ExitCode.PYTHON, NO_VENV)


def check_platform(
    system: str = sys.platform, machine: str = platform.machine(), libc: tuple[str, str] | None = None
) -> None:
    """Raise BootError if packages have no builds: other systems and processors, Linux without a recent glibc."""
    machine = {"AMD64": "x86_64", "amd64": "x86_64"}.get(machine, machine)
    if (system, machine) not in _SUPPORTED:
        raise BootError(
            ExitCode.CPU,
            f"Openbook runs on Linux (x86-64, ARM64) and on macOS (ARM64), and this is {system} on {machine}; "
            "use one of these, or a container.",
        )
    name, version = libc or platform.libc_ver()
    found = f"{name} {version}".strip() or "another C library"
    if system == "linux" and (name != "glibc" or tuple(map(int, version.split(".")[:2])) < GLIBC):
        raise BootError(
            ExitCode.CPU,
            f"Openbook needs glibc 2.31 or later, and this has {found}; use Debian 11, Ubuntu 20.04, RHEL 9 or later.",
        )


def check_processor(
    system: str = sys.platform, machine: str = platform.machine(), info: Path = Path("/proc/cpuinfo")
) -> None:
    """Raise BootError if the packaged model server cannot run: on macOS, and on x86-64 without AVX2."""
    if system != "linux":
        raise BootError(ExitCode.CPU, f"The packaged model server runs on Linux only; {_ELSEWHERE}")
    try:
        flags = next((line for line in info.read_text().splitlines() if line.startswith("flags")), None)
    except OSError:
        return
    if machine in {"x86_64", "AMD64"} and flags is not None and "avx2" not in flags.split():
        raise BootError(ExitCode.CPU, f"This processor has no AVX2, which the model server needs; {_ELSEWHERE}")


def check_library(name: str, package: str) -> None:
    """Raise BootError if the system lacks a library that the model server is linked with."""
    try:
        ctypes.CDLL(name)
    except OSError as error:
        raise BootError(
            ExitCode.LIBRARY,
            f"The model server needs the system's library {name}: install the package {package}, or {_ELSEWHERE}",
        ) from error


def check_disk(
    folder: Path, needed: int, purpose: str, statvfs: Callable[[Path], os.statvfs_result] = os.statvfs
) -> None:
    """Raise BootError unless `needed` bytes are free where `folder` is or will be."""
    while not folder.exists():
        folder = folder.parent
    state = statvfs(folder)
    free = state.f_bavail * state.f_frsize
    if free < needed:
        have, want = f"{free / GIB:.1f}", f"{needed / GIB:.1f}"
        raise BootError(
            ExitCode.DISK,
            f"The disk is too full {purpose}: {want} GiB are needed in {folder} and {have} are free; free some space "
            "and run again.",
        )


def check_writable(folder: Path, label: str) -> None:
    """Create `folder` and write a probe file into it. Raise BootError if either fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise BootError(ExitCode.DISK, f"The disk is full: nothing can be written to {folder}.") from error
        reason = error.strerror or str(error)
        raise BootError(ExitCode.CONFIGURATION, f"{label} {folder} cannot be written to: {reason}.") from error


def check_memory(needed: int, who: str, remedy: str, free_now: bool, info: Path = Path("/proc/meminfo")) -> None:
    """Raise BootError unless `needed` bytes are available now (`free_now`) or installed at all."""
    field = "MemAvailable" if free_now else "MemTotal"
    try:
        line = next(line for line in info.read_text().splitlines() if line.startswith(field))
    except (OSError, StopIteration):
        return  # another system: the size of its memory is not known
    there = int(line.split()[1]) * 1024
    if there < needed:
        state = "free" if free_now else "installed"
        raise BootError(
            ExitCode.MEMORY,
            f"{who} {needed / GIB:.1f} GiB of memory and {there / GIB:.1f} are {state}; {remedy}",
        )


def check_port(host: str, number: int, variable: str) -> None:
    """Raise BootError unless this user may listen on the port. `variable` is the setting that chooses another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            raise BootError(ExitCode.PORT, _describe_port_error(error, host, number, variable)) from error


def _describe_port_error(error: OSError, host: str, number: int, variable: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {number} is in use by another program; stop it, or set {variable} to a free port."
    if error.errno == errno.EACCES:
        return f"Port {number} may be opened only by the system's administrator; set {variable} to a port above 1023."
    reason = error.strerror or error
    return f"Nothing can listen on {host} port {number} ({reason}); set HOST to an address of this machine."


def check_reachability(host: str, site_url: str) -> None:
    """Raise BootError if other machines can reach the page and SITE_URL does not say by which address."""
    if host not in LOOPBACK and not site_url:
        raise BootError(
            ExitCode.CONFIGURATION,
            f"HOST is {host}, so other machines can reach the page: set SITE_URL to the address that users will open, "
            "for example http://this-machine:8000.",
        )
