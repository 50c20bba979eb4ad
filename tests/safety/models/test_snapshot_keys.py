"""Frozen texts are encrypted where they lie: by a key that can be changed, and without it nobody reads them."""

from __future__ import annotations

import json
import threading
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from apps.lib.db import encrypted_fields
from apps.operations.doctor import system_checks
from apps.privacy.tombstones import replace_with_tombstone
from apps.safety.analytics import training_labels
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry, Case, Snapshot, snapshot_keys
from apps.safety.moderation import cases
from apps.safety.policy_admin import backtest
from apps.users.models import User
from tests.factories import Notes, make_decision_input, make_note_case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("key_file")]
TEXT = "some [hate] text"


def stored(column: str = "text", table: str = "safety_snapshot") -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table}")  # noqa: S608 - both are ours
        return [row[0] for row in cursor.fetchall()]


def lose(key_file: Path) -> str:
    """The key is gone, and another one has taken its key_file."""
    old = key_file.read_text()
    key_file.write_text(f"{Fernet.generate_key().decode()}\n")
    return old


def test_snapshot_is_stored_encrypted_and_reads_as_before(alice: User, notes: Notes, key_file: Path) -> None:
    snapshot = make_note_case(alice).snapshot
    assert not any("hate" in text or "said before" in text for text in [*stored(), *stored("context")])
    found = Snapshot.objects.get(pk=snapshot.pk)
    assert (found.text, found.context[0]["text"], found.sha256) == (TEXT, "What was said before", snapshot.sha256)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert [row.text for row in backtest.past_verdicts(None, 10)] == [TEXT]


def test_an_empty_text_stays_empty_and_is_all_that_can_be_looked_for(alice: User, notes: Notes) -> None:
    snapshot = make_note_case(alice).snapshot
    assert Snapshot.objects.exclude(text="").get() == snapshot
    tombstone = replace_with_tombstone(snapshot)
    assert (stored(), stored("context")) == ([""], [""]) and Snapshot.objects.get(text="") == tombstone
    for wrong in ({"text": TEXT}, {"text__contains": "hate"}, {"context": [1]}):
        with pytest.raises(FieldError, match="encrypted"):
            Snapshot.objects.filter(**wrong).exists()


def test_a_new_key_encrypts_everything_and_the_trigger_is_there_again(
    alice: User, notes: Notes, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_keys, "_AT_ONCE", 2)
    for number in range(5):
        notes.state[str(number)] = "as it was"
        make_note_case(alice, str(number), text=f"text {number}")
    before, (old,) = stored(), encrypted_fields.list_key_lines()
    out = StringIO()
    call_command("rotate_snapshot_key", stdout=out)
    assert "5 rows" in out.getvalue() and not set(before) & set(stored())
    assert encrypted_fields.list_key_lines()[1:] == [old] and {row.text for row in Snapshot.objects.all()} == {
        f"text {number}" for number in range(5)
    }
    with pytest.raises(DatabaseError), transaction.atomic():
        Snapshot.objects.update(text="otherwise")
    call_command("rotate_snapshot_key", "--drop", stdout=out)
    assert len(encrypted_fields.list_key_lines()) == 1 and "1 older keys removed" in out.getvalue()
    key_file.write_text(old + "\n")  # the old key alone opens none of them
    assert not any(row.readable for row in Snapshot.objects.all())
    assert AuditEntry.objects.filter(kind="snapshots.key").count() == 1 and audit.verify_chain() == []


def test_a_key_that_is_needed_is_not_dropped(alice: User, notes: Notes, key_file: Path) -> None:
    make_note_case(alice)
    lose(key_file)
    encrypted_fields.write_keys([*encrypted_fields.list_key_lines(), Fernet.generate_key().decode()])
    with pytest.raises(CommandError, match="cannot be opened"):
        call_command("rotate_snapshot_key", "--drop")
    assert len(encrypted_fields.list_key_lines()) == 2


def test_snapshot_without_its_key_says_so_and_can_only_be_allowed(
    alice: User, morgan: User, notes: Notes, key_file: Path
) -> None:
    User.objects.filter(pk=alice.pk).update(allows_training_on_decisions=True)
    opened = make_note_case(alice)
    old = lose(key_file)
    claimed = cases.claim_case(morgan, opened.pk)
    assert (
        "cannot be opened" in claimed.snapshot.text
        and claimed.snapshot.readable_text == ""
        and claimed.snapshot.context == []
    )
    with pytest.raises(ActionRefused, match="only be allowed"):
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
    cases.decide_case(morgan, claimed.pk, make_decision_input(claimed, "allow"))
    assert training_labels.export_labels() == [] and [past.text for past in backtest.past_verdicts(None, 10)] == [None]
    key_file.write_text(key_file.read_text() + old)  # its line beside the newer one
    assert Case.objects.get(pk=claimed.pk).snapshot.text == TEXT and training_labels.export_labels()[0]["text"] == TEXT


