"""Locks of an installation during set-up, and of a data directory while Openbook runs from it.

The system releases a lock when its process ends, however it ends. Standard library only.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from assistant.boot import preflight
from assistant.boot.console import print_line
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import IS_CLONE, ROOT, Layout

RUNNING = "running.lock"  # in the data directory


@contextmanager
def lock_setup(layout: Layout) -> Iterator[None]:
    """Hold the lock of packages, models and database; wait for another set-up of this installation to end."""
    is_writable = IS_CLONE and os.access(ROOT, os.W_OK)  # else nothing is installed there
    path = ROOT / ".setup.lock" if is_writable else layout.data / "setup.lock"
    preflight.check_writable(path.parent, "The folder of Openbook" if is_writable else "DATA_DIR")
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print_line("Another set-up is running; waiting until it has finished.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def lock_data(layout: Layout, *, shared: bool = False) -> int:
    """Return a descriptor that holds the data directory until it is closed. Raise BootError if Openbook runs there.

    `shared`: single processes, which run beside each other and keep the lock when they become another program.
    """
    preflight.check_writable(layout.data, "DATA_DIR")
    descriptor = os.open(layout.data / RUNNING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.set_inheritable(descriptor, shared)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise BootError(
            ExitCode.RUNNING,
            f"Openbook is already running with {layout.data}; stop it, or set DATA_DIR to another folder.",
        ) from error
    return descriptor
