"""Tests that a failing periodic job is logged, tried again and reported by the system check."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.lib import periodic_jobs
from apps.operations.doctor import job_checks
from apps.operations.doctor.system_checks import CheckState


@pytest.fixture(autouse=True)
def _alone(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.DATA_DIR = str(tmp_path)
    monkeypatch.setattr(periodic_jobs, "WRITE_S", 0)
    periodic_jobs.clear_records()
    yield
    periodic_jobs.clear_records()


def fail(role: str = "worker", name: str = "purge", period_s: float = 5.0) -> None:
    with periodic_jobs.guard_job(role, name, period_s):
        raise KeyError("what nobody has foreseen")


def succeed(role: str = "worker", name: str = "purge", period_s: float = 5.0) -> None:
    with periodic_jobs.guard_job(role, name, period_s):
        pass


def test_job_exception_is_logged_with_its_trace_once_and_then_by_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        fail()
        fail()
    first, second = caplog.records
    assert first.exc_info and "what nobody has foreseen" in first.getMessage() and "purge" in first.getMessage()
    assert not second.exc_info and "what nobody has foreseen" in second.getMessage()


def test_system_exit_passes_the_guard_of_a_job() -> None:
    with pytest.raises(SystemExit), periodic_jobs.guard_job("worker", "purge", 5.0):
        raise SystemExit


def test_a_job_that_succeeds_again_is_overdue_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    fail()
    assert periodic_jobs.find_overdue(now + 60) == []
    late = periodic_jobs.find_overdue(now + 200)
    assert [(one.role, one.name) for one in late] == [("worker", "purge")] and "KeyError" in late[0].error
    monkeypatch.setattr(time, "time", lambda: now + 190)
    succeed()
    assert periodic_jobs.find_overdue(now + 200) == []


def test_the_doctor_names_the_job_that_did_not_run_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert job_checks.check_periodic_jobs().state == CheckState.WARN
    now = time.time()
    succeed("web", "ask queued questions")
    fail()
    found = job_checks.check_periodic_jobs()
    assert found.state == CheckState.GOOD and "2 periodic jobs" in found.message
    monkeypatch.setattr(time, "time", lambda: now + 310)
    succeed("web", "ask queued questions")
    fail()
    found = job_checks.check_periodic_jobs()
    assert found.state == CheckState.BAD and "1 periodic job is overdue" in found.message
    assert "purge (worker) for 5 minutes" in found.message and "what nobody has foreseen" in found.message


def test_a_process_that_runs_no_more_is_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    succeed("worker")
    periodic_jobs.clear_records()  # the process is gone, and its notes are there
    monkeypatch.setattr(time, "time", lambda: now + 310)
    assert job_checks.check_periodic_jobs().state == CheckState.BAD


def test_a_disk_that_takes_no_notes_ends_no_job(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "jobs").write_text("in the way")
    succeed()
    assert "could not be noted" in caplog.text