def test_the_text_goes_also_where_its_key_is_missing(alice: User, notes: Notes, key_file: Path) -> None:
    snapshot = make_note_case(alice).snapshot
    lose(key_file)
    assert replace_with_tombstone(Snapshot.objects.get(pk=snapshot.pk)).text == "" and stored() == [""]


def test_rows_from_before_there_was_a_key_are_encrypted(alice: User, notes: Notes) -> None:
    first = make_note_case(alice).snapshot
    with audit.unlock_snapshots(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE safety_snapshot SET text = %s, context = %s", ["Où est-ce ?", json.dumps([{"label": "a"}])]
        )
    assert (
        Snapshot.objects.get().text == "Où est-ce ?"
        and system_checks.check_frozen_texts().state == system_checks.CheckState.WARN
    )
    assert snapshot_keys.encrypt_all(Snapshot) == 1  # as a migration calls it
    found = Snapshot.objects.get()
    assert (found.pk, found.text, found.context) == (first.pk, "Où est-ce ?", [{"label": "a"}])
    assert all(map(encrypted_fields.is_current, [*stored(), *stored("context")])) and "Où" not in stored()[0]
    with audit.unlock_snapshots(), connection.cursor() as cursor:
        cursor.execute("UPDATE safety_snapshot SET context = '[]'")
    assert snapshot_keys.encrypt_all() == 1 and stored("context") == [""] and snapshot_keys.encrypt_all() == 0


def test_the_doctor_says_what_is_wrong_with_the_keys(alice: User, notes: Notes, key_file: Path) -> None:
    make_note_case(alice)
    assert system_checks.check_frozen_texts().state == system_checks.CheckState.GOOD
    key_file.chmod(0o644)
    assert "chmod 600" in system_checks.check_frozen_texts().advice
    lose(key_file)
    said = system_checks.check_frozen_texts()
    assert said.state == system_checks.CheckState.BAD and "2 of 2" in said.message and str(key_file) in said.advice
    key_file.write_text("no key\n")
    assert "has a line that is not a key" in system_checks.check_frozen_texts().message


def test_a_file_of_keys_that_is_none_is_said_and_nothing_is_stored_plain(
    alice: User, notes: Notes, key_file: Path
) -> None:
    encrypted_fields.load_keys()
    key_file.write_text("no key\n")
    with pytest.raises(ImproperlyConfigured, match="Restore it"), transaction.atomic():
        make_note_case(alice)
    assert not Snapshot.objects.exists()


def test_processes_that_begin_at_once_make_one_key(key_file: Path) -> None:
    made: list[Any] = []
    threads = [threading.Thread(target=lambda: made.append(encrypted_fields._seen(key_file))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({seen[1] for seen in made}) == 1 and len(list(key_file.parent.iterdir())) == 1


def test_a_long_text_takes_a_few_milliseconds_at_most() -> None:
    """Of the processor, and only where a case opens: nothing that is judged waits for it."""
    text = "word " * 4000  # the longest question
    encrypted_fields.encrypt(text)
    began = time.process_time()
    for _ in range(50):
        assert encrypted_fields.decrypt(encrypted_fields.encrypt(text)) == text
    assert (time.process_time() - began) / 50 < 0.003


def test_snapshot_key_that_is_missing_is_not_replaced_by_a_new_one(alice: User, notes: Notes, key_file: Path) -> None:
    snapshot = make_note_case(alice).snapshot
    kept = key_file.with_name("elsewhere")
    key_file.rename(kept)  # its disk is not there
    for act in (encrypted_fields.load_keys, lambda: make_note_case(alice, "2"), snapshot_keys.rotate_key):
        with pytest.raises(ImproperlyConfigured, match=r"is missing.*Put its disk back.*--lost"), transaction.atomic():
            act()
    assert not key_file.exists() and isinstance(
        Snapshot.objects.get(pk=snapshot.pk).text, encrypted_fields.UndecryptableText
    )
    told = system_checks.check_frozen_texts()
    assert told.state.value == "bad" and "is missing" in told.message
    kept.rename(key_file)
    assert Snapshot.objects.get(pk=snapshot.pk).text == TEXT
    with pytest.raises(CommandError, match="is there"):
        call_command("rotate_snapshot_key", "--lost")


def test_lost_snapshot_keys_are_replaced_on_request(alice: User, notes: Notes, key_file: Path) -> None:
    snapshot = make_note_case(alice).snapshot
    key_file.unlink()
    call_command("rotate_snapshot_key", "--lost", stdout=StringIO())
    notes.state["2"] = "as it was"
    assert (
        make_note_case(alice, "2", text="another").snapshot.text == "another"
        and key_file.stat().st_mode & 0o777 == 0o600
    )
    assert isinstance(Snapshot.objects.get(pk=snapshot.pk).text, encrypted_fields.UndecryptableText)
    assert AuditEntry.objects.filter(kind="snapshots.key", payload__lost=True).count() == 1


def test_a_new_site_makes_its_key_itself(key_file: Path) -> None:
    assert not key_file.exists() and len(encrypted_fields.load_keys()) == 1 and key_file.exists()
