"""Pages of users and invitations: for administrators only; one administrator always remains."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.users.invitations import create_invitation
from apps.users.models import Invitation, User
from apps.users.special_permissions import SEALED
from tests.factories import make_user
from tests.support.password import PASSWORD


def test_the_page_lists_people(admin: Client, alice: User) -> None:
    assert "alice@example.org" in admin.get("/people/").content.decode()


@pytest.mark.parametrize("name", ["alice", "morgan"])
def test_the_page_does_not_exist_for_others(
    client: Client, db: None, request: pytest.FixtureRequest, name: str
) -> None:
    client.force_login(request.getfixturevalue(name))
    assert client.get("/people/").status_code == 404
    assert client.post("/people/", {"email": ""}).status_code == 404
    assert not Invitation.objects.exists()


def test_users_cannot_make_themselves_administrators(client: Client, alice: User, ada: User) -> None:
    client.force_login(alice)
    assert client.post(f"/people/{alice.pk}/role/", {"role": "administrator"}).status_code == 404
    assert client.post(f"/people/{ada.pk}/active/").status_code == 404
    alice.refresh_from_db()
    ada.refresh_from_db()
    assert (alice.role, ada.is_active) == (User.Role.MEMBER, True)


def test_anonymous_people_are_asked_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/people/")["Location"] == "/accounts/login/?next=/people/"


def test_a_new_invitation_shows_its_link_once(admin: Client) -> None:
    page = admin.post("/people/", {"email": ""}).content.decode()
    assert "http://localhost:8000/accounts/signup/?invitation=" in page
    assert "invitation=" not in admin.get("/people/").content.decode()


def test_a_revoked_invitation_no_longer_works(admin: Client, ada: User) -> None:
    link = create_invitation(ada)
    admin.post(f"/people/invitations/{Invitation.objects.get().pk}/revoke/")
    response = Client().get(link.removeprefix("http://localhost:8000"), follow=True)
    assert "by invitation" in response.content.decode()


def test_a_bad_address_is_told_and_kept(admin: Client) -> None:
    response = admin.post("/people/", {"email": "not an address"})
    assert response.status_code == 400
    assert "not an address" in response.content.decode()


def test_roles_change(admin: Client, alice: User) -> None:
    admin.post(f"/people/{alice.pk}/role/", {"role": "reviewer"})
    alice.refresh_from_db()
    assert alice.role == User.Role.REVIEWER


def test_a_role_changes_after_the_password(client: Client, ada: User, alice: User) -> None:
    client.force_login(ada)
    asked = client.post(f"/people/{alice.pk}/role/", {"role": "administrator"})["Location"]
    assert "Enter your password to continue" in client.get(asked).content.decode()
    client.post(asked, {"password": "wrong", "next": f"/people/{alice.pk}/role/"})
    alice.refresh_from_db()
    assert alice.role == User.Role.MEMBER
    client.post(asked, {"password": PASSWORD, "next": f"/people/{alice.pk}/role/"})
    alice.refresh_from_db()
    assert alice.role == User.Role.ADMINISTRATOR


def test_a_special_permission_is_given_after_the_password(client: Client, ada: User, morgan: User) -> None:
    client.force_login(ada)
    asked = client.post(f"/people/{morgan.pk}/sealed/", {"named": "yes"})["Location"]
    morgan.refresh_from_db()
    assert not SEALED.is_held_by(morgan)
    client.post(asked, {"password": PASSWORD, "next": f"/people/{morgan.pk}/sealed/"})
    morgan = User.objects.get(pk=morgan.pk)
    assert SEALED.is_held_by(morgan)


@pytest.mark.parametrize("data", [{"role": "god"}, {}, {"role": ["administrator", "god"]}])
def test_an_unknown_role_changes_nothing(admin: Client, alice: User, data: dict[str, object]) -> None:
    admin.post(f"/people/{alice.pk}/role/", data)
    alice.refresh_from_db()
    assert alice.role == User.Role.MEMBER


def test_a_change_of_role_changes_nothing_else(admin: Client, alice: User) -> None:
    more = {"is_superuser": "true", "email": "x@example.org", "is_active": "false", "id": "1"}
    admin.post(f"/people/{alice.pk}/role/", {"role": "reviewer", **more})
    alice.refresh_from_db()
    assert (alice.is_superuser, alice.email, alice.is_active) == (False, "alice@example.org", True)


def test_the_last_administrator_stays(admin: Client, ada: User) -> None:
    for address, data in (
        (f"/people/{ada.pk}/role/", {"role": "member"}),
        (f"/people/{ada.pk}/suspend/", {"reason": "I leave the company.", "days": "0"}),
    ):
        response = admin.post(address, data, follow=True)
        words = "last administrator" if "role" in data else "You cannot suspend your own account."
        assert words in response.content.decode()
    ada.refresh_from_db()
    assert ada.is_administrator and ada.is_active


def test_a_suspended_administrator_does_not_count(admin: Client, ada: User) -> None:
    other = make_user("otto", User.Role.ADMINISTRATOR)
    User.objects.filter(pk=other.pk).update(is_active=False)
    admin.post(f"/people/{ada.pk}/role/", {"role": "member"})
    ada.refresh_from_db()
    assert ada.is_administrator


def test_administrator_may_step_down_when_there_is_another(admin: Client, ada: User) -> None:
    make_user("otto", User.Role.ADMINISTRATOR)
    admin.post(f"/people/{ada.pk}/role/", {"role": "member"})
    assert admin.get("/people/").status_code == 404


def test_suspending_signs_out_at_once(admin: Client, alice: User) -> None:
    theirs = Client()
    theirs.force_login(alice)
    admin.post(f"/people/{alice.pk}/suspend/", {"reason": "Sold her account to others.", "days": "7"})
    assert theirs.get("/collections/").status_code == 302


def test_lifting_a_suspension_says_so(admin: Client, alice: User) -> None:
    admin.post(f"/people/{alice.pk}/suspend/", {"reason": "Sold her account to others.", "days": "7"})
    page = admin.post(f"/people/{alice.pk}/active/", follow=True).content.decode()
    assert "Suspension lifted." in page
    alice.refresh_from_db()
    assert alice.is_active


def test_the_link_of_a_new_invitation_stands_at_the_top(admin: Client) -> None:
    page = admin.post("/people/", {"email": ""}).content.decode()
    assert page.index('id="fresh"') < page.index('role="search"')


def test_verbs_need_a_post(admin: Client, alice: User) -> None:
    for address in (f"/people/{alice.pk}/role/", f"/people/{alice.pk}/active/", "/people/invitations/1/revoke/"):
        assert admin.get(address).status_code == 405


def test_names_are_shown_as_text(admin: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(name="<img src=x onerror=alert(1)>{{7*7}}")
    page = admin.get("/people/").content.decode()
    assert "<img src=x" not in page
    assert "{{7*7}}" in page


def test_the_page_asks_few_questions(admin: Client, django_assert_max_num_queries) -> None:
    for number in range(20):
        make_user(f"p{number}")
    with django_assert_max_num_queries(17):  # among them notices, waiting cases and the folders of the sidebar
        admin.get("/people/")


def test_instructions_of_a_person_are_kept_for_that_person(alice: User, bob: User, client: Client) -> None:
    client.force_login(alice)
    facts = {"fact-TOTAL_FORMS": "0", "fact-INITIAL_FORMS": "0"}
    client.post("/instructions/", {"instructions": "Use metres.", **facts})
    assert (User.objects.get(pk=alice.pk).instructions, User.objects.get(pk=bob.pk).instructions) == ("Use metres.", "")
    assert "Use metres." in client.get("/instructions/").content.decode()
    assert client.post("/instructions/", {"instructions": "x" * 2001, **facts}).status_code == 400


def test_the_page_of_a_user_leads_to_the_limits(admin: Client, alice: User) -> None:
    page = admin.get(f"/people/{alice.pk}/").content.decode()
    assert re.search(r'give the group a limit under\s+<a href="/people/limits/">Limits</a>', page)
