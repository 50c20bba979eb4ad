"""Keys of frozen texts while others write, judge and rotate, and whose the file of keys is."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.lib.db import encrypted_fields
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import SecondReview, Snapshot, snapshot_keys
from apps.safety.moderation import second_reviews
from apps.users.models import User
from tests.factories import Notes, make_note_case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("key_file")]


def test_a_key_is_kept_that_was_the_newest_until_a_rotation_meanwhile(
    alice: User, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_note_case(alice)
    encrypted_fields.write_keys([*encrypted_fields.list_key_lines(), Fernet.generate_key().decode()])
    pages = snapshot_keys._pages

    def looked(*these: Any) -> Iterator[Any]:
        yield from pages(*these)
        if (
            not these and len(encrypted_fields.list_key_lines()) == 2
        ):  # the last page was read: another process begins to rotate
            encrypted_fields.write_keys([Fernet.generate_key().decode(), *encrypted_fields.list_key_lines()])

    monkeypatch.setattr(snapshot_keys, "encrypt_all", lambda: 0)
    monkeypatch.setattr(snapshot_keys, "load_page_texts", looked)
    assert snapshot_keys.drop_unused_keys() == 1
    assert Snapshot.objects.get().readable and len(encrypted_fields.list_key_lines()) == 2


def test_while_texts_are_encrypted_anew_the_log_is_locked_for_nobody(alice: User, notes: Notes) -> None:
    make_note_case(alice)
    encrypted_fields.write_keys([Fernet.generate_key().decode(), *encrypted_fields.list_key_lines()])
    with CaptureQueriesContext(connection) as asked:
        assert snapshot_keys.encrypt_all() == 1
    said = " ".join(query["sql"] for query in asked)
    assert "safety_snapshot_no_update" in said and "safety_event" not in said
    with pytest.raises(DatabaseError), transaction.atomic():
        Snapshot.objects.update(text="otherwise")


def test_what_somebody_wrote_like_a_token_before_there_was_a_key_is_their_text(alice: User, notes: Notes) -> None:
    make_note_case(alice)
    text = "fernet:gAAAA is what I call it"
    with audit.unlock_snapshots(), connection.cursor() as cursor:
        cursor.execute("UPDATE safety_snapshot SET text = %s", [text])
    assert Snapshot.objects.get().text == text and snapshot_keys.encrypt_all() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM safety_snapshot")
        assert encrypted_fields.is_current(cursor.fetchone()[0]) and Snapshot.objects.get().text == text


def test_what_cannot_be_read_is_judged_by_nobody_and_keeps_its_words(
    alice: User, morgan: User, notes: Notes, key_file: Path
) -> None:
    notes.state["1"] = notes.state["2"] = ""
    snapshot = make_note_case(alice).snapshot
    review = SecondReview.objects.create(cause="sample", snapshot=snapshot, clause="hate", owner=alice)
    mine = second_reviews.claim_review(morgan)
    assert mine == review
    old = key_file.read_text()
    key_file.write_text(f"{Fernet.generate_key().decode()}\n")
    with pytest.raises(ActionRefused, match="cannot be opened"):
        second_reviews.submit_review(morgan, review.pk, mine.lease_token, False)
    key_file.write_text(key_file.read_text() + old)
    assert Snapshot.objects.get().pk == snapshot.pk


def test_a_key_is_on_the_disk_before_anything_is_encrypted_by_it(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, synced = os.fsync, []

    def noted(handle: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(handle).st_mode))
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    encrypted_fields.encrypt("a text")
    assert synced == [False, True], "the file, and then its name"
    encrypted_fields.write_keys([Fernet.generate_key().decode(), *encrypted_fields.list_key_lines()])
    assert synced == [False, True] * 2


def test_a_new_key_is_written_where_a_link_leads_and_for_who_read_the_old_one(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, owners = tmp_path / "mounted" / "secret", []
    encrypted_fields.load_keys()
    secret.parent.mkdir()
    key_file.rename(secret)
    key_file.symlink_to(secret)
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: owners.append((uid, gid)))
    encrypted_fields.write_keys([Fernet.generate_key().decode(), *encrypted_fields.list_key_lines()])
    assert key_file.is_symlink() and len(secret.read_text().split()) == len(encrypted_fields.load_keys()) == 2
    assert owners == [(secret.stat().st_uid, secret.stat().st_gid)]
