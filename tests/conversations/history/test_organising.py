"""Pins, folders, the archive, and deleting many with a way back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.conversations.history import conversation_actions
from apps.conversations.history.sidebar import load_sidebar
from apps.conversations.models import Conversation, Folder, Message
from apps.conversations.turns import runner
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.conversations.conftest import writes_on
from tests.factories import make_client

pytestmark = pytest.mark.django_db(transaction=True)


def make_conversations(owner: User, *titles: str) -> list[Conversation]:
    return [Conversation.objects.create(owner=owner, title=title) for title in titles]


def change(user: User, do: str, rows: list[Conversation], **also: str):
    return make_client(user).post("/conversations/change/", {"do": do, "id": [str(row.pk) for row in rows], **also})


def titles(rows) -> list[str]:
    return [row.title for row in rows]


def test_pinned_and_filed_conversations_stand_apart_and_archived_ones_leave_the_list(alice: User) -> None:
    one, two, three, _ = make_conversations(alice, "one", "two", "three", "four")
    change(alice, "pin", [one])
    change(alice, "move", [two], name="  Birds ")
    change(alice, "archive", [three])
    found = load_sidebar(alice)
    assert titles(found.pinned.rows) == ["one"] and titles(found.recent.rows) == ["four"]
    assert {part.name: titles(part.rows) for part in found.folders} == {"Birds": ["two"]}
    page = make_client(alice)
    assert titles(page.get("/conversations/all/?show=archived").context["rows"]) == ["three"]
    assert titles(page.get(f"/conversations/all/?show={Folder.objects.get().pk}").context["rows"]) == ["two"]
    change(alice, "unarchive", [three])
    change(alice, "unpin", [one])
    change(alice, "move", [two])
    assert sorted(titles(load_sidebar(alice).recent.rows)) == ["four", "one", "three", "two"]


def test_conversations_deleted_together_are_restored_together(alice: User) -> None:
    one, two, three = make_conversations(alice, "one", "two", "three")
    page = make_client(alice)
    after = page.post("/conversations/change/", {"do": "delete", "id": [one.pk, two.pk]}, follow=True)
    assert titles(after.context["rows"]) == ["three"] and "2 conversations deleted." in after.content.decode()
    assert page.get(f"/c/{one.pk}/").status_code == 404
    change(alice, "delete", [three])
    at = Conversation.objects.get(pk=one.pk).deleted.isoformat()
    assert f'value="{at}"' in after.content.decode(), "the button of that moment"
    page.post("/conversations/change/", {"do": "restore", "at": at})
    assert sorted(titles(load_sidebar(alice).recent.rows)) == ["one", "two"], (
        "what was deleted before or later stays away"
    )
    for senseless in ("", "yesterday", "2026-01-01"):
        page.post("/conversations/change/", {"do": "restore", "at": senseless})
    assert len(load_sidebar(alice).recent.rows) == 2


def test_deletion_message_counts_only_deleted_conversations(alice: User, bob: User) -> None:
    one, two = make_conversations(alice, "one", "two")
    (his,) = make_conversations(bob, "his")
    conversation_actions.delete_conversations(alice, [two.pk])
    after = make_client(alice).post(
        "/conversations/change/", {"do": "delete", "id": [one.pk, one.pk, two.pk, his.pk]}, follow=True
    )
    assert "1 conversation deleted." in after.content.decode()
    after = make_client(alice).post("/conversations/change/", {"do": "delete", "id": [his.pk]}, follow=True)
    assert "deleted." not in after.content.decode()


def test_deleted_conversation_is_purged_after_an_hour(alice: User) -> None:
    old, new = make_conversations(alice, "old", "new")
    conversation_actions.delete_conversations(alice, [old.pk, new.pk])
    Conversation.objects.filter(pk=old.pk).update(deleted=timezone.now() - timedelta(minutes=61))
    assert conversation_actions.undelete(alice, [old.pk]) == 0
    assert conversation_actions.purge_deleted() == 1 and titles(Conversation.objects.all()) == ["new"]
    assert conversation_actions.undelete(alice, [new.pk]) == 1


def test_conversations_of_another_user_are_not_changed(alice: User, bob: User) -> None:
    (hers,) = make_conversations(alice, "hers")
    folder = Folder.objects.create(owner=alice, name="Birds")
    for do in ("pin", "archive", "delete", "move", "nonsense"):
        change(bob, do, [hers], folder=str(folder.pk))
    (his,) = make_conversations(bob, "his")
    change(bob, "move", [his], folder=str(folder.pk))
    his.refresh_from_db()
    assert his.folder is None and titles(load_sidebar(alice).recent.rows) == ["hers"]
    conversation_actions.delete_conversations(alice, [hers.pk])
    change(bob, "bring_back", [hers])
    assert load_sidebar(alice).recent.rows == []


def test_a_folder_is_renamed_and_removed_and_its_conversations_stay(alice: User) -> None:
    (one,) = make_conversations(alice, "one")
    change(alice, "move", [one], name="Birds")
    Folder.objects.create(owner=alice, name="Taken")
    pk, page = Folder.objects.get(name="Birds").pk, make_client(alice)
    for name, expected in (("Taken", "Birds"), (" ", "Birds"), ("Sea birds", "Sea birds")):
        page.post(f"/folders/{pk}/", {"name": name})
        assert Folder.objects.get(pk=pk).name == expected
    page.post(f"/folders/{pk}/", {"do": "delete"})
    assert titles(load_sidebar(alice).recent.rows) == ["one"]


async def test_an_answer_ends_when_its_conversation_is_deleted(open_page, alice, library, chat, monkeypatch) -> None:
    monkeypatch.setattr("apps.conversations.turns.runner.CHECKPOINT_S", 0.05)
    writes_on(chat)
    page = await open_page(alice)
    first = await page.ask("How high was the lighthouse of Alexandria?")
    await page.hear("text")
    await in_db(conversation_actions.delete_conversations, alice, [first["conversation"]])
    await runner.wait_until_idle()
    assert chat.running == 0 and chat.aborted == 1
    assert await Message.objects.filter(pk=first["turn"]).aexists(), "it may be brought back"


def test_a_change_leads_back_within_the_site_only(alice: User) -> None:
    (one,) = make_conversations(alice, "one")
    assert (
        change(alice, "pin", [one], back="/conversations/all/?show=pinned")["Location"]
        == "/conversations/all/?show=pinned"
    )
    for elsewhere in ("https://example.org/", "//example.org", "javascript:alert(1)", ""):
        assert change(alice, "pin", [one], back=elsewhere)["Location"] == "/conversations/all/"
