"""The log: nothing in it can be changed or taken away, and what was changed all the same is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.privacy import tasks
from apps.safety import audit, heads
from apps.safety.models import Event, Snapshot
from apps.users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries() -> list[Event]:
    audit.install()
    return [audit.record("read", subject=f"case {number}", why="a test") for number in range(3)]


def test_entries_are_numbered_without_a_gap_and_each_holds_the_hash_of_the_one_before(entries: list[Event]) -> None:
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert entries[0].before == audit.FIRST
    assert [entry.before for entry in entries[1:]] == [entry.sha256 for entry in entries[:-1]]
    assert audit.verify() == []


def test_the_database_forbids_changes(entries: list[Event]) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Event.objects.update(kind="other")
    with pytest.raises(DatabaseError), transaction.atomic():
        Event.objects.filter(seq=3).delete()
    shot = Snapshot.objects.create(stage="question", text="as it was", sha256="0" * 64)
    with pytest.raises(DatabaseError), transaction.atomic():
        Snapshot.objects.filter(pk=shot.pk).update(text="otherwise")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE safety_event SET subject = 'case 9' WHERE seq = 2", "Entry 2 was changed."),
        ("DELETE FROM safety_event WHERE seq = 2", "Entries 2 to 2 are missing."),
    ],
)
def test_what_was_changed_past_the_triggers_is_found(entries: list[Event], statement: str, words: str) -> None:
    names = ("no_update", "no_delete") if connection.vendor == "sqlite" else ("no_change",)
    on = "" if connection.vendor == "sqlite" else " ON safety_event"
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TRIGGER safety_event_{name}{on}")
        cursor.execute(statement)
    assert words in audit.verify()


def test_a_log_that_was_rewritten_as_a_whole_is_not_the_one_that_was_written_down(
    entries: list[Event], settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    assert heads.note in tasks.worker.chores
    heads.note()
    heads.note()
    assert [json.loads(line)["seq"] for line in heads.file().read_text().splitlines()] == [3]
    audit.record("read", subject="case 4")
    assert audit.verify() + heads.verify() == []
    heads.file().write_text(heads.file().read_text() + "{cut of")
    assert heads.verify() == []
    names = ("no_update",) if connection.vendor == "sqlite" else ("no_change",)
    on = "" if connection.vendor == "sqlite" else " ON safety_event"
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TRIGGER safety_event_{name}{on}")
    before = audit.FIRST
    for entry in Event.objects.order_by("seq"):
        entry.subject, entry.before = "nothing", before
        before = entry.sha256 = entry.digest()
        entry.save()
    assert audit.verify() == []
    [words] = heads.verify()
    assert "another entry 3" in words


def test_an_empty_log_has_no_head(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    heads.note()
    assert not heads.file().exists() and heads.verify() == []


def test_an_entry_goes_with_the_transaction_that_it_belongs_to(alice: User) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit.record("read", actor=alice)
        _ = 1 / 0
    assert not Event.objects.exists()
