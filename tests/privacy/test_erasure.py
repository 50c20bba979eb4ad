"""Erasure leaves no row, file, vector or frozen text of the user, and writes a receipt."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.conversations.assistants import services
from apps.conversations.models import Assistant
from apps.documents.library import sharing
from apps.documents.models import PendingMembership
from apps.lib.db.encrypted_fields import EncryptedText
from apps.operations.doctor import job_checks
from apps.operations.doctor.system_checks import CheckState
from apps.privacy import data_requests, erasure, retention, views
from apps.privacy.models import DataRequest
from apps.safety.audit_log import audit
from apps.safety.models import Case, Snapshot
from apps.safety.moderation import account_suspensions
from apps.users import accounts
from apps.users.models import Invitation, User, UserNotice
from apps.users.notices import notify_users
from tests.factories import make_collection
from tests.privacy.conftest import MARK, Life
from tests.support.pages import strip_layout
from tests.support.password import PASSWORD

pytestmark = pytest.mark.django_db


def everywhere(word: str) -> set[str]:
    """Return every table and column of the database that contains the word, encrypted columns included."""
    found = set()
    for model in apps.get_models():
        for field in model._meta.fields:
            rows = model._default_manager.values_list(field.name, flat=True)
            if isinstance(field, EncryptedText) and any(word in str(said) for said in rows):
                found.add(f"{model._meta.db_table}.{field.column}")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            for column in connection.introspection.get_table_description(cursor, table):
                name = f"{connection.ops.quote_name(table)}.{connection.ops.quote_name(column.name)}"
                cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} WHERE CAST({name} AS text) LIKE %s LIMIT 1", [f"%{word}%"])  # noqa: S608,E501  # fmt: skip
                if cursor.fetchone():
                    found.add(f"{table}.{column.name}")
    return found


def erased(client: Client, user: User, django_capture_on_commit_callbacks: Any) -> DataRequest:
    client.force_login(user)
    response = client.post("/privacy/erase/", {"password": PASSWORD})
    data_request = DataRequest.objects.get(kind="erase")
    assert response["Location"] == f"/privacy/receipts/{data_request.pk}/"
    with django_capture_on_commit_callbacks(execute=True):
        data_requests.process_request(str(data_request.pk))
    data_request.refresh_from_db()
    return data_request


def test_erasure_leaves_nothing_of_the_user(
    client: Client, alice: User, life: Life, django_capture_on_commit_callbacks: Any
) -> None:
    pk, file, snapshot = alice.pk, life.file, life.case.snapshot
    assert everywhere(MARK) and file.is_file() and "some [hate] text" in snapshot.text
    data_request = erased(client, alice, django_capture_on_commit_callbacks)
    assert everywhere(MARK) == set() and everywhere("some [hate] text") == set() and everywhere(alice.email) == set()
    assert not file.exists()
    assert not User.objects.filter(pk=pk).exists()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if field.related_model is User:
                assert not model._default_manager.filter(**{field.attname: pk}).exists(), f"{model} {field.name}"
    assert (
        data_request.status == "done"
        and data_request.counts["conversations"] == 1
        and data_request.counts["documents"] == 2
        and data_request.counts["collections"] == 1
    )


def test_erasure_removes_address_and_name_from_what_others_shared(
    client: Client, alice: User, bob: User, ada: User, django_capture_on_commit_callbacks: Any
) -> None:
    User.objects.filter(pk=alice.pk).update(name=f"{MARK} Alice")
    alice.refresh_from_db()
    assistant, collection = Assistant.objects.create(owner=bob, name="Helper"), make_collection(bob, "Board")
    group = Group.objects.create(name="Finance")
    alice.groups.add(group)
    services.share_assistant(bob, assistant, "reader", email=alice.email)
    services.share_assistant(bob, assistant, "reader", group=group)
    sharing.share_with_address(bob, collection, alice.email, "reader")
    PendingMembership.objects.create(collection=make_collection(bob, "Minutes"), email=alice.email)
    Invitation.objects.create(email=alice.email, invited_by=bob, secret_hash="x", expires=timezone.now())
    own = Assistant.objects.create(owner=alice, name=f"{MARK} helper")
    services.share_assistant(alice, own, "reader", email=bob.email)
    sharing.share_with_address(alice, make_collection(alice, f"{MARK} papers"), bob.email, "reader")
    notify_users([bob.pk], UserNotice.Kind.GROUP, group.pk, group.name, by=str(alice))
    data_request = erased(client, alice, django_capture_on_commit_callbacks)
    assert everywhere(alice.email) == set() and everywhere(MARK) == set()
    assert (data_request.counts["shares"], data_request.counts["groups"], data_request.counts["assistants"]) == (
        3,
        1,
        1,
    )
    assert list(assistant.shares.values_list("group", flat=True)) == [group.pk], "shares with others stay"
    assert [row.title for row in UserNotice.objects.filter(user=bob)] == [
        "You were added to the group “Finance”. You can open what is shared with it."
    ]
    page = strip_layout(client.get(f"/privacy/receipts/{data_request.pk}/").content.decode())
    assert "Received shares" in page and "Groups" in page and "Assistants" in page


def test_the_page_names_shared_assistants_and_with_whom(client: Client, alice: User, bob: User, ada: User) -> None:
    group = Group.objects.create(name="Finance")
    for user in (alice, bob, ada):
        user.groups.add(group)
    own = {name: Assistant.objects.create(owner=alice, name=name) for name in ("Scribe", "Sailor", "Diary")}
    services.set_public(alice, own["Sailor"], public=True)
    services.share_assistant(alice, own["Scribe"], "reader", group=group)
    services.share_assistant(alice, own["Scribe"], "reader", email=bob.email)
    services.share_assistant(alice, own["Scribe"], "reader", email="new@example.org")
    client.force_login(alice)
    page = " ".join(strip_layout(client.get("/privacy/erase/").content.decode()).split())
    assert "shared with 3 users" in page and "shared with everyone" in page
    assert page.index("Sailor") < page.index("Scribe") and "Diary" not in page


def test_the_page_counts_what_it_does_not_name(client: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Bees", "Tides", "Towers"):
        make_collection(alice, name)
    client.force_login(alice)
    assert "Towers" in client.get("/privacy/erase/").content.decode()
    monkeypatch.setattr(views, "_DELETED", 1)
    page = client.get("/privacy/erase/").content.decode()
    assert "Bees" in page and "Towers" not in page and "and 2 more" in page


def test_a_tombstone_and_the_log_stay_and_the_receipt_tells(
    client: Client, alice: User, ada: User, life: Life, django_capture_on_commit_callbacks: Any
) -> None:
    sha256 = life.case.snapshot.sha256
    suspension = account_suspensions.suspend_account(ada, alice, "Sold her account to others.", 7)
    accounts.reinstate_user(alice)
    data_request = erased(client, alice, django_capture_on_commit_callbacks)
    tomb = Case.objects.get(pk=life.case.pk).snapshot
    assert (tomb.text, tomb.sha256, tomb.code) == ("", sha256, "hate")
    assert not Snapshot.objects.exclude(text="").exists()
    suspension.refresh_from_db()
    assert suspension.note == "", "what staff wrote about a user is erased with the user"
    assert audit.verify_chain() == []
    assert audit.AuditEntry.objects.filter(kind="person.receipt", payload__sha256=data_request.sha256).exists()
    page = client.get(f"/privacy/receipts/{data_request.pk}/").content.decode()
    assert data_request.sha256 in page and str(alice.email) not in page and "What is kept" in page


def test_erasure_needs_the_password_and_ends_every_session(client: Client, alice: User, life: Life) -> None:
    other = Client()
    other.force_login(alice)
    client.force_login(alice)
    assert client.post("/privacy/erase/", {"password": "guess"}).status_code == 400
    assert not DataRequest.objects.exists()
    client.post("/privacy/erase/", {"password": PASSWORD})
    assert other.get("/collections/").status_code == 302
    assert not User.objects.get(pk=alice.pk).is_active


def test_a_hold_stops_it(client: Client, alice: User, ada: User, life: Life) -> None:
    client.force_login(ada)
    assert client.post("/privacy/holds/", {"person": alice.pk, "reason": "Court order 7"}).status_code == 302
    page = strip_layout(client.get("/privacy/holds/").content.decode())
    assert "Court order 7" in page and "alice@example.org" not in page, "the form names no user by itself"
    client.force_login(alice)
    page = client.get("/privacy/erase/").content.decode()
    assert "legal hold" in page and 'type="password"' not in page and "button danger" not in page
    response = client.post("/privacy/erase/", {"password": PASSWORD})
    assert response.status_code == 400 and "legal hold" in response.content.decode()
    retention.lift_user_hold(ada, alice, "The case is over")
    assert client.post("/privacy/erase/", {"password": PASSWORD}).status_code == 302


def test_a_hold_that_came_in_between_stops_it_too(alice: User, ada: User, life: Life) -> None:
    data_request = data_requests.request_erasure(alice)
    retention.hold_user(ada, alice, "Court order 7")
    data_requests.process_request(str(data_request.pk))
    data_request.refresh_from_db()
    assert data_request.status == "failed" and "hold" in data_request.reason and life.file.is_file()


def test_the_last_administrator_stays(client: Client, ada: User) -> None:
    client.force_login(ada)
    response = client.post("/privacy/erase/", {"password": PASSWORD})
    assert response.status_code == 400 and "last administrator" in response.content.decode()
    assert not DataRequest.objects.exists() and User.objects.get(pk=ada.pk).is_active


def test_broken_off_it_is_begun_again(alice: User, ada: User, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    data_request = data_requests.request_erasure(alice)

    def broken(user: User) -> int:
        raise OSError("killed here")

    with monkeypatch.context() as patched:
        patched.setattr(erasure, "_forget_account", broken)
        with pytest.raises(OSError, match="killed here"):
            data_requests.process_request(str(data_request.pk))
    DataRequest.objects.update(lease_until=data_request.created.replace(year=2020))
    data_requests.process_request(str(data_request.pk))
    data_request.refresh_from_db()
    assert data_request.status == "done" and not User.objects.filter(pk=alice.pk).exists()


def test_a_request_whose_worker_was_killed_three_times_is_told_and_tried_again(
    client: Client, alice: User, ada: User, life: Life
) -> None:
    data_request = data_requests.request_erasure(alice)
    # As three killed workers leave it: the lease of the last one has run out.
    DataRequest.objects.update(
        attempts=3, lease_token="of the dead", lease_until=data_request.created.replace(year=2020)
    )
    data_requests.sweep_requests()
    data_request.refresh_from_db()
    assert data_request.status == "failed" and "retried every hour" in data_request.reason
    assert "retried every hour" in client.get(f"/privacy/receipts/{data_request.pk}/").content.decode()
    found = job_checks.check_data_requests()
    assert (
        found.state == CheckState.BAD
        and f"user {alice.pk}" in found.message
        and "was stopped each time" in found.message
    )
    data_requests.sweep_requests()
    assert DataRequest.objects.get(pk=data_request.pk).status == "failed"  # not at once
    DataRequest.objects.update(ended=data_request.created.replace(year=2020))
    data_requests.sweep_requests()
    data_requests.process_request(str(data_request.pk))
    data_request.refresh_from_db()
    assert (data_request.status, data_request.reason, data_request.error) == ("done", "", "")
    assert job_checks.check_data_requests().state == CheckState.GOOD and not User.objects.filter(pk=alice.pk).exists()


def test_a_request_that_nobody_takes_up_is_seen_by_the_doctor(alice: User, ada: User) -> None:
    data_request = data_requests.request_erasure(alice)
    assert job_checks.check_data_requests().state == CheckState.GOOD
    DataRequest.objects.update(created=data_request.created.replace(year=2020))
    assert job_checks.check_data_requests().state == CheckState.BAD


def test_failed_erasure_is_named_to_administrators(alice: User, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(user: User) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(erasure, "_forget_account", broken)
    data_request = data_requests.request_erasure(alice)
    for _ in range(data_requests.MAX_ATTEMPTS):
        with pytest.raises(OSError, match="No space"):
            data_requests.process_request(str(data_request.pk))
        DataRequest.objects.filter(status="waiting").update(lease_until=data_request.created.replace(year=2020))
    assert "No space left on device" in job_checks.check_data_requests().message


def test_a_worker_that_lost_its_lease_changes_nothing_more(alice: User, ada: User, life: Life) -> None:
    data_request = data_requests.request_erasure(alice)
    DataRequest.objects.update(lease_token="of another")
    with pytest.raises(erasure.ErasureLeaseLost):
        erasure.erase_user(data_request, "mine")
    assert life.file.is_file() and User.objects.filter(pk=alice.pk).exists()
