"""What is older than its rule says is gone; pinned and held things stay; consent is given, never assumed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.conversations.models import Conversation
from apps.documents.models import Document
from apps.privacy import keeping
from apps.privacy.models import Keeping
from apps.users.models import User
from tests.documents.library import collection, document

pytestmark = pytest.mark.django_db
Scope = Keeping.Scope


def talk(owner: User, days: int, **also: object) -> Conversation:
    row = Conversation.objects.create(owner=owner, title="Talk", **also)
    Conversation.objects.filter(pk=row.pk).update(changed=timezone.now() - timedelta(days=days))
    return row


def there(*rows: Conversation) -> list[bool]:
    return [Conversation.objects.filter(pk=row.pk).exists() for row in rows]


def test_without_a_rule_nothing_goes(alice: User) -> None:
    row = talk(alice, 4000)
    assert keeping.sweep() == 0 and there(row) == [True]


def test_the_shorter_of_site_and_person_counts(alice: User, bob: User, ada: User) -> None:
    keeping.change(ada, Scope.SITE, 90)
    keeping.change(alice, Scope.PERSON, 7, alice.pk)
    keeping.change(bob, Scope.PERSON, 365, bob.pk)
    rows = [talk(alice, 8), talk(alice, 6), talk(bob, 91), talk(bob, 89)]
    keeping.sweep()
    assert there(*rows) == [False, True, False, True]


def test_the_own_rule_of_a_conversation_counts_whatever_the_others_say(alice: User, ada: User) -> None:
    keeping.change(ada, Scope.SITE, 30)
    long, short = talk(alice, 40), talk(alice, 3)
    keeping.change(alice, Scope.CONVERSATION, 365, long.pk)
    keeping.change(alice, Scope.CONVERSATION, 1, short.pk)
    keeping.sweep()
    assert there(long, short) == [True, False]


def test_pinned_and_held_stay(alice: User, bob: User, ada: User) -> None:
    keeping.change(ada, Scope.SITE, 1)
    pinned, held = talk(alice, 9, pinned=timezone.now()), talk(bob, 9)
    shelf = collection(bob)
    document(shelf, "Old", ["Words."])
    Document.objects.update(created=timezone.now() - timedelta(days=9))
    keeping.change(bob, Scope.COLLECTION, 7, shelf.pk)
    keeping.hold(ada, bob, "Court order 7")
    keeping.sweep()
    assert there(pinned, held) == [True, True] and shelf.documents.count() == 1
    keeping.lift(ada, bob)
    keeping.sweep()
    assert there(pinned, held) == [True, False] and shelf.documents.count() == 0


def test_people_set_rules_for_what_is_theirs_only(client: Client, alice: User, bob: User) -> None:
    shelf, row = collection(alice), talk(alice, 1)
    client.force_login(bob)
    for scope, subject in (("site", ""), ("collection", shelf.pk), ("conversation", row.pk), ("person", alice.pk)):
        sent = {"scope": scope, "subject": subject, "days": "1"}
        assert client.post("/privacy/keeping/", sent).status_code == 404
    client.force_login(alice)
    for scope, subject in (("collection", shelf.pk), ("conversation", row.pk), ("person", "")):
        assert client.post("/privacy/keeping/", {"scope": scope, "subject": subject, "days": "30"}).status_code == 302
    assert sorted(Keeping.objects.values_list("subject", flat=True)) == sorted(
        [str(shelf.pk), str(row.pk), str(alice.pk)]
    )
    assert client.post("/privacy/keeping/", {"scope": "person", "subject": "", "days": "2"}).status_code == 404
    assert client.get("/privacy/keeping/").status_code == 200


def test_the_page_is_there_for_everybody(client: Client, alice: User) -> None:
    assert "How long" in client.get("/privacy/").content.decode()
    client.force_login(alice)
    assert "not agreed" in client.get("/privacy/").content.decode()
