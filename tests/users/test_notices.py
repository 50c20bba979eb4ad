"""Notices: what was shared with a user, and long answers and uploads that are ready."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from apps.conversations.assistants import services
from apps.conversations.models import Assistant, Conversation
from apps.documents.jobs import upload_notices
from apps.documents.library import sharing
from apps.documents.models import Collection, Document
from apps.users import notices
from apps.users.models import User, UserNotice

pytestmark = pytest.mark.django_db
Kind = UserNotice.Kind


def titles(user: User) -> list[str]:
    return [row.title for row in UserNotice.objects.filter(user=user)]


def test_a_shared_collection_is_told_once_with_names(alice: User, bob: User) -> None:
    row = Collection.objects.create(owner=alice, name="HR policies")
    sharing.share_with_address(alice, row, bob.email, "reader")
    sharing.share_with_address(alice, row, bob.email, "editor")
    assert titles(bob) == [f"{alice} shared the collection “HR policies” with you."]
    assert titles(alice) == []


def test_the_members_of_a_group_are_told_but_not_the_owner(alice: User, bob: User) -> None:
    group = Group.objects.create(name="Board")
    for user in (alice, bob):
        user.groups.add(group)
    sharing.share_with_group(alice, Collection.objects.create(owner=alice, name="Minutes"), group, "reader")
    services.share_assistant(alice, Assistant.objects.create(owner=alice, name="Helper"), "reader", group=group)
    assert titles(alice) == []
    assert {row.kind for row in UserNotice.objects.filter(user=bob)} == {Kind.COLLECTION, Kind.ASSISTANT}


def test_the_page_groups_them_and_they_are_seen_then(bob: User, client: Client) -> None:
    client.force_login(bob)
    notices.notify_users([bob.pk], Kind.COLLECTION, uuid4(), "HR", by="Maya")
    notices.notify_users([bob.pk], Kind.DOCUMENTS, uuid4(), "Manuals", ready=12, failed=1)
    notices.notify_users([bob.pk], Kind.ANSWER, uuid4(), "Leave")
    page = client.get("/notices/").content.decode()
    for words in ("Shared with you", "12 documents are ready in “Manuals”. 1 document failed", "“Leave” is ready"):
        assert words in page
    assert not UserNotice.objects.filter(user=bob, seen=None).exists()


def test_a_page_asks_for_those_since_then_and_counts_all(bob: User, client: Client) -> None:
    client.force_login(bob)
    notices.notify_users([bob.pk], Kind.ANSWER, uuid4(), "Earlier")
    UserNotice.objects.update(created=timezone.now() - timedelta(hours=1))
    notices.notify_users([bob.pk], Kind.ANSWER, uuid4(), "Later")
    found = client.get(f"/notices/new/?since={time.time() - 60}").json()
    assert found["count"] == 2 and [row["title"] for row in found["notices"]] == ["The answer in “Later” is ready."]
    assert client.get("/notices/new/?since=x").json()["notices"] == []


def test_notice_is_dismissed_only_by_its_user_or_by_opening_the_conversation(
    alice: User, bob: User, client: Client
) -> None:
    row = Conversation.objects.create(owner=bob, title="Leave")
    notices.notify_users([bob.pk], Kind.ANSWER, row.pk, "Leave")
    pk = UserNotice.objects.get().pk
    client.force_login(alice)
    assert client.post(f"/notices/{pk}/seen/").status_code == 204
    assert UserNotice.objects.filter(pk=pk).exists()
    client.force_login(bob)
    client.get(f"/c/{row.pk}/")
    assert not UserNotice.objects.exists()
    assert client.post(f"/notices/{pk}/seen/").status_code == 204, "the page was quicker"


def test_old_notices_go_when_a_new_one_comes(bob: User) -> None:
    notices.notify_users([bob.pk], Kind.ANSWER, uuid4(), "Old")
    UserNotice.objects.update(created=timezone.now() - timedelta(days=91))
    notices.notify_users([bob.pk], Kind.ANSWER, uuid4(), "New")
    assert titles(bob) == ["The answer in “New” is ready."]


def upload(user: User, into: Collection, status: str, minutes: int) -> Document:
    row = Document.objects.create(collection=into, uploaded_by=user, name="a.txt", size=1, status=status)
    Document.objects.filter(pk=row.pk).update(created=timezone.now() - timedelta(minutes=minutes))
    return row


def test_the_end_of_a_long_upload_is_told_once_when_the_last_file_has_ended(alice: User) -> None:
    into = Collection.objects.create(owner=alice, name="Manuals")
    rows = [upload(alice, into, Document.Status.READY, 3), upload(alice, into, Document.Status.FAILED, 3)]
    waiting = upload(alice, into, Document.Status.QUEUED, 3)
    ids = [row.pk for row in rows]
    upload_notices.notify_ended(ids)
    assert titles(alice) == []
    Document.objects.filter(pk=waiting.pk).update(status=Document.Status.READY, changed=timezone.now())
    upload_notices.notify_ended([waiting.pk])
    assert titles(alice) == ["2 documents are ready in “Manuals”. 1 document failed in “Manuals”."]


def test_a_quick_upload_is_not_told(alice: User) -> None:
    into = Collection.objects.create(owner=alice, name="Manuals")
    upload_notices.notify_ended([upload(alice, into, Document.Status.READY, 0).pk])
    assert titles(alice) == []


def test_a_notice_of_a_deleted_assistant_says_that_it_is_gone(alice: User, bob: User, client: Client) -> None:
    assistant = Assistant.objects.create(owner=alice, name="Caretaker")
    services.share_assistant(alice, assistant, "reader", email=bob.email)
    client.force_login(bob)
    url = UserNotice.objects.get(user=bob).url
    assert "no longer exists" not in client.get(url).content.decode()
    services.delete_assistant(alice, assistant)
    assert "This assistant no longer exists, or it is no longer shared with you." in client.get(url).content.decode()
