"""Supervisor that restarts a command whenever it ends: `python -m assistant.boot.supervisor NAME -- COMMAND …`.

The command gets its own process group. The supervisor kills the whole group before each restart and at the end, because
some programs leave children behind. The engine of a model server, for example, keeps memory and port. SIGTERM, SIGINT
or SIGHUP to the supervisor end the command: first by SIGTERM, after `GRACE_S` by SIGKILL. The web process has
DRAIN_SECONDS on top for its running answers; the model server, which writes them, is ended after it.

The supervisor also ends with the process whose id is in SUPERVISE_WHILE. If the supervisor is killed, its command dies
with it on Linux; on other systems the next supervisor of the same name kills the command.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from apps.lib import os_compat
from assistant.boot.layout import read_drain_s

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
HEALTHY_S = 30.0  # a command that ran this long starts again without delay
GRACE_S = 6.0  # Celery takes 4 to 5 s to end even when idle
_OTHER_CHECK_S = 0.1
OWNER_CHECK_S = 1.0  # seconds between two checks of the owner, if the system does not report its end
CLOSING_S = 10.0  # seconds that the web process has on top of DRAIN_SECONDS
AFTER = {"llm": "web"}  # supervised commands that end after another one
_ENDINGS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class Supervisor:
    """Supervisor of one command, which it restarts until told to end. Use it in the main thread of a process.

    `folder` holds a record by which the next supervisor of this name finds leftover processes; None for no record.
    `owner` is the id of a process whose end ends the supervisor; 0 for none. `grace_s` is the time in seconds between
    SIGTERM and SIGKILL; None for `GRACE_S`.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        folder: Path | None = None,
        owner: int = 0,
        grace_s: float | None = None,
    ) -> None:
        self.name, self.command = name, command
        self._grace_s = GRACE_S if grace_s is None else grace_s
        self._record = folder / f"{name}.json" if folder else None
        self._after = folder / f"{AFTER[name]}.json" if folder and name in AFTER else None
        self._ending = False
        self._owner = owner
        self._owner_descriptor = os_compat.open_pidfd(owner) if owner else None
        self._wakeup, self._written = os.pipe()  # receives a byte for each signal
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._written, False)

    def run(self) -> int:
        """Run the command until told to end; return 0 when no process of it is left."""
        os_compat.adopt_orphans()  # so that children of a dead command can be reaped
        signal.set_wakeup_fd(self._written, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in _ENDINGS:
            signal.signal(number, self._end)
        self._kill_leftovers()
        wait = FIRST_WAIT_S
        while True:
            started = time.monotonic()
            child = self._start()
            self._wait_for(child)
            kill_group(child.pid)
            if self._ending:
                break
            if time.monotonic() - started >= HEALTHY_S:
                wait = FIRST_WAIT_S
            self._log(f"{describe_exit(child.returncode)}; starting again in {wait:g} s")
            self._pause(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)
        if self._record:
            self._record.unlink(missing_ok=True)
        return 0

    def _end(self, *_: object) -> None:
        self._ending = True

    def _start(self) -> subprocess.Popen[bytes]:
        supervisor = os.getpid()

        def bind_to_supervisor() -> None:
            os_compat.die_with_parent()
            if os.getppid() != supervisor:  # the supervisor died in between
                os._exit(1)

        child = subprocess.Popen(self.command, process_group=0, preexec_fn=bind_to_supervisor)
        if self._record:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            record = {"group": child.pid, "session": os.getsid(0), "boot": os_compat.get_boot_id()}
            self._record.write_text(json.dumps(record))
        return child

    def _wait_for(self, child: subprocess.Popen[bytes]) -> None:
        """Return when the command has ended, or `grace_s` after it was told to end with the supervisor."""
        deadline: float | None = None
        while child.poll() is None:
            if deadline is not None and time.monotonic() >= deadline:
                return  # the caller kills its group
            if self._ending and deadline is None:
                self._wait_for_other(child)
                child.terminate()
                deadline = time.monotonic() + self._grace_s
            self._sleep(deadline)

    def _wait_for_other(self, child: subprocess.Popen[bytes]) -> None:
        """Return when the command that has to end before this one runs no more, or this one has ended itself."""
        until = time.monotonic() + get_grace_s("web")
        while self._after and _is_running(self._after) and child.poll() is None and time.monotonic() < until:
            time.sleep(_OTHER_CHECK_S)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._ending and time.monotonic() < until:
            self._sleep(until)

    def _sleep(self, until: float | None) -> None:
        """Return at a signal, at the end of the owner, or at that time of the monotonic clock; None for no limit."""
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        if self._owner and self._owner_descriptor is not None:
            poll.register(self._owner_descriptor, select.POLLIN)
        elif self._owner:
            check = time.monotonic() + OWNER_CHECK_S
            until = min(until, check) if until is not None else check
        timeout = None if until is None else max(0.0, until - time.monotonic()) * 1000 + 1
        ready = [descriptor for descriptor, _ in poll.poll(timeout)]
        if self._wakeup in ready:
            os.read(self._wakeup, 512)
        if self._owner and self._has_owner_ended(ready):
            self._ending, self._owner = True, 0

    def _has_owner_ended(self, ready: list[int]) -> bool:
        if self._owner_descriptor is not None:
            return self._owner_descriptor in ready
        return not os_compat.is_running(self._owner)

    def _kill_leftovers(self) -> None:
        """Kill the processes that a killed supervisor of this name left behind."""
        if self._record is None or not self._record.exists():
            return
        try:
            record = json.loads(self._record.read_text())
        except ValueError:
            return
        if record.get("boot") == os_compat.get_boot_id() and any(_belongs(pid, record) for pid in psutil.pids()):
            self._log("an earlier run left processes behind; stopping them")
            kill_group(record["group"])

    def _log(self, words: str) -> None:
        sys.stderr.write(f"{self.name}: {words}\n")
        sys.stderr.flush()


def kill_group(group: int, within_s: float = 5.0) -> bool:
    """Kill a process group and reap it; return whether none of its processes is left within that time."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # macOS refuses for a group that has only zombies
        try:
            while os.waitpid(-group, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        time.sleep(0.02)
    return False


def describe_exit(code: int) -> str:
    """Return in words how a command ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"


def get_grace_s(name: str) -> float:
    """Return the seconds between SIGTERM and SIGKILL for the command of that name."""
    return read_drain_s() + CLOSING_S if name == "web" else GRACE_S


def _is_running(record: Path) -> bool:
    """Return whether the command of the record runs."""
    try:
        found = json.loads(record.read_text())
    except (OSError, ValueError):  # no such command, or it starts at this moment
        return False
    return found.get("boot") == os_compat.get_boot_id() and os_compat.is_running(found["group"])


def _belongs(pid: int, record: dict[str, int]) -> bool:
    """Return whether the process is in the recorded group and session: a reused group number belongs to another
    session."""
    try:
        return os.getpgid(pid) == record["group"] and os.getsid(pid) == record["session"]
    except OSError:  # the process has ended, or the system hides its session
        return False


def main(arguments: list[str]) -> int:
    """Supervise the command after `--`; return 0 when it was told to end."""
    name, dashes, *command = arguments
    if dashes != "--" or not command:
        raise SystemExit("usage: python -m assistant.boot.supervisor NAME -- COMMAND …")
    data = os.environ.get("DATA_DIR")
    owner = int(os.environ.get("SUPERVISE_WHILE", "0"))
    return Supervisor(name, command, Path(data) / "run" if data else None, owner, get_grace_s(name)).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
