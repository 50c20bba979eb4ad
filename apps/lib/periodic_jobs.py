"""Records of the periodic jobs of a process: `guard_job` logs and suppresses their errors and records the last success.

The records of a role ("web", "worker") are one small JSON file in DATA_DIR, which the system check reads by
`find_overdue`. If several processes share a role, the last write counts, as one working process is enough. Nothing is
scheduled here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.lib import json_file

log = logging.getLogger(__name__)

PERIODS = 3  # missed, before a job counts as overdue ...
GRACE_S = 60  # ... and seconds on top, for a long round and for WRITE_S
WRITE_S = 10  # seconds between two writes of the file, where no job changes between success and failure


@dataclass(slots=True)
class PeriodicJob:
    """State of one job of this process.

    `period_s` is in seconds, `since` in seconds since 1970; `error` is "" after a success.
    """

    period_s: float
    since: float  # the last success; before it, the first start
    error: str = ""


@dataclass(frozen=True, slots=True)
class OverdueJob:
    """Job that has not succeeded for `silent_s` seconds, more than `PERIODS` periods. `error` is "" if none was
    raised."""

    role: str
    name: str
    silent_s: float
    error: str


_lock = threading.Lock()
_jobs: dict[str, dict[str, PeriodicJob]] = {}  # role -> name -> job
_written: dict[str, float] = {}


@contextmanager
def guard_job(role: str, name: str, period_s: float) -> Iterator[None]:
    """Run the block as one round of a job of this role, every `period_s` seconds. Record success or failure.

    An Exception is logged and suppressed, with its trace unless the last round raised the same one. Other
    BaseExceptions pass through.
    """
    with _lock:
        job = _jobs.setdefault(role, {}).setdefault(name, PeriodicJob(period_s, time.time()))
    try:
        yield
    except Exception as error:  # any at all: a job that fails must not end the others
        words = f"{type(error).__name__}: {error}"
        is_repeated = words == job.error
        log.error(
            "The job %s of the %s process failed and is tried again: %s", name, role, words, exc_info=not is_repeated
        )
        _note(role, job, words)
    else:
        _note(role, job, "", time.time())


def find_overdue(now: float | None = None) -> list[OverdueJob]:
    """Return the overdue jobs of every role in DATA_DIR. `now` is in seconds since 1970; None: the current time."""
    now = now or time.time()
    found = []
    for path in sorted(_folder().glob("*.json")):
        for name, job in json_file.read_json(path).items():
            silent = now - job["since"]
            if silent > PERIODS * job["period_s"] + GRACE_S:
                found.append(OverdueJob(path.stem, name, silent, job["error"]))
    return found


def count_jobs() -> int:
    """Return how many jobs of all roles are recorded in DATA_DIR."""
    return sum(len(json_file.read_json(path)) for path in _folder().glob("*.json"))


def clear_records() -> None:
    """Clear the records in the memory of this process; the files stay. For tests and for a forked process."""
    with _lock:
        _jobs.clear()
        _written.clear()


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "jobs"


def _note(role: str, job: PeriodicJob, error: str, success: float | None = None) -> None:
    with _lock:
        changed, job.error = bool(job.error) != bool(error), error
        job.since = success or job.since
        if not changed and time.monotonic() - _written.get(role, -WRITE_S) < WRITE_S:
            return
        _written[role] = time.monotonic()
        content: dict[str, Any] = {name: asdict(one) for name, one in _jobs[role].items()}
        try:
            _folder().mkdir(mode=0o700, exist_ok=True)
            json_file.write_json(_folder() / f"{role}.json", content)
        except OSError as problem:  # a full disk must not end a job either
            log.warning("When periodic jobs ran could not be noted: %s", problem)
