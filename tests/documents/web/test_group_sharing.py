"""Sharing with a group: whoever belongs to it has what is shared with it, as long as they belong to it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.documents.models import Collection, GroupShare, Role
from apps.users.models import User
from tests.factories import make_client


@pytest.fixture
def team(alice: User, bob: User) -> Group:
    group = Group.objects.create(name="Team")
    group.user_set.set([alice, bob])
    return group


def share(client: Client, collection: Collection, group: Group, role: str = "reader") -> int:
    return client.post(f"/collections/{collection.pk}/people/groups/", {"group": group.pk, "role": role}).status_code


def can_read(person: User, collection: Collection) -> bool:
    client = make_client(person)
    return client.get(f"/collections/{collection.pk}/").status_code == 200


def test_people_of_a_group_read_what_is_shared_with_it(
    alice_client: Client, collection: Collection, team: Group, bob: User, charlie: User
) -> None:
    assert not can_read(bob, collection)
    assert share(alice_client, collection, team) == 302
    assert can_read(bob, collection)
    assert not can_read(charlie, collection)
    team.user_set.add(charlie)
    assert can_read(charlie, collection)
    team.user_set.remove(charlie)
    assert not can_read(charlie, collection)


def test_readers_of_a_group_edit_nothing_and_editors_own_nothing(
    alice_client: Client, collection: Collection, team: Group, bob: User
) -> None:
    share(alice_client, collection, team)
    assert collection not in Collection.objects.editable_by(bob)
    share(alice_client, collection, team, "editor")
    assert collection in Collection.objects.editable_by(bob)
    assert collection not in Collection.objects.owned_by(bob)
    share(alice_client, collection, team, "owner")
    assert collection in Collection.objects.owned_by(bob)
    assert GroupShare.objects.count() == 1


def test_sharing_with_a_group_ends_at_once(
    alice_client: Client, collection: Collection, team: Group, bob: User
) -> None:
    share(alice_client, collection, team)
    alice_client.post(f"/collections/{collection.pk}/people/groups/remove/", {"group": team.pk})
    assert not can_read(bob, collection)


def test_an_owner_who_takes_away_their_own_right_is_led_to_the_list(
    alice_client: Client, collection: Collection, team: Group, bob: User
) -> None:
    share(alice_client, collection, team, "owner")
    client = make_client(bob)
    left = client.post(f"/collections/{collection.pk}/people/groups/remove/", {"group": team.pk}, follow=True)
    assert left.redirect_chain == [("/collections/", 302)]
    assert "no longer an owner of “Library”" in left.content.decode()


def test_a_collection_shared_twice_with_a_person_is_there_once(
    alice_client: Client, collection: Collection, team: Group, bob: User
) -> None:
    share(alice_client, collection, team)
    collection.members.add(bob)
    assert list(Collection.objects.visible_to(bob)) == [collection]


def test_sharing_with_a_group_of_others_is_refused(alice_client: Client, collection: Collection, charlie: User) -> None:
    others = Group.objects.create(name="Others")
    others.user_set.add(charlie)
    assert share(alice_client, collection, others) == 400
    assert not GroupShare.objects.exists()
    page = alice_client.get(f"/collections/{collection.pk}/people/").content.decode()
    assert "Others" not in page and "Share with group" not in page


def test_an_owner_who_left_a_group_can_still_change_and_end_the_share(
    alice_client: Client, collection: Collection, team: Group, alice: User
) -> None:
    share(alice_client, collection, team)
    team.user_set.remove(alice)
    assert share(alice_client, collection, team, "editor") == 302
    assert GroupShare.objects.get().role == Role.EDITOR
    alice_client.post(f"/collections/{collection.pk}/people/groups/remove/", {"group": team.pk})
    assert not GroupShare.objects.exists()


def test_the_page_says_in_words_who_can_see_answers(alice_client: Client, collection: Collection, team: Group) -> None:
    share(alice_client, collection, team)
    page = alice_client.get(f"/collections/{collection.pk}/people/").content.decode()
    assert "everyone in Team (2)" in page


def test_deleting_a_group_ends_what_was_shared_with_it(
    alice_client: Client, collection: Collection, team: Group, bob: User
) -> None:
    share(alice_client, collection, team)
    team.delete()
    assert not can_read(bob, collection)


@pytest.mark.parametrize("data", [{}, {"group": "x", "role": "reader"}, {"group": "999999", "role": "reader"}])
def test_bad_input_shares_nothing(alice_client: Client, collection: Collection, data: dict[str, str]) -> None:
    assert alice_client.post(f"/collections/{collection.pk}/people/groups/", data).status_code == 400
    assert not GroupShare.objects.exists()


def test_a_group_with_access_is_not_offered_again(
    alice_client: Client, collection: Collection, team: Group, alice: User
) -> None:
    other = Group.objects.create(name="Other")
    other.user_set.add(alice)
    option = '<option value="{}">{}</option>'
    share(alice_client, collection, team)
    page = alice_client.get(f"/collections/{collection.pk}/people/").content.decode()
    assert option.format(other.pk, "Other") in page and option.format(team.pk, "Team") not in page
    share(alice_client, collection, other)
    page = alice_client.get(f"/collections/{collection.pk}/people/").content.decode()
    assert "Share with group" not in page and "This collection is shared with all your groups." in page


def test_groups_are_not_mentioned_to_a_user_without_any(alice_client: Client, collection: Collection) -> None:
    assert "<h2>Groups</h2>" not in alice_client.get(f"/collections/{collection.pk}/people/").content.decode()


def test_the_page_names_the_owner(alice_client: Client, collection: Collection, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(name="Alice Archer")
    page = alice_client.get(f"/collections/{collection.pk}/people/").content.decode()
    assert '<span class="title">Alice Archer</span>' in page and alice.email in page
