"""Sharing: by address, without telling who has an account."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.test import Client

from apps.documents.models import Collection, Document, GroupShare, Membership, PendingMembership
from apps.users.models import User
from tests.factories import make_client, make_user
from tests.support.pages import strip_layout


def share(client: Client, collection: Collection, email: str, role: str = "reader"):
    return client.post(f"/collections/{collection.pk}/people/", {"email": email, "role": role}, follow=True)


def roles(collection: Collection) -> dict[str, str]:
    return dict(Membership.objects.filter(collection=collection).values_list("user__email", "role"))


def test_a_reader_sees_files_and_no_controls(alice_client: Client, collection: Collection, bob: User) -> None:
    share(alice_client, collection, bob.email)
    theirs = make_client(bob)
    page = theirs.get(f"/collections/{collection.pk}/").content.decode()
    assert "Shared with you by Alice" in page
    assert "data-upload" not in page and 'type="file"' not in page and "upload.js" not in page


def test_a_role_changes_by_sharing_again(alice_client: Client, collection: Collection, bob: User) -> None:
    share(alice_client, collection, bob.email)
    share(alice_client, collection, "Bob@Example.org", "editor")
    assert roles(collection) == {bob.email: "editor"}


def test_access_that_is_taken_away_ends_at_once(alice_client: Client, collection: Collection, bob: User) -> None:
    share(alice_client, collection, bob.email)
    alice_client.post(f"/collections/{collection.pk}/people/remove/", {"email": bob.email})
    theirs = make_client(bob)
    assert theirs.get(f"/collections/{collection.pk}/").status_code == 404


def test_known_and_unknown_addresses_look_the_same(alice_client: Client, collection: Collection, bob: User) -> None:
    known = share(alice_client, collection, bob.email).content.decode()
    alice_client.post(f"/collections/{collection.pk}/people/remove/", {"email": bob.email})
    unknown = share(alice_client, collection, "nobody@example.org").content.decode()

    def plain(page: str, email: str) -> str:
        page = re.sub(r'(name="csrfmiddlewaretoken" value="|"x-csrftoken": "|data-now=")[^"]*', "", page)
        return page.replace(email, "ADDRESS")

    assert plain(known, bob.email) == plain(unknown, "nobody@example.org")
    assert "Bob" not in known and "If no account has this e-mail address yet" in known


def test_the_card_of_a_collection_tells_its_owner_who_reads_it(
    alice_client: Client, collection: Collection, bob: User
) -> None:
    def card(client: Client) -> str:
        return " ".join(strip_layout(client.get("/collections/").content.decode()).split())

    assert "shared with" not in card(alice_client)
    share(alice_client, collection, bob.email)
    share(alice_client, collection, "nobody@example.org")
    GroupShare.objects.create(collection=collection, group=Group.objects.create(name="Crew"), role="reader")
    assert "shared with Crew" in card(alice_client) and "shared with 2 users" in card(alice_client)
    assert "shared with" not in card(make_client(bob))
    alice_client.post(f"/collections/{collection.pk}/people/everyone/", {"everyone": "on"})
    assert "shared with everyone" in card(alice_client) and "shared with Crew" not in card(alice_client)


def test_an_address_without_account_gets_access_once_it_is_confirmed(
    alice_client: Client, collection: Collection
) -> None:
    share(alice_client, collection, "dana@example.org", "editor")
    dana = make_user("dana")
    EmailAddress.objects.filter(user=dana).update(verified=False)
    theirs = make_client(dana)
    theirs.get("/collections/")
    assert collection not in Collection.objects.visible_to(dana)  # anybody could have signed up with that address
    EmailAddress.objects.filter(user=dana).update(verified=True)
    theirs.get("/collections/")
    assert roles(collection) == {"dana@example.org": "editor"}
    assert not PendingMembership.objects.exists()


def test_withdrawn_share_does_not_arrive_later(alice_client: Client, collection: Collection) -> None:
    share(alice_client, collection, "dana@example.org")
    alice_client.post(f"/collections/{collection.pk}/people/remove/", {"email": "dana@example.org"})
    assert not PendingMembership.objects.exists()


@pytest.mark.parametrize("data", [{"email": "no address", "role": "reader"}, {"email": "a@b.org", "role": "god"}, {}])
def test_bad_input_shares_nothing(alice_client: Client, collection: Collection, data: dict[str, str]) -> None:
    response = alice_client.post(f"/collections/{collection.pk}/people/", data)
    assert response.status_code == 400
    assert not Membership.objects.exists() and not PendingMembership.objects.exists()


def test_the_owner_cannot_lower_their_own_role(alice_client: Client, collection: Collection, alice: User) -> None:
    share(alice_client, collection, alice.email)
    assert roles(collection) == {}
    assert alice_client.get(f"/collections/{collection.pk}/people/").status_code == 200


def test_collection_is_readable_by_everyone_while_the_switch_is_on(
    alice_client: Client, collection: Collection, charlie: User
) -> None:
    theirs = make_client(charlie)
    alice_client.post(f"/collections/{collection.pk}/people/everyone/", {"everyone": "on"})
    assert theirs.get(f"/collections/{collection.pk}/").status_code == 200
    assert theirs.post(f"/collections/{collection.pk}/upload/").status_code == 404
    alice_client.post(f"/collections/{collection.pk}/people/everyone/")
    assert theirs.get(f"/collections/{collection.pk}/").status_code == 404


def test_sharing_with_everyone_asks_first_and_is_confirmed(alice_client: Client, collection: Collection) -> None:
    Document.objects.create(collection=collection, name="a.txt", size=1)
    path = f"/collections/{collection.pk}/people/"
    _, _, dialog = strip_layout(alice_client.get(path).content.decode()).partition('<dialog id="share-everyone"')
    assert "will be able to read the 1 document of this collection" in dialog
    shared = alice_client.post(f"{path}everyone/", {"everyone": "on"}, follow=True).content.decode()
    assert "Shared with all users of this site." in shared and "share-everyone" not in shared
    ended = alice_client.post(f"{path}everyone/", follow=True).content.decode()
    assert "No longer shared with all users of this site." in ended


def test_the_page_says_who_can_see_answers(alice_client: Client, collection: Collection) -> None:
    page = alice_client.get(f"/collections/{collection.pk}/people/").content.decode()
    assert "Who can see answers from this collection" in page
    assert "shared with them by link" in page


def test_account_with_an_unverified_address_gets_no_share(
    alice_client: Client, collection: Collection, bob: User
) -> None:
    EmailAddress.objects.filter(user=bob).update(verified=False)
    share(alice_client, collection, bob.email)
    theirs = make_client(bob)
    theirs.get("/collections/")
    assert theirs.get(f"/collections/{collection.pk}/").status_code == 404
    assert roles(collection) == {}


def test_share_arrives_when_an_administrator_confirms_the_address(
    alice_client: Client, collection: Collection, bob: User, ada: User
) -> None:
    EmailAddress.objects.filter(user=bob).update(verified=False)
    share(alice_client, collection, bob.email)
    admin = make_client(ada)
    admin.post(f"/people/{bob.pk}/address/")
    theirs = make_client(bob)
    theirs.get("/")
    assert theirs.get(f"/collections/{collection.pk}/").status_code == 200


def test_an_address_of_the_owner_changes_nothing_and_is_told(
    alice_client: Client, collection: Collection, alice: User, bob: User
) -> None:
    page = share(alice_client, collection, alice.email).content.decode()
    assert "You own this collection." in page and "Shared with" not in page
    EmailAddress.objects.filter(user=alice).update(verified=False)
    assert "You own this collection." in share(alice_client, collection, alice.email).content.decode()
    share(alice_client, collection, bob.email, "owner")
    EmailAddress.objects.filter(user=alice).update(verified=True)
    assert "Alice owns this collection." in share(make_client(bob), collection, alice.email).content.decode()
    assert roles(collection) == {bob.email: "owner"} and not PendingMembership.objects.exists()
