"""The audit log against whoever can write the database, but neither the file of keys nor that of noted heads."""

from __future__ import annotations

import csv
import hashlib
import json
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from apps.documents.ingestion import worker
from apps.operations.doctor import system_checks
from apps.safety.audit_log import audit, chain_heads, verification
from apps.safety.models import AuditEntry
from apps.safety.moderation import account_suspensions
from apps.users.models import User
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def place(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys and heads of this test alone; heads are noted at once, though the test commits nothing."""
    settings.DATA_DIR, settings.AUDIT_HEADS_URL = tmp_path, ""
    settings.AUDIT_KEYS, settings.AUDIT_HEADS = tmp_path / "audit_keys", tmp_path / "heads.jsonl"
    monkeypatch.setattr(transaction, "on_commit", lambda call, robust=False: call())
    verification._position[0] = audit.ChainPosition()
    audit.install_triggers()
    return tmp_path


@pytest.fixture
def entries() -> list[AuditEntry]:
    return [audit.record_event("read", subject=f"person {number}", why="a test") for number in range(5)]


def unguard() -> None:
    names = ("no_update", "no_delete") if connection.vendor == "sqlite" else ("no_change",)
    on = "" if connection.vendor == "sqlite" else " ON safety_event"
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TRIGGER safety_event_{name}{on}")


def plain(entry: AuditEntry) -> str:
    """As everybody who knows the source can calculate it."""
    said = [
        entry.seq, entry.created.isoformat(timespec="microseconds"), entry.kind, entry.actor, entry.user, entry.subject,
        entry.payload, entry.previous_sha256,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def rewrite(first: int) -> None:
    """Every entry from `first` on says something else, and its hash and those after it fit."""
    row = AuditEntry.objects.filter(seq=first - 1).first()
    before = row.sha256 if row else audit.FIRST_SIGNATURE
    for entry in AuditEntry.objects.filter(seq__gte=first).order_by("seq"):
        entry.subject, entry.previous_sha256 = "nothing", before
        before = entry.sha256 = plain(entry)
        entry.save()


@pytest.mark.parametrize("first", [1, 2, 5])
def test_a_log_that_was_rewritten_from_an_entry_on_is_found_on_the_same_day(
    entries: list[AuditEntry], first: int
) -> None:
    assert verification.verify_log().faults == []
    unguard()
    rewrite(first)
    audit.install_triggers()
    assert verification.verify_log().faults
    assert verification.verify_part().faults


@pytest.mark.parametrize("left", [4, 1, 0])
def test_a_tail_that_was_cut_off_is_found_on_the_same_day(entries: list[AuditEntry], left: int) -> None:
    unguard()
    AuditEntry.objects.filter(seq__gt=left).delete()
    audit.install_triggers()
    for report in (verification.verify_log(), verification.verify_part()):
        assert any(f"Entry {left + 1} is missing although it was written" in words for words in report.faults)


def test_a_tail_that_was_cut_off_is_found_after_others_were_written(entries: list[AuditEntry]) -> None:
    unguard()
    AuditEntry.objects.filter(seq__gt=3).delete()
    audit.install_triggers()
    for _ in range(4):
        audit.record_event("read", subject="person 9")
    assert any("Entry 4 differs from the copy" in words for words in verification.verify_log().faults)


def test_a_log_without_any_signature_is_not_taken_for_one_from_before_the_key(
    entries: list[AuditEntry], place: Path
) -> None:
    unguard()
    rewrite(1)
    (place / "heads.jsonl").unlink()
    audit.install_triggers()
    assert verification.verify_log().faults != []


def test_missing_and_empty_triggers_are_found_and_put_back_by_command(
    entries: list[AuditEntry], ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert audit.find_missing_triggers() == []
    unguard()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("CREATE TRIGGER safety_event_no_update BEFORE UPDATE ON safety_event BEGIN SELECT 1; END")
    assert any("trigger safety_event_no_" in words for words in verification.verify_part().faults)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER safety_event_no_update")
    monkeypatch.setattr("apps.operations.management.commands.doctor.list_checks", list)
    call_command("doctor", "--install-triggers")
    assert audit.find_missing_triggers() == []
    assert AuditEntry.objects.filter(kind="log.guarded").count() == 1 and verification.verify_log().faults == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the text is SQLite's")
@pytest.mark.parametrize("hole", ["UPDATE OF seq ON safety_event", "UPDATE ON safety_event WHEN(0)"])
def test_trigger_with_a_hole_is_found_by_its_whole_text(entries: list[AuditEntry], hole: str) -> None:
    abort = "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER safety_event_no_update")
        cursor.execute(f"CREATE TRIGGER safety_event_no_update BEFORE {hole} {abort}")
    assert audit.find_missing_triggers() == ["safety_event_no_update"]


def test_the_doctor_of_the_page_verifies_the_log(entries: list[AuditEntry]) -> None:
    found = system_checks.check_audit_log()
    assert found.state == "good" and "5 entries are intact" in found.message
    unguard()
    AuditEntry.objects.filter(seq=2).update(subject="another")
    audit.install_triggers()
    for _ in range(2):  # each time, not only the first
        found = system_checks.check_audit_log()
        assert found.state == "bad" and "Entry 2 was changed" in found.message


def test_a_page_verifies_a_large_log_part_by_part(entries: list[AuditEntry]) -> None:
    for number in range(400):
        audit.record_event("read", subject=f"person {number}")
    seen = []
    for _ in range(6):
        report = verification.verify_part(seconds=0)
        seen.append((report.first, report.last))
    assert seen == [(1, 100), (101, 200), (201, 300), (301, 400), (401, 405), (1, 100)]
    unguard()
    AuditEntry.objects.filter(seq=350).update(subject="another")
    audit.install_triggers()
    faults = [words for _ in range(5) for words in verification.verify_part(seconds=0).faults]
    assert any("Entry 350 was changed" in words for words in faults)


def test_entries_from_before_the_key_are_carried_over_and_never_rewritten(place: Path) -> None:
    before = audit.FIRST_SIGNATURE
    for number in range(1, 4):
        entry = AuditEntry(
            seq=number, created=timezone.now(), kind="read", subject="old", payload={}, previous_sha256=before
        )
        entry.sha256 = before = plain(entry)
        entry.save(force_insert=True)
    old = list(AuditEntry.objects.values_list("seq", "sha256"))
    audit.record_event("log.signed", entries=3)  # as the upgrade wrote it
    audit.record_event("read", subject="person 1")
    assert verification.verify_log().faults == [] and (place / "audit_keys").stat().st_mode & 0o777 == 0o600
    assert list(AuditEntry.objects.filter(seq__lte=3).values_list("seq", "sha256")) == old
    marked = AuditEntry.objects.get(kind="log.signed")
    assert marked.seq == 4 and marked.payload == {"entries": 3} and marked.sha256 != plain(marked)
    unguard()
    rewrite(1)
    audit.install_triggers()
    assert verification.verify_log().faults


def test_audit_log_without_its_key_is_not_continued_with_another(entries: list[AuditEntry], place: Path) -> None:
    key = (place / "audit_keys").read_text()
    (place / "audit_keys").unlink()
    with pytest.raises(ImproperlyConfigured, match="AUDIT_KEY_FILE"):
        audit.record_event("read", subject="person 9")
    assert system_checks.check_audit_log().state == "bad"
    (place / "audit_keys").write_text(key)
    audit.record_event("read", subject="person 9")
    assert verification.verify_log().faults == []


def test_a_new_key_leaves_what_the_earlier_one_signed_verifiable(entries: list[AuditEntry]) -> None:
    call_command("renew_audit_key")
    audit.record_event("read", subject="person 9")
    assert verification.verify_log().faults == []
    unguard()
    AuditEntry.objects.filter(seq=2).update(subject="another")
    audit.install_triggers()
    assert verification.verify_log().faults == ["Entry 2 was changed."]


def test_a_lost_key_is_said_for_ever(entries: list[AuditEntry], place: Path) -> None:
    (place / "audit_keys").unlink()
    with pytest.raises(CommandError, match="--lost"):
        call_command("renew_audit_key")
    call_command("renew_audit_key", "--lost")
    report = verification.verify_log()
    assert report.faults == [] and report.remarks == ["5 entries cannot be verified: the key that signed them is lost."]


def test_entries_that_a_restore_lost_are_told_and_are_no_attack(entries: list[AuditEntry]) -> None:
    unguard()
    AuditEntry.objects.filter(seq__gt=3).delete()  # as the backup has it
    audit.install_triggers()
    audit.record_event("log.restored", made="2026-01-01T00:00:00+00:00")
    audit.record_event("read", subject="person 9")
    report = verification.verify_log()
    assert report.faults == [] and "2 entries written after that backup are lost" in report.remarks[0]
    unguard()
    AuditEntry.objects.filter(seq__gt=4).delete()
    audit.install_triggers()
    assert any("Entry 5 is missing" in words for words in verification.verify_log().faults)


def test_a_head_cut_off_by_a_full_disk_harms_no_later_one(entries: list[AuditEntry], place: Path) -> None:
    file = place / "heads.jsonl"
    file.write_text(file.read_text() + '{"at": "2026-')
    audit.record_event("read", subject="person 9")
    assert [row["seq"] for row in chain_heads.read_heads()] == [1, 2, 3, 4, 5, 6]
    assert verification.verify_log().faults == []


def test_the_worker_notes_a_head_that_could_not_be_noted(entries: list[AuditEntry], place: Path) -> None:
    import_module("apps.privacy.tasks")
    assert (
        verification.note_heads in worker.periodic_jobs
        and account_suspensions.end_expired_suspensions in worker.periodic_jobs
    )
    (place / "heads.jsonl").unlink()
    verification.note_heads()
    verification.note_heads()
    assert [row["seq"] for row in chain_heads.read_heads()] == [5]


def test_an_empty_log_has_no_head(place: Path) -> None:
    assert verification.note_heads() == 0
    assert not (place / "heads.jsonl").exists() and verification.verify_log().faults == []


def test_the_head_is_sent_to_syslog(entries: list[AuditEntry], settings: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        settings.AUDIT_HEADS_URL = f"syslog://127.0.0.1:{server.getsockname()[1]}"
        assert verification.note_heads() == 1
        said = server.recv(4096).decode()
    assert "openbook audit head" in said and entries[-1].sha256 in said
    assert verification.note_heads() == 0


@pytest.fixture
def listener() -> Any:
    got: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", got
    server.shutdown()
    server.server_close()


def test_the_head_is_sent_to_an_address(
    entries: list[AuditEntry], settings: Any, listener: tuple[str, list[dict[str, Any]]]
) -> None:
    settings.AUDIT_HEADS_URL, got = listener
    assert verification.note_heads() == 1
    assert (got[0]["seq"], got[0]["sha256"]) == (5, entries[-1].sha256)


def test_a_place_that_takes_no_head_is_a_warning(
    entries: list[AuditEntry], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUDIT_HEADS_URL = "http://127.0.0.1:9/"
    with pytest.raises(OSError):
        verification.note_heads()
    monkeypatch.setattr(verification, "LATE_AFTER", timedelta(0))
    found = system_checks.check_audit_log()
    assert found.state == "warn" and "AUDIT_HEADS_URL" in found.advice


def lines(client: Client, **chosen: object) -> list[dict[str, Any]]:
    response = client.post("/review/log/export/", chosen)
    return [json.loads(line) for line in response.getvalue().decode().splitlines()]


def test_the_log_is_exported_as_json_lines_and_the_export_is_an_entry(
    entries: list[AuditEntry], ada: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.safety.audit_log.export.BATCH", 2)
    client.force_login(ada)
    found = lines(client)
    assert [row["seq"] for row in found] == [1, 2, 3, 4, 5, 6]
    assert found[-1]["kind"] == "log.exported" and found[-1]["actor"] == ada.pk
    assert [row["hmac_sha256"] for row in found] == list(
        AuditEntry.objects.order_by("seq").values_list("sha256", flat=True)
    )


def test_the_export_follows_the_filter_and_says_so(
    entries: list[AuditEntry], ada: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.safety.audit_log.export.BATCH", 2)
    audit.record_event("settings.changed", actor=ada, subject="settings")
    client.force_login(ada)
    assert "Export filtered entries" in client.get("/review/log/", {"area": "settings"}).content.decode()
    first, *found = lines(client, area="settings", who=ada.pk)
    assert first == {"filter": {"area": "settings", "who": ada.pk}, "up_to": 7, "whole_log": False}
    assert [(row["seq"], row["kind"]) for row in found] == [(6, "settings.changed"), (7, "log.exported")]
    assert found[-1]["payload"] == {"area": "settings", "who": ada.pk}
    assert f"Kind of entry: Settings · Done by: {ada}" in strip_layout(client.get("/review/log/").content.decode())
    sent = client.post("/review/log/export/", {"area": "cases"})["Content-Disposition"]
    assert "openbook-audit-log-filtered-" in sent
    assert "filtered" not in client.post("/review/log/export/", {"area": "nothing"})["Content-Disposition"]


def test_the_log_is_exported_as_csv_with_names(
    entries: list[AuditEntry], ada: User, alice: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.safety.audit_log.export.BATCH", 2)
    audit.record_event("settings.changed", actor=ada, user=alice.pk, subject="=1+1", after="on, at last")
    client.force_login(ada)
    response = client.post("/review/log/export/", {"area": "settings", "format": "csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8" and "filtered" in response["Content-Disposition"]
    header, row, last = csv.reader(response.getvalue().decode("utf-8-sig").splitlines())
    assert header == ["Number", "Time (UTC)", "Kind of entry", "Done by", "About", "Subject", "Details"]
    assert row[:1] + row[2:] == ["6", "Setting changed", "Ada", "Alice", "'=1+1", "After: on, at last"]
    assert last[2:4] == ["Audit log exported", "Ada"]


def test_the_log_is_filtered_by_user_and_days(entries: list[AuditEntry], ada: User, client: Client) -> None:
    audit.record_event("person.role", actor=ada, user=17, subject="person 17", before="member", after="reviewer")
    client.force_login(ada)
    today, tomorrow = (timezone.now().date() + timedelta(days=days) for days in (0, 1))

    def numbers(**chosen: object) -> list[int]:
        return [row["seq"] for row in lines(client, **chosen) if "seq" in row and row["kind"] != "log.exported"]

    assert numbers(about=17) == [6] and numbers(about=18) == []
    assert numbers(since=today, until=today) == [1, 2, 3, 4, 5, 6] and numbers(since=tomorrow) == []
    assert numbers(since="soon") == [1, 2, 3, 4, 5, 6], "what cannot be read filters nothing"
    page = client.get("/review/log/", {"about": "17", "since": f"{today}"}).content.decode()
    assert "Role changed" in page and "Content read" not in strip_layout(page).split("</form>")[-1]
    assert f'name="since" value="{today}"' in page and 'href="?about=17"' in page


def test_the_log_finds_users_by_name_or_address_and_refuses_unknown_ones(
    ada: User, morgan: User, alice: User, client: Client
) -> None:
    User.objects.filter(pk=alice.pk).update(name="Alice Liddell")
    User.objects.filter(pk=morgan.pk).update(name="Twin")
    User.objects.create_user("twin@example.org", "pass", name="Twin")
    audit.record_event("person.role", actor=ada, user=alice.pk, subject=f"person {alice.pk}")
    audit.record_event("settings.changed", actor=ada, subject="settings")
    client.force_login(ada)
    for said in (alice.email.upper(), "alice liddell", f"{alice.pk}"):
        page = strip_layout(client.get("/review/log/", {"about": said}).content.decode())
        assert "Role changed" in page and "1 entry" in page and "Setting changed" not in page
    for said, why in (("Nobody", "No user has this name"), ("Twin", "Several users match (")):
        page = strip_layout(client.get("/review/log/", {"about": said}).content.decode())
        assert why in page and f'value="{said}"' in page and "Role changed" not in page
        assert "Export the whole log" not in page
        refused = client.post("/review/log/export/", {"about": said}, follow=True)
        assert why in refused.content.decode()
    assert not AuditEntry.objects.filter(kind="log.exported").exists()
    account = client.get(f"/people/{morgan.pk}/").content.decode()
    assert f"/review/log/?about={morgan.pk}" in account and f"/review/log/?who={morgan.pk}" in account


@pytest.mark.parametrize("path", ["/review/log/export/", "/review/log/verify/"])
def test_audit_log_is_exported_and_verified_by_administrators_only(
    client: Client, alice: User, morgan: User, path: str
) -> None:
    for user in (alice, morgan):
        client.force_login(user)
        assert client.post(path).status_code == 404
    assert not AuditEntry.objects.exists()


def test_the_page_of_the_log_verifies_all_of_it(entries: list[AuditEntry], ada: User, client: Client) -> None:
    client.force_login(ada)
    page: Callable[[], str] = lambda: client.post("/review/log/verify/", follow=True).content.decode()  # noqa: E731
    assert "All 5 entries are intact." in page()
    unguard()
    AuditEntry.objects.filter(seq=2).update(subject="another")
    audit.install_triggers()
    assert "Entry 2 was changed." in page()
