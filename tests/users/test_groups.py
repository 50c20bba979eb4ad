"""Administrators create groups and change their members."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.conversations.assistants import services
from apps.conversations.models import Assistant
from apps.documents.library import sharing
from apps.documents.models import Collection
from apps.users import notices
from apps.users.accounts import suspend_user
from apps.users.groups import list_visible_groups
from apps.users.models import User, UserNotice
from tests.support.pages import strip_layout


def test_a_group_is_made_filled_renamed_and_deleted(as_ada: Client, bob: User) -> None:
    as_ada.post("/people/groups/", {"name": "Team"})
    group = Group.objects.get(name="Team")
    as_ada.post(f"/people/groups/{group.pk}/", {"person": bob.pk})
    assert list(group.user_set.all()) == [bob]
    as_ada.post(f"/people/groups/{group.pk}/rename/", {"name": "Crew"})
    assert "Crew" in as_ada.get("/people/groups/").content.decode()
    as_ada.post(f"/people/groups/{group.pk}/remove/", {"person": bob.pk})
    assert not group.user_set.exists()
    assert as_ada.get(f"/people/groups/{group.pk}/delete/").status_code == 200
    assert Group.objects.exists()
    as_ada.post(f"/people/groups/{group.pk}/delete/")
    assert not Group.objects.exists()


def test_groups_cannot_share_a_name(as_ada: Client) -> None:
    Group.objects.create(name="Team")
    assert as_ada.post("/people/groups/", {"name": "Team"}).status_code == 400
    other = Group.objects.create(name="Other")
    as_ada.post(f"/people/groups/{other.pk}/rename/", {"name": "Team"})
    assert sorted(Group.objects.values_list("name", flat=True)) == ["Other", "Team"]


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "nul\0"])
def test_a_bad_name_makes_no_group(as_ada: Client, name: str) -> None:
    assert as_ada.post("/people/groups/", {"name": name}).status_code == 400
    assert not Group.objects.exists()


def test_group_refuses_a_user_who_does_not_exist(as_ada: Client) -> None:
    group = Group.objects.create(name="Team")
    assert as_ada.post(f"/people/groups/{group.pk}/", {"person": 999_999}).status_code == 400


def test_members_see_their_own_groups_and_administrators_all(ada: User, bob: User, charlie: User) -> None:
    group = Group.objects.create(name="Team")
    group.user_set.set([bob, charlie])
    suspend_user(charlie)
    assert [(item.name, item.people) for item in list_visible_groups(bob)] == [("Team", 1)]
    bob.groups.clear()
    assert not list_visible_groups(bob).exists()
    assert [item.name for item in list_visible_groups(ada)] == ["Team"]


def test_the_list_of_groups_asks_few_questions(as_ada: Client, bob: User, django_assert_max_num_queries) -> None:
    for number in range(30):
        Group.objects.create(name=f"Group {number}").user_set.add(bob)
    with django_assert_max_num_queries(11):  # groups, notices, requests to join or to break glass, sidebar
        assert as_ada.get("/people/groups/").status_code == 200


def test_groups_are_searched_sorted_and_paged(as_ada: Client, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.lib.table.ROWS", 2)
    for name in ("Night shift", "Day shift", "Board"):
        Group.objects.create(name=name)
    bob.groups.add(Group.objects.get(name="Night shift"))

    def listed(query: str) -> list[str]:
        return re.findall(
            r'<th scope="row"><a[^>]*>([^<]*)', strip_layout(as_ada.get(f"/people/groups/{query}").content.decode())
        )

    assert listed("") == ["Board", "Day shift"] and listed("?page=2") == ["Night shift"]
    assert listed("?sort=-members") == ["Night shift", "Day shift"]
    assert listed("?q=shift+day") == ["Day shift"]
    assert "No groups found." in as_ada.get("/people/groups/?q=nobody").content.decode()


def test_a_new_member_is_confirmed_and_told_but_not_the_administrator(as_ada: Client, ada: User, bob: User) -> None:
    group = Group.objects.create(name="Board")
    assert (
        f"{bob} added to the group."
        in as_ada.post(f"/people/groups/{group.pk}/", {"person": bob.pk}, follow=True).content.decode()
    )
    as_ada.post(f"/people/groups/{group.pk}/", {"person": ada.pk})
    notice = UserNotice.objects.get()
    assert notice.user == bob and notice.title.startswith(f"{ada} added you to the group “Board”.")
    assert notice.url == "/collections/"
    assert [row.pk for row in notices.list_notices(bob)["shared"]] == [notice.pk]
    page = as_ada.post(f"/people/groups/{group.pk}/remove/", {"person": bob.pk}, follow=True).content.decode()
    assert f"{bob} removed from the group." in page


def test_a_group_names_what_it_opens(as_ada: Client, ada: User) -> None:
    group = Group.objects.create(name="Board")
    path = f"/people/groups/{group.pk}/"
    assert "No collection or assistant is shared with this group yet." in as_ada.get(path).content.decode()
    sharing.share_with_group(ada, Collection.objects.create(owner=ada, name="Minutes"), group, "reader")
    services.share_assistant(ada, Assistant.objects.create(owner=ada, name="Scribe"), "editor", group=group)
    page = strip_layout(as_ada.get(path).content.decode())
    listed = page[page.index("Shared with this group") :]
    assert "Minutes" in listed and "Scribe" in listed and "Can edit" in listed
