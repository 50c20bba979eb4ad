"""The log: nothing in it can be changed or taken away, and what was changed all the same is found."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from apps.safety.audit_log import audit
from apps.safety.models import AuditEntry, Snapshot
from apps.users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries() -> list[AuditEntry]:
    audit.install_triggers()
    return [audit.record_event("read", subject=f"case {number}", why="a test") for number in range(3)]


def test_entries_are_numbered_without_a_gap_and_each_holds_the_hash_of_the_one_before(
    entries: list[AuditEntry],
) -> None:
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert entries[0].previous_sha256 == audit.FIRST_SIGNATURE
    assert [entry.previous_sha256 for entry in entries[1:]] == [entry.sha256 for entry in entries[:-1]]
    assert audit.verify_chain() == []


def test_the_database_forbids_changes(entries: list[AuditEntry]) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.update(kind="other")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.filter(seq=3).delete()
    snapshot = Snapshot.objects.create(stage="question", text="as it was", sha256="0" * 64)
    with pytest.raises(DatabaseError), transaction.atomic():
        Snapshot.objects.filter(pk=snapshot.pk).update(text="otherwise")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE safety_event SET subject = 'case 9' WHERE seq = 2", "Entry 2 was changed."),
        ("DELETE FROM safety_event WHERE seq = 2", "Entries 2 to 2 are missing."),
    ],
)
def test_audit_log_change_past_the_triggers_is_found(entries: list[AuditEntry], statement: str, words: str) -> None:
    names = ("no_update", "no_delete") if connection.vendor == "sqlite" else ("no_change",)
    on = "" if connection.vendor == "sqlite" else " ON safety_event"
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TRIGGER safety_event_{name}{on}")
        cursor.execute(statement)
    assert words in audit.verify_chain()


def test_an_entry_goes_with_the_transaction_that_it_belongs_to(alice: User) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit.record_event("read", actor=alice)
        _ = 1 / 0
    assert not AuditEntry.objects.exists()
