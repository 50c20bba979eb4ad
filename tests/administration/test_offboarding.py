"""Offboarding: what another user gets, what is erased, what ends, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.administration import offboarding
from apps.administration.offboarding import Handover
from apps.conversations.assistants import services
from apps.conversations.models import Assistant, AssistantShare, Conversation, Message, Share
from apps.documents.library import sharing
from apps.documents.models import Collection, Document, Membership
from apps.evaluation.models import GoldenQuestion
from apps.privacy import data_requests, retention
from apps.privacy.models import DataRequest
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry
from apps.users.api_tokens import create_token, find_token
from apps.users.models import User, UserNotice
from tests.factories import (
    get_page,
    make_client,
    make_collection,
    make_exchange,
    make_golden_question,
    make_user,
    share_conversation,
    upload_file,
)

pytestmark = pytest.mark.django_db
ALL = Handover.values


def offboard(admin: Client, user: User, **fields: Any) -> str:
    """Submit the form of the user's page with the confirmation; return the address that follows, or the page."""
    given = {"to": "", "kinds": ALL, "account": "deactivate", "confirmed": "", **fields}
    response = admin.post(f"/administration/users/{user.pk}/offboarding/", given)
    return response["Location"] if response.status_code == 302 else response.content.decode()


def is_active(user: User) -> bool:
    return User.objects.get(pk=user.pk).is_active


def test_collections_go_with_documents_shares_and_test_questions(
    admin: Client, ada: User, alice: User, bob: User, charlie: User
) -> None:
    shelf = make_collection(alice, "Harbour")
    paper = upload_file(shelf, "tide.txt", "High water is at six.\n")
    make_golden_question(shelf, "When is high water?", expected_words="six")
    sharing.share_with_address(alice, shelf, bob.email, "editor")
    sharing.share_with_address(alice, shelf, charlie.email, "reader")
    make_collection(bob, "Harbour")
    assert offboard(admin, alice, to=bob.email) == f"/people/{alice.pk}/"
    shelf.refresh_from_db()
    assert shelf.owner == bob and shelf.name == "Harbour (Alice)"
    assert list(Membership.objects.values_list("user__name", flat=True)) == ["Charlie"]
    assert Document.objects.get(pk=paper.pk).uploaded_by == bob and GoldenQuestion.objects.get().added_by == bob
    notice = UserNotice.objects.get(user=bob, details__handed_over=True)
    assert notice.title == "An administrator handed the collection “Harbour (Alice)” over to you."
    entry = AuditEntry.objects.get(kind="person.handed_over")
    assert (entry.actor, entry.user) == (ada.pk, alice.pk)
    assert entry.payload == {"to": bob.pk, "collections": 1, "assistants": 0, "links": 0}
    assert audit.verify_chain() == []


def test_assistants_go_with_their_shares(admin: Client, alice: User, bob: User, charlie: User) -> None:
    helper = services.create_assistant(alice, {"name": "Pilot"}, Collection.objects.none())
    for user in (bob, charlie):
        services.share_assistant(alice, helper, "reader", email=user.email)
    offboard(admin, alice, to=bob.email)
    assert Assistant.objects.get(pk=helper.pk).owner == bob
    assert list(AssistantShare.objects.values_list("email", flat=True)) == [charlie.email]
    assert "Pilot" in get_page(bob, "/assistants/")


def test_a_shared_link_stays_open_and_its_new_owner_gets_only_what_it_shows(
    admin: Client, alice: User, bob: User, charlie: User
) -> None:
    answer = make_exchange(alice, "How high is the tower?", "About 100 metres.")
    path = share_conversation(answer.conversation, sources="titles")
    make_exchange(alice, "What do I earn?", "A secret sum.", after=answer)
    make_exchange(alice, "A private question?", "A private answer.", title="Private")
    offboard(admin, alice, to=bob.email)
    share = Share.objects.get()
    assert share.conversation.owner == bob and "100 metres" in get_page(charlie, path)
    assert set(Message.objects.filter(asked_by=bob).values_list("text", flat=True)) == {
        "How high is the tower?", "About 100 metres."
    }  # fmt: skip
    assert Conversation.objects.filter(owner=alice).count() == 2, "a deactivated account keeps its chats"
    assert share.conversation.title == answer.conversation.title


def test_kinds_that_were_not_chosen_stay(admin: Client, alice: User, bob: User) -> None:
    shelf = make_collection(alice)
    share_conversation(make_exchange(alice).conversation)
    offboard(admin, alice, to=bob.email, kinds=[Handover.LINKS])
    assert Collection.objects.get(pk=shelf.pk).owner == alice and Share.objects.get().conversation.owner == bob


def test_sessions_and_tokens_end(admin: Client, alice: User) -> None:
    browser, secret = make_client(alice), create_token(alice, "Script", ["read"], None)
    assert browser.get("/").status_code == 200 and find_token(secret)
    offboard(admin, alice)
    assert browser.get("/")["Location"].startswith("/accounts/login/") and find_token(secret) is None
    User.objects.filter(pk=alice.pk).update(is_active=True)
    assert browser.get("/").status_code == 302 and find_token(secret) is None, "nor after a reactivation"


