"""Changes of users and groups are made by services, each with an audit entry that names the previous value."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.safety.audit_log import audit
from apps.safety.models import AuditEntry
from apps.safety.views import audit_log_rows
from apps.users.models import User
from tests.factories import make_user


def change_groups(client: Client, user: User, *groups: Group) -> str:
    """Submit the groups of a user, and return the page that follows."""
    sent = {"groups": [group.pk for group in groups]}
    return client.post(f"/people/{user.pk}/groups/", sent, follow=True).content.decode()


def entries() -> list[tuple[str, int | None, int | None, dict[str, object]]]:
    return [(row.kind, row.actor, row.user, row.payload) for row in AuditEntry.objects.order_by("seq")]


def test_a_role_changes_and_the_log_says_from_what(admin: Client, ada: User, alice: User) -> None:
    assert "Saved." in admin.post(f"/people/{alice.pk}/role/", {"role": "reviewer"}, follow=True).content.decode()
    alice.refresh_from_db()
    assert alice.role == User.Role.REVIEWER and alice.is_active
    assert entries() == [("person.role", ada.pk, alice.pk, {"before": "member", "after": "reviewer"})]
    assert audit.verify_chain() == []


def test_suspending_and_reinstating_are_in_the_log(admin: Client, ada: User, alice: User) -> None:
    admin.post(f"/people/{alice.pk}/suspend/", {"reason": "Sold her account to others.", "days": "7"})
    assert "Suspended" in admin.get(f"/people/{alice.pk}/").content.decode()
    admin.post(f"/people/{alice.pk}/active/")
    assert [(kind, actor) for kind, actor, *_ in entries() if kind.startswith("person.")] == [
        ("person.suspended", ada.pk), ("person.reinstated", ada.pk)
    ]  # fmt: skip


def test_groups_of_a_user_change_one_entry_each(admin: Client, ada: User, alice: User) -> None:
    north, south = Group.objects.create(name="North"), Group.objects.create(name="South")
    alice.groups.add(north)
    assert "Saved." in change_groups(admin, alice, south)
    assert [group.name for group in alice.groups.all()] == ["South"]
    assert entries() == [
        ("group.joined", ada.pk, alice.pk, {"name": "South"}), ("group.left", ada.pk, alice.pk, {"name": "North"})
    ]  # fmt: skip


def test_unchanged_groups_and_roles_are_not_in_the_log(admin: Client, alice: User) -> None:
    north = Group.objects.create(name="North")
    alice.groups.add(north)
    change_groups(admin, alice, north)
    admin.post(f"/people/{alice.pk}/role/", {"role": "member"})
    assert entries() == []


@pytest.mark.parametrize("groups", [["999999"], ["x"]])
def test_a_group_that_does_not_exist_is_told_and_changes_nothing(admin: Client, alice: User, groups: list[str]) -> None:
    alice.groups.add(Group.objects.create(name="North"))
    page = admin.post(f"/people/{alice.pk}/groups/", {"groups": groups}, follow=True).content.decode()
    assert "no longer exists" in page and alice.groups.count() == 1 and entries() == []


def test_a_special_permission_is_given_on_the_page_of_a_user(admin: Client, ada: User, morgan: User) -> None:
    page = admin.post(f"/people/{morgan.pk}/break-glass/", {"named": "yes"}, follow=True).content.decode()
    morgan.refresh_from_db()
    assert morgan.may_break_glass and "Withdraw" in page
    assert [(actor, person) for _, actor, person, _ in entries()] == [(ada.pk, morgan.pk)]


def test_an_administrator_who_gives_up_the_role_leaves_the_administration(admin: Client, ada: User) -> None:
    make_user("otto", User.Role.ADMINISTRATOR)
    assert admin.post(f"/people/{ada.pk}/role/", {"role": "member"})["Location"] == "/"
    assert admin.get("/administration/models/").status_code == 404


def test_a_group_is_renamed_and_the_log_names_both(admin: Client, ada: User) -> None:
    group = Group.objects.create(name="Team")
    admin.post(f"/people/groups/{group.pk}/rename/", {"name": "Northerners"})
    assert entries() == [("group.renamed", ada.pk, None, {"before": "Team", "after": "Northerners"})]
    [entry] = audit_log_rows.make_rows(AuditEntry.objects.all())
    assert (entry.event, entry.actor, entry.subject) == ("Group renamed", "Ada", "Group Northerners")
    assert ("Before", "Team") in entry.details and ("After", "Northerners") in entry.details


@pytest.mark.parametrize("name", ["South", "", "x" * 81])
def test_a_name_that_is_taken_empty_or_long_changes_nothing(admin: Client, name: str) -> None:
    Group.objects.create(name="South")
    group = Group.objects.create(name="Team")
    admin.post(f"/people/groups/{group.pk}/rename/", {"name": name})
    assert Group.objects.filter(name="Team").exists() and entries() == []
