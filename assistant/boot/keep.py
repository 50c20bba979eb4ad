"""Runs a command and starts it again whenever it ends: `python -m assistant.boot.keep NAME -- COMMAND …`.

The command gets a process group of its own. Before it is started again, and at the end, the whole group is killed,
because some programs leave children behind when they die (a model server its engine, which holds the memory and the
port). SIGTERM, SIGINT or SIGHUP to the keeper end the command: politely first, by force after `GRACE_S`. The command
dies with the keeper even if that is killed by force, and the keeper ends when the process named in KEEP_WHILE does.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
HEALTHY_S = 30.0  # a command that ran this long starts again without delay
GRACE_S = 6.0  # Celery takes 4 to 5 s to end even when idle
_PDEATHSIG, _CHILD_SUBREAPER = 1, 36  # prctl options, linux/prctl.h
_ENDINGS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_libc = ctypes.CDLL(None, use_errno=True)


class Keeper:
    """One command, kept running until it is told to end. Linux only; use it as the main thread of a process."""

    def __init__(self, name: str, command: list[str], folder: Path | None = None, owner: int = 0) -> None:
        self.name, self.command = name, command
        self._record = folder / f"{name}.json" if folder else None
        self._ending = False
        self._owner = os.pidfd_open(owner) if owner else -1
        self._wakeup, self._written = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> int:
        """Returns when it was told to end and nothing of the command is left."""
        _libc.prctl(_CHILD_SUBREAPER, 1)  # children of a dead command become ours, so that they can be reaped
        signal.set_wakeup_fd(self._written)
        for number in _ENDINGS:
            signal.signal(number, self._note)
        self._kill_leftovers()
        wait = FIRST_WAIT_S
        while True:
            started = time.monotonic()
            child = self._start()
            self._watch(child)
            kill_group(child.pid)
            if self._ending:
                break
            if time.monotonic() - started >= HEALTHY_S:
                wait = FIRST_WAIT_S
            self._say(f"{ended(child.returncode)}; starting again in {wait:g} s")
            self._pause(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)
        if self._record:
            self._record.unlink(missing_ok=True)
        return 0

    def _note(self, number: int, frame: object) -> None:
        self._ending = True

    def _start(self) -> subprocess.Popen[bytes]:
        keeper = os.getpid()

        def bind() -> None:
            _libc.prctl(_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:  # the keeper died in between
                os._exit(1)

        child = subprocess.Popen(self.command, process_group=0, preexec_fn=bind)
        if self._record:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            self._record.write_text(json.dumps({"group": child.pid, "session": os.getsid(0), "boot": _boot()}))
        return child

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        """Returns when the command has ended, by itself or because the keeper was told to end."""
        descriptor = os.pidfd_open(child.pid)
        deadline: float | None = None
        try:
            while descriptor not in self._ready(deadline, descriptor):
                if deadline is not None and time.monotonic() >= deadline:
                    os.killpg(child.pid, signal.SIGKILL)
                elif self._ending and deadline is None:
                    child.terminate()
                    deadline = time.monotonic() + GRACE_S
        finally:
            os.close(descriptor)
        child.wait()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._ending and time.monotonic() < until:
            self._ready(until)

    def _ready(self, until: float | None, *descriptors: int) -> list[int]:
        """Sleeps until a descriptor is ready, a signal came, the owner is gone, or it is that late."""
        poll = select.poll()
        for descriptor in (self._wakeup, *descriptors):
            poll.register(descriptor, select.POLLIN)
        if self._owner >= 0:
            poll.register(self._owner, select.POLLIN)
        timeout = None if until is None else max(0.0, until - time.monotonic()) * 1000 + 1
        ready = [descriptor for descriptor, _ in poll.poll(timeout)]
        if self._wakeup in ready:
            os.read(self._wakeup, 512)
        if self._owner in ready:
            self._ending = True
            os.close(self._owner)
            self._owner = -1
        return ready

    def _kill_leftovers(self) -> None:
        """Ends what an earlier keeper of this name left behind when it was killed by force."""
        if self._record is None or not self._record.exists():
            return
        try:
            left = json.loads(self._record.read_text())
        except ValueError:
            return
        if left.get("boot") == _boot() and any(_belongs(pid, left) for pid in _processes()):
            self._say("a former run left processes behind; ending them")
            kill_group(left["group"])

    def _say(self, words: str) -> None:
        sys.stderr.write(f"{self.name}: {words}\n")
        sys.stderr.flush()


def kill_group(group: int, within_s: float = 5.0) -> bool:
    """Whether nothing of the process group is left."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return True
        try:
            while os.waitpid(-group, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        time.sleep(0.02)
    return False


def ended(code: int) -> str:
    """How a command ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _belongs(pid: int, left: dict[str, int]) -> bool:
    """Group and session agree: a number that was given out anew belongs to another session."""
    try:
        return os.getpgid(pid) == left["group"] and os.getsid(pid) == left["session"]
    except ProcessLookupError:
        return False


def main(arguments: list[str]) -> int:
    name, dashes, *command = arguments
    if dashes != "--" or not command:
        raise SystemExit("usage: python -m assistant.boot.keep NAME -- COMMAND …")
    data = os.environ.get("DATA_DIR")
    owner = int(os.environ.get("KEEP_WHILE", "0"))
    return Keeper(name, command, Path(data) / "run" if data else None, owner).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