def test_deletion_erases_the_rest_and_leaves_a_receipt(
    admin: Client, alice: User, bob: User, django_capture_on_commit_callbacks: Any
) -> None:
    shelf = make_collection(alice, "Harbour")
    paper = upload_file(shelf, "tide.txt", "High water is at six.\n")
    answer = make_exchange(alice, "How high is the tower?", "About 100 metres.")
    path = share_conversation(answer.conversation)
    make_exchange(alice, "A private question?", "A private answer.", title="Private")
    where = offboard(admin, alice, to=bob.email, account="erase")
    request = DataRequest.objects.get(kind="erase")
    assert where == f"/privacy/receipts/{request.pk}/" and not is_active(alice)
    with django_capture_on_commit_callbacks(execute=True):
        data_requests.process_request(str(request.pk))
    request.refresh_from_db()
    assert request.status == "done" and request.counts["conversations"] == 2 and "collections" not in request.counts
    assert not User.objects.filter(pk=alice.pk).exists()
    assert Document.objects.get(pk=paper.pk).file.storage.exists(paper.file.name)
    assert "100 metres" in get_page(bob, path) and not Message.objects.filter(text__contains="private").exists()
    assert "was erased on" in admin.get(where).content.decode()


def test_the_preview_names_what_goes_and_what_is_deleted_and_changes_nothing(
    admin: Client, alice: User, bob: User
) -> None:
    make_collection(alice, "Harbour")
    make_exchange(alice)
    page = admin.get(f"/administration/users/{alice.pk}/offboarding/").content.decode()
    assert "1 collection<" in page and "1 chat<" in page
    given = {"to": bob.email, "kinds": ALL, "account": "erase"}
    page = admin.post(f"/administration/users/{alice.pk}/offboarding/", given).content.decode()
    assert "Bob gets: 1 collection." in page and "the account, 1 chat, and everything else" in page
    assert is_active(alice) and Collection.objects.get().owner == alice
    assert "Show what will happen" in admin.post(
        f"/administration/users/{alice.pk}/offboarding/", {**given, "back": ""}
    ).content.decode()  # fmt: skip


def test_the_page_asks_for_the_password_again(as_ada: Client, alice: User) -> None:
    for response in (
        as_ada.get(f"/administration/users/{alice.pk}/offboarding/"),
        as_ada.post(f"/administration/users/{alice.pk}/offboarding/", {"account": "erase", "confirmed": ""}),
    ):
        assert response["Location"].startswith("/accounts/reauthenticate/")
    assert is_active(alice)


def test_an_administrator_cannot_close_their_own_account(admin: Client, ada: User) -> None:
    make_user("otto", User.Role.ADMINISTRATOR)
    assert "cannot close your own account" in offboard(admin, ada)
    assert "Hand over and close" not in admin.get(f"/people/{ada.pk}/").content.decode() and is_active(ada)


def test_the_last_administrator_stays(ada: User) -> None:
    otto = make_user("otto", User.Role.ADMINISTRATOR)
    User.objects.filter(pk=otto.pk).update(is_active=False)  # meanwhile, and the process still holds the earlier row
    with pytest.raises(ActionRefused, match="last administrator"):
        offboarding.offboard_user(otto, ada, None, ALL, erase=True)
    assert is_active(ada) and not DataRequest.objects.exists()


def test_a_member_offboards_nobody(alice: User, bob: User) -> None:
    with pytest.raises(ActionRefused):
        offboarding.offboard_user(bob, alice, None, ALL, erase=False)
    assert is_active(alice)


def test_a_legal_hold_allows_only_deactivation(admin: Client, ada: User, alice: User, bob: User) -> None:
    shelf = make_collection(alice)
    retention.hold_user(ada, alice, "A dispute")
    for fields in ({"account": "erase"}, {"to": bob.email}):
        assert "under a legal hold" in offboard(admin, alice, **fields)
    assert is_active(alice) and Collection.objects.get(pk=shelf.pk).owner == alice
    offboard(admin, alice)
    assert not is_active(alice)


@pytest.mark.parametrize("name", ["alice", "gone", "nobody"])
def test_the_new_owner_is_another_active_user(admin: Client, alice: User, name: str) -> None:
    gone = make_user("gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    page = offboard(admin, alice, to=f"{name}@example.org")
    assert "another active user" in page or "No user has this name" in page
    assert is_active(alice)


def test_an_account_is_deleted_once(admin: Client, alice: User, bob: User) -> None:
    offboard(admin, alice, account="erase")
    assert "already being deleted" in offboard(admin, alice, to=bob.email)


def test_a_failure_leaves_everything_as_it_was(
    alice: User, ada: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, secret = make_collection(alice), create_token(alice, "Script", ["read"], None)

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(offboarding, "transfer_links", fail)
    with pytest.raises(RuntimeError):
        offboarding.offboard_user(ada, alice, bob, ALL, erase=True)
    assert is_active(alice) and Collection.objects.get(pk=shelf.pk).owner == alice and find_token(secret)
