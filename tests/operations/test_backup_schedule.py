"""Scheduled backups: made by the worker, checked, pruned to the newest; shown by the Doctor."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from apps.documents.ingestion import worker
from apps.operations.backups import creation, database_dump, schedule, status
from apps.operations.backups.errors import BackupError
from apps.operations.doctor import backup_checks
from apps.operations.doctor.system_checks import CheckState
from tests.factories import make_user
from tests.operations.installation import client_programs
from tests.support.env_reading import read_env

# The copy of the database is made on a connection of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _scheduled(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BACKUP_DIR, settings.BACKUP_HOURS, settings.BACKUP_KEEP = tmp_path / "backups", 24, 2
    settings.SNAPSHOT_KEYS = tmp_path / "snapshot_keys"
    settings.SNAPSHOT_KEYS.write_text("a key\n")
    if connection.vendor == "postgresql":
        monkeypatch.setenv("PATH", client_programs(), prepend=os.pathsep)


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Callable[[int], None]:
    """Return a function that makes one scheduled backup with that number in its name, at any time."""

    def make(number: int) -> None:
        path = settings.BACKUP_DIR / f"{schedule.PREFIX}{number}.tar"
        monkeypatch.setattr(creation, "get_default_path", lambda prefix: path)
        status.get_status_path().unlink(missing_ok=True)
        schedule.run_scheduled()

    return make


def age(name: str, **ago: float) -> None:
    status.update_status(**{name: (timezone.now() - timedelta(**ago)).isoformat()})


def found(settings: Settings) -> list[str]:
    return sorted(path.name.removeprefix(schedule.PREFIX) for path in Path(settings.BACKUP_DIR).iterdir())


def test_a_due_backup_is_made_and_its_restore_checked(settings: Settings) -> None:
    make_user("alice")
    assert schedule.is_due()
    schedule.run_scheduled()
    (path,) = schedule.list_scheduled_archives()
    kept = status.read_status()
    assert kept["backup"]["path"] == kept["check"]["path"] == str(path)
    assert kept["backup"]["size"] == path.stat().st_size and kept["check"]["reason"] == ""
    assert found(settings) == [
        path.name.removeprefix(schedule.PREFIX),
        f"{path.name.removeprefix(schedule.PREFIX)}.keys",
    ]
    assert not schedule.is_due()


def test_the_schedule_waits_its_hours_and_an_hour_after_an_attempt(settings: Settings) -> None:
    age("scheduled", hours=23)
    assert not schedule.is_due()
    age("scheduled", hours=25)
    assert schedule.is_due()
    age("tried", minutes=50)
    assert not schedule.is_due()
    age("tried", minutes=70)
    assert schedule.is_due()
    settings.BACKUP_HOURS = 0
    assert not schedule.is_due()


def test_the_sweep_of_the_worker_does_not_wait_for_the_backup(monkeypatch: pytest.MonkeyPatch) -> None:
    from assistant.celery import app

    app.finalize()
    assert schedule.start_due_backup in worker.periodic_jobs
    let, ended = threading.Event(), threading.Event()

    def run() -> None:
        let.wait(30)
        ended.set()

    monkeypatch.setattr(schedule, "run_scheduled", run)
    schedule.start_due_backup()
    assert not ended.is_set()
    let.set()
    assert ended.wait(30)
    age("scheduled", hours=1)
    ended.clear()
    schedule.start_due_backup()
    assert not ended.wait(0.2)


def test_scheduled_backup_is_skipped_while_another_runs(settings: Settings) -> None:
    with creation.hold_backup_lock():
        schedule.run_scheduled()
    assert not Path(settings.BACKUP_DIR).exists() and status.read_status() == {}


def test_the_newest_stay_with_their_keys_and_backups_made_by_hand_too(
    settings: Settings, named: Callable[[int], None]
) -> None:
    creation.make_backup(settings.BACKUP_DIR / "openbook-20200101T000000Z.tar")
    for number in (1, 2, 3):
        named(number)
    assert found(settings) == [
        "2.tar", "2.tar.keys", "3.tar", "3.tar.keys", "openbook-20200101T000000Z.tar",
        "openbook-20200101T000000Z.tar.keys",
    ]  # fmt: skip


def test_old_backup_is_kept_until_a_newer_one_was_verified(
    settings: Settings, named: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    named(1)
    named(2)
    with monkeypatch.context() as patched:

        def damage(*_: Any) -> None:
            raise BackupError("The copy of the database is damaged.")

        patched.setattr(database_dump, "check_copy", damage)
        named(3)
    assert found(settings)[::2] == ["1.tar", "2.tar", "3.tar"]
    assert status.read_status()["check"]["reason"] == "The copy of the database is damaged."
    named(4)
    assert found(settings)[::2] == ["3.tar", "4.tar"]


def test_leftovers_of_a_killed_backup_are_removed_by_the_next(settings: Settings, named: Callable[[int], None]) -> None:
    left = settings.BACKUP_DIR / f".{schedule.PREFIX}0.tar{creation.PART}"
    left.mkdir(parents=True)
    (left / "archive").write_bytes(b"half")
    named(1)
    assert found(settings) == ["1.tar", "1.tar.keys"]


def test_a_failure_is_noted_and_the_next_success_ends_it(settings: Settings) -> None:
    Path(settings.BACKUP_DIR).write_text("in the way")
    schedule.run_scheduled()
    assert "exists" in status.read_status()["failure"]["reason"] and not schedule.is_due()
    Path(settings.BACKUP_DIR).unlink()
    status.update_status(tried="")
    schedule.run_scheduled()
    assert "failure" not in status.read_status()


def test_a_backup_that_does_not_hold_its_rows_fails_its_check(settings: Settings, named: Callable[[int], None]) -> None:
    named(1)
    (path,) = schedule.list_scheduled_archives()
    content = path.read_bytes()
    schedule.check_archive(path)
    path.write_bytes(content.replace(b'"users": 0', b'"users": 7'))
    if connection.vendor == "sqlite":
        with pytest.raises(BackupError, match=r"holds .* rows instead of"):
            schedule.check_archive(path)
    path.write_bytes(content[:2000] + b"?" + content[2001:])
    with pytest.raises(BackupError, match="is damaged"):
        schedule.check_archive(path)
    assert found(settings) == ["1.tar", "1.tar.keys"]


def test_the_doctor_warns_while_there_is_no_backup(settings: Settings) -> None:
    told = backup_checks.check_backups()
    assert told.state == CheckState.WARN and "There is no backup yet" in told.message and "worker" in told.advice
    settings.BACKUP_HOURS = 0
    assert "BACKUP_HOURS" in backup_checks.check_backups().advice


def test_the_doctor_names_the_last_backup_and_its_restore_check(settings: Settings) -> None:
    schedule.run_scheduled()
    told = backup_checks.check_backups()
    (path,) = schedule.list_scheduled_archives()
    assert (
        told.state == CheckState.GOOD and str(path) in told.message and "A test restore of it succeeded" in told.message
    )
    creation.make_backup(settings.BACKUP_DIR / "by-hand.tar")
    told = backup_checks.check_backups()
    assert "by-hand.tar" in told.message and "The last test restore succeeded" in told.message


@pytest.mark.parametrize(
    ("hours", "days", "state"), [(24, 1.9, "good"), (24, 2.1, "warn"), (0, 6, "good"), (0, 8, "warn")]
)
def test_the_doctor_warns_of_a_backup_that_is_too_old(settings: Settings, hours: int, days: float, state: str) -> None:
    settings.BACKUP_HOURS = hours
    at = (timezone.now() - timedelta(days=days)).isoformat()
    status.update_status(backup={"path": "/backups/a.tar", "size": 1, "at": at})
    assert backup_checks.check_backups().state == state


def test_the_doctor_tells_a_failed_attempt_and_a_failed_restore_check() -> None:
    now = timezone.now().isoformat()
    status.update_status(backup={"path": "/backups/a.tar", "size": 1, "at": now})
    status.update_status(failure={"at": now, "reason": "The disk of /backups is full."})
    told = backup_checks.check_backups()
    assert told.state == CheckState.WARN and "failed: The disk of /backups is full." in told.message
    status.update_status(check={"path": "/backups/a.tar", "at": now, "reason": "b is missing."})
    told = backup_checks.check_backups()
    assert told.state == CheckState.BAD and "The test restore of /backups/a.tar failed: b is missing." in told.message


def test_settings_that_cannot_be_right_are_refused() -> None:
    for name, value in (("BACKUP_HOURS", "-1"), ("BACKUP_KEEP", "0")):
        with pytest.raises(ImproperlyConfigured, match=f"^{name} is '{value}'"):
            read_env({name: value})
    assert read_env({"BACKUP_HOURS": "24", "BACKUP_KEEP": "1"}).BACKUP_HOURS == 24
