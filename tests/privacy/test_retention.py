"""Retention rules: expired things are deleted, pinned and held ones are kept."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.conversations.models import Conversation
from apps.documents.models import Document
from apps.privacy import retention
from apps.privacy.models import RetentionRule
from apps.users.models import User
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db
Scope = RetentionRule.Scope


def talk(owner: User, days: int, **also: object) -> Conversation:
    row = Conversation.objects.create(owner=owner, title="Talk", **also)
    Conversation.objects.filter(pk=row.pk).update(changed=timezone.now() - timedelta(days=days))
    return row


def there(*rows: Conversation) -> list[bool]:
    return [Conversation.objects.filter(pk=row.pk).exists() for row in rows]


def test_conversations_are_kept_without_a_retention_rule(alice: User) -> None:
    row = talk(alice, 4000)
    assert retention.delete_expired() == 0 and there(row) == [True]


def test_the_shorter_of_site_and_person_counts(alice: User, bob: User, ada: User) -> None:
    retention.change_rule(ada, Scope.SITE, 90)
    retention.change_rule(alice, Scope.USER, 7, alice.pk)
    retention.change_rule(bob, Scope.USER, 365, bob.pk)
    rows = [talk(alice, 8), talk(alice, 6), talk(bob, 91), talk(bob, 89)]
    retention.delete_expired()
    assert there(*rows) == [False, True, False, True]


def test_the_own_rule_of_a_conversation_counts_whatever_the_others_say(alice: User, ada: User) -> None:
    retention.change_rule(ada, Scope.SITE, 30)
    long, short = talk(alice, 40), talk(alice, 3)
    retention.change_rule(alice, Scope.CONVERSATION, 365, long.pk)
    retention.change_rule(alice, Scope.CONVERSATION, 1, short.pk)
    retention.delete_expired()
    assert there(long, short) == [True, False]


def test_pinned_and_held_stay(alice: User, bob: User, ada: User) -> None:
    retention.change_rule(ada, Scope.SITE, 1)
    pinned, held = talk(alice, 9, pinned=timezone.now()), talk(bob, 9)
    collection = make_collection(bob)
    make_document(collection, "Old", ["Words."])
    Document.objects.update(created=timezone.now() - timedelta(days=9))
    retention.change_rule(bob, Scope.COLLECTION, 7, collection.pk)
    retention.hold_user(ada, bob, "Court order 7")
    retention.delete_expired()
    assert there(pinned, held) == [True, True] and collection.documents.count() == 1
    retention.lift_user_hold(ada, bob, "The case is over")
    retention.delete_expired()
    assert there(pinned, held) == [True, False] and collection.documents.count() == 0


def test_older_chats_without_a_rule_keep_no_due_one_alive(alice: User, bob: User, ada: User) -> None:
    for _ in range(60):
        talk(alice, 400)
    retention.change_rule(bob, Scope.USER, 1, bob.pk)
    long, due = talk(bob, 200), talk(bob, 10)
    retention.change_rule(bob, Scope.CONVERSATION, 365, long.pk)
    retention.delete_expired()
    assert there(long, due) == [True, False] and Conversation.objects.filter(owner=alice).count() == 60


def test_chats_with_longer_rules_of_their_own_keep_no_due_one_alive(alice: User, ada: User) -> None:
    retention.change_rule(ada, Scope.SITE, 30)
    for _ in range(60):
        retention.change_rule(alice, Scope.CONVERSATION, 365, talk(alice, 200).pk)
    due = talk(alice, 31)
    assert retention.delete_expired() == 1 and there(due) == [False]


def test_conversation_that_cannot_be_deleted_does_not_keep_others(
    alice: User, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention.change_rule(ada, Scope.SITE, 30)
    broken, due = talk(alice, 50), talk(alice, 40)
    real = retention.delete_permanently

    def remove(pks: list[object]) -> None:
        if broken.pk in pks:
            raise KeyError("what nobody has foreseen")
        real(pks)  # type: ignore[arg-type]

    monkeypatch.setattr(retention, "delete_permanently", remove)
    with pytest.raises(Exception, match="what nobody has foreseen"):
        retention.delete_expired()
    assert there(broken, due) == [True, False]


def test_documents_go_by_the_age_of_their_content(alice: User) -> None:
    collection = make_collection(alice)
    retention.change_rule(alice, Scope.COLLECTION, 7, collection.pk)
    names = ("fetched anew", "fetched long ago", "replaced lately", "read again lately", "uploaded long ago")
    rows = {name: make_document(collection, name, ["Words."]) for name in names}
    old, lately = timezone.now() - timedelta(days=30), timezone.now() - timedelta(days=1)
    Document.objects.update(created=old)
    Document.objects.filter(pk=rows["fetched anew"].pk).update(fetched=lately)
    Document.objects.filter(pk=rows["fetched long ago"].pk).update(fetched=old)
    for name, sha256 in (("replaced lately", "other"), ("read again lately", rows["read again lately"].sha256)):
        version = Document.all_objects.create(
            collection=collection, name=name, file="documents/x", sha256=sha256, size=1, status="replaced",
            replaces=rows[name],
        )  # fmt: skip
        Document.all_objects.filter(pk=version.pk).update(created=lately)
    retention.delete_expired()
    left = {name for name, row in rows.items() if Document.objects.filter(pk=row.pk).exists()}
    assert left == {"fetched anew", "replaced lately"}


def test_people_set_rules_for_what_is_theirs_only(client: Client, alice: User, bob: User) -> None:
    collection, row = make_collection(alice), talk(alice, 1)
    client.force_login(bob)
    for scope, subject in (("site", ""), ("collection", collection.pk), ("conversation", row.pk), ("person", alice.pk)):
        sent = {"scope": scope, "subject": subject, "days": "1"}
        assert client.post("/privacy/keeping/", sent).status_code == 404
    client.force_login(alice)
    for scope, subject in (("collection", collection.pk), ("conversation", row.pk), ("person", "")):
        assert client.post("/privacy/keeping/", {"scope": scope, "subject": subject, "days": "30"}).status_code == 302
    assert sorted(RetentionRule.objects.values_list("subject", flat=True)) == sorted(
        [str(collection.pk), str(row.pk), str(alice.pk)]
    )
    assert client.post("/privacy/keeping/", {"scope": "person", "subject": "", "days": "2"}).status_code == 404
    assert client.get("/privacy/keeping/").status_code == 200


def test_the_page_is_there_for_everybody(client: Client, alice: User) -> None:
    assert "How long" in client.get("/privacy/").content.decode()
    client.force_login(alice)
    page = client.get("/privacy/").content.decode()
    assert "not agreed" in page
    assert "random check" not in page  # none is made, and none is a reason to read


def test_retention_row_without_its_own_rule_names_the_limit_that_applies(
    client: Client, alice: User, ada: User
) -> None:
    client.force_login(alice)
    Conversation.objects.create(owner=alice, title="Boiler")
    retention.change_rule(ada, Scope.SITE, 60)
    page = client.get("/privacy/keeping/").content.decode()
    assert page.count("At most 60 days (this site)") == 2 and "Until deleted" not in page
    assert page.count('value="90"') == 1, "all of one's conversations cannot be kept longer than the site keeps them"
    retention.change_rule(alice, Scope.USER, 30, alice.pk)
    page = client.get("/privacy/keeping/").content.decode()
    assert "30 days (all my conversations)" in page and page.count("At most 60 days (this site)") == 1


def test_a_limit_that_is_no_choice_stays_when_the_administrator_saves_it(client: Client, ada: User) -> None:
    client.force_login(ada)
    retention.change_rule(ada, Scope.SITE, 730)
    assert re.search(r'value="730"\s+selected', client.get("/privacy/keeping/").content.decode())
    assert client.post("/privacy/keeping/", {"scope": "site", "subject": "", "days": "730"}).status_code == 302
    assert retention.get_rule_days(Scope.SITE) == 730


def test_the_longer_own_time_is_not_promised(client: Client, alice: User, ada: User) -> None:
    client.force_login(alice)
    retention.change_rule(alice, Scope.USER, 365, alice.pk)
    retention.change_rule(ada, Scope.SITE, 60)
    page = client.get("/privacy/").content.decode()
    assert "kept for 60 days" in page and "kept for 365 days" not in page


def test_the_page_says_that_staff_can_read_in_which_cases(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/privacy/").content.decode()
    assert "users to whom you give a link, and staff" in page and "or by emergency access. Each reading" in page
    assert 'href="/notices/?show=reads#reads"' in page
