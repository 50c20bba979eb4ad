"""Changes in the administration are made by services, each with a log entry that names the previous value."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.safety.audit_log import audit
from apps.safety.models import Event
from apps.safety.views import audit_log_rows
from apps.users.models import User
from tests.support.users import make_user


def change(client: Client, user: User, **values: object) -> str:
    """Submit the form as it is, except for these values, and return the page that follows."""
    now = {"role": user.role, "is_active": "on" if user.is_active else "", "groups": [g.pk for g in user.groups.all()]}
    sent = {key: value for key, value in {**now, **values}.items() if value not in ("", None)}
    return client.post(f"/administration/users/user/{user.pk}/change/", sent, follow=True).content.decode()


def entries() -> list[tuple[str, int | None, int | None, dict[str, object]]]:
    return [(row.kind, row.actor, row.person, row.payload) for row in Event.objects.order_by("seq")]


def test_a_role_changes_and_the_log_says_from_what(admin: Client, ada: User, alice: User) -> None:
    assert "Saved." in change(admin, alice, role="reviewer")
    alice.refresh_from_db()
    assert alice.role == User.Role.REVIEWER and alice.is_active
    assert entries() == [("person.role", ada.pk, alice.pk, {"before": "member", "after": "reviewer"})]
    assert audit.verify_chain() == []


def test_suspending_ends_every_session_and_restoring_lets_in_again(admin: Client, ada: User, alice: User) -> None:
    theirs = Client()
    theirs.force_login(alice)
    assert "Write a sentence about why." in change(admin, alice, is_active="")
    assert theirs.get("/collections/").status_code == 200, "one click suspends nobody"
    change(admin, alice, is_active="", reason="Sold her account to others.", days="7")
    assert theirs.get("/collections/").status_code == 302
    alice.refresh_from_db()
    assert not alice.is_active
    change(admin, alice, is_active="on")
    alice.refresh_from_db()
    assert alice.is_active and theirs.get("/collections/").status_code == 302  # that session is over
    assert [(kind, actor) for kind, actor, *_ in entries() if kind.startswith("person.")] == [
        ("person.suspended", ada.pk), ("person.reinstated", ada.pk)
    ]  # fmt: skip


def test_groups_of_a_person_change_one_entry_each(admin: Client, ada: User, alice: User) -> None:
    north, south = Group.objects.create(name="North"), Group.objects.create(name="South")
    alice.groups.add(north)
    change(admin, alice, groups=[south.pk])
    assert [group.name for group in alice.groups.all()] == ["South"]
    assert entries() == [
        ("group.joined", ada.pk, alice.pk, {"name": "South"}), ("group.left", ada.pk, alice.pk, {"name": "North"})
    ]  # fmt: skip


def test_what_is_not_changed_is_not_in_the_log(admin: Client, alice: User) -> None:
    assert "Saved." in change(admin, alice)
    assert entries() == []


@pytest.mark.parametrize("values", [{"role": "member"}, {"is_active": ""}, {"role": "reviewer", "is_active": ""}])
def test_the_last_administrator_stays_and_nothing_of_the_form_happens(
    admin: Client, ada: User, values: dict[str, object]
) -> None:
    group = Group.objects.create(name="North")
    words = "last administrator" if "role" in values else "Nobody suspends themselves."
    assert words in change(admin, ada, groups=[group.pk], **values)
    ada.refresh_from_db()
    assert ada.is_administrator and ada.is_active and not ada.groups.exists()
    assert entries() == []


def test_with_another_one_an_administrator_may_go(admin: Client, ada: User) -> None:
    make_user("otto", User.Role.ADMINISTRATOR)
    change(admin, ada, role="member")
    ada.refresh_from_db()
    assert not ada.is_administrator and admin.get("/administration/").status_code == 404


def test_fields_that_the_form_has_not_change_nothing(admin: Client, alice: User) -> None:
    kept = ("email", "password", "is_superuser", "name", "date_joined", "instructions")
    before = User.objects.filter(pk=alice.pk).values(*kept).get()
    more = {"email": "x@example.org", "password": "x", "is_superuser": "on", "name": "X", "instructions": "X", "id": 1}
    change(admin, alice, **more)
    assert User.objects.filter(pk=alice.pk).values(*kept).get() == before


@pytest.mark.parametrize("values", [{"role": "god"}, {"groups": ["999999"]}, {"groups": ["x"]}, {"role": ""}])
def test_what_makes_no_sense_is_told_and_changes_nothing(admin: Client, alice: User, values: dict[str, object]) -> None:
    assert "Saved." not in change(admin, alice, **values)
    alice.refresh_from_db()
    assert alice.role == User.Role.MEMBER and entries() == []


def test_a_group_is_renamed_and_the_log_names_both(admin: Client, ada: User) -> None:
    group = Group.objects.create(name="Team")
    page = f"/administration/auth/group/{group.pk}/change/"
    assert "Saved." in admin.post(page, {"name": "Northerners"}, follow=True).content.decode()
    assert entries() == [("group.renamed", ada.pk, None, {"before": "Team", "after": "Northerners"})]
    [entry] = audit_log_rows.make_rows(Event.objects.all())
    assert (entry.words, entry.who, entry.subject) == ("Renamed a group", "Ada", f"Group {group.pk}")
    assert ("Before", "Team") in entry.details and ("After", "Northerners") in entry.details


@pytest.mark.parametrize("name", ["South", "", "x" * 81])
def test_a_name_that_is_taken_empty_or_long_is_told(admin: Client, name: str) -> None:
    Group.objects.create(name="South")
    group = Group.objects.create(name="Team")
    said = admin.post(f"/administration/auth/group/{group.pk}/change/", {"name": name}).content.decode()
    assert "errornote" in said
    assert Group.objects.filter(name="Team").exists() and entries() == []


def test_a_row_that_is_gone_is_told(admin: Client) -> None:
    for part in ("users/user/999999", "auth/group/999999", "auth/group/x", "documents/collection/x"):
        assert admin.get(f"/administration/{part}/change/").status_code in (302, 404)


def test_a_collection_is_looked_at_and_never_changed(admin: Client, alice: User) -> None:
    from tests.documents.factories import collection

    shelf = collection(alice)
    page = f"/administration/documents/collection/{shelf.pk}/change/"
    assert admin.post(page, {"name": "Taken", "owner": alice.pk}).status_code == 403
    shelf.refresh_from_db()
    assert shelf.name != "Taken" and entries() == []
