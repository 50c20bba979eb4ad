"""Invitations of many people at once: the pasted list, its preview, links or mails, sign-up with role and groups."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from apps.users import invitations
from apps.users.invitation_list import MAX_LINES, parse_invitation_list
from apps.users.models import Invitation, User
from tests.factories import make_client, make_user
from tests.users.test_sign_up import fill_in, follow

pytestmark = pytest.mark.django_db
PAGE = "/people/invite/"
TABLE = """Name;E-Mail;Rolle;Gruppen
Dana Lee;Dana@example.org;reviewer;Finance|Board
"Lee, Sam";sam@example.org
;alice@example.org;member
Kim;kim@example;member
Jo;jo@example.org;boss;Marketing
"""


@pytest.fixture
def finance() -> Group:
    Group.objects.create(name="Board")
    return Group.objects.create(name="Finance")


@pytest.mark.parametrize(
    "text",
    [
        "a@example.org\nb@example.org",
        "a@example.org, b@example.org",
        " A@example.org ;b@EXAMPLE.org; ",
        "Ann <a@example.org>, Ben <b@example.org>",
        "name\temail\nAnn\ta@example.org\nBen\tb@example.org",
    ],
)
def test_addresses_are_read_as_people_paste_them(text: str, db: None) -> None:
    lines = parse_invitation_list(text)
    assert [line.email for line in lines] == ["a@example.org", "b@example.org"]
    assert all(line.problems == () and line.role == "member" for line in lines)


def test_table_is_read_with_what_is_wrong_in_each_line(finance: Group, alice: User) -> None:
    dana, sam, known, kim, jo = parse_invitation_list(TABLE)
    assert (dana.name, dana.email, dana.role, {group.name for group in dana.groups}, dana.problems) == (
        "Dana Lee", "dana@example.org", "reviewer", {"Finance", "Board"}, (),
    )  # fmt: skip
    assert (sam.name, sam.problems, sam.number) == ("Lee, Sam", (), 3)
    assert known.problems == ("This user has an account already.",)
    assert kim.problems == ("This is no e-mail address.",)
    assert jo.problems == ("There is no role “boss”.", "There is no group “Marketing”.")


def test_address_twice_or_invited_already_is_left_out(ada: User) -> None:
    invitations.create_invitation(ada, "b@example.org")
    *twice, invited = parse_invitation_list("a@example.org\nA@example.org\nb@example.org")
    assert all("more than once" in line.problems[0] for line in twice)
    assert "open invitation" in invited.problems[0]


@pytest.mark.parametrize("text", ["\0", '"' * 1000, "@", ",,,;;\t", "x" * 5000, "\n" * 500])
def test_hostile_list_is_no_error(admin: Client, text: str) -> None:
    assert admin.post(PAGE, {"people": text, "step": "links"}).status_code in (200, 400)
    assert not Invitation.objects.exists()


def test_list_is_cut_at_its_limit(db: None) -> None:
    assert len(parse_invitation_list("\n".join(f"p{n}@example.org" for n in range(600)))) == MAX_LINES


def test_preview_creates_nothing_and_links_are_created_for_sound_lines_alone(
    admin: Client, finance: Group, alice: User
) -> None:
    page = admin.post(PAGE, {"people": TABLE}).content.decode()
    assert "2 lines can be invited." in page and "3 lines are left out." in page and not Invitation.objects.exists()
    page = admin.post(PAGE, {"people": TABLE, "step": "links"}).content.decode()
    assert {row.email for row in Invitation.objects.all()} == {"dana@example.org", "sam@example.org"}
    file = unquote(re.search(r'href="data:text/csv;charset=utf-8,([^"]+)"', page)[1])
    rows = list(csv.DictReader(io.StringIO(file)))
    assert [row["email"] for row in rows] == ["dana@example.org", "sam@example.org"] and not mail.outbox
    assert all(f'value="{row["link"]}"' in page for row in rows)


def test_invited_user_gets_name_role_and_groups(admin: Client, finance: Group) -> None:
    page = admin.post(PAGE, {"people": "Dana Lee, dana@example.org, reviewer, Finance", "step": "links"})
    ((_, link),) = page.context["made"]
    fresh = Client()
    follow(fresh, link)
    fill_in(fresh, "dana@example.org")
    dana = User.objects.get(email="dana@example.org")
    assert (dana.role, [group.name for group in dana.groups.all()]) == ("reviewer", ["Finance"])


def test_invitations_are_mailed_and_the_others_listed(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.users.views.invitation_list.is_email_configured", lambda: True)
    monkeypatch.setattr(invitations, "is_email_configured", lambda: True)
    sent = invitations.send_invitation

    def send(link: str, email: str, by: User) -> bool:
        if email.startswith("b"):
            raise OSError("refused")
        return sent(link, email, by)

    monkeypatch.setattr(invitations, "send_invitation", send)
    response = admin.post(PAGE, {"people": "a@example.org\nb@example.org", "step": "mails"})
    assert [one.to for one in mail.outbox] == [["a@example.org"]]
    assert [line.email for line, _ in response.context["unsent"]] == ["b@example.org"]
    page = response.content.decode()
    assert "1 invitation was mailed." in page and "1 link is to be sent by you." in page


def test_new_link_replaces_the_one_before(admin: Client, ada: User) -> None:
    old = invitations.create_invitation(ada, "dana@example.org")
    row = Invitation.objects.get()
    Invitation.objects.update(expires=timezone.now() - timedelta(days=1))
    page = admin.post(f"/people/invitations/{row.pk}/renew/").content.decode()
    new = re.search(r'value="([^"]+invitation=[^"]+)"', page)[1]
    row.refresh_from_db()
    assert new != old and row.usable and row.email == "dana@example.org"
    assert "by invitation" in follow(Client(), old).content.decode()
    assert "by invitation" not in follow(Client(), new).content.decode()
    assert admin.post("/people/invitations/999999/renew/").status_code == 404


def test_only_administrators_invite_after_their_password(as_ada: Client, alice: User, morgan: User) -> None:
    for user in (alice, morgan):
        for path in (PAGE, "/people/invitations/1/renew/"):
            assert make_client(user).post(path, {"people": "a@example.org", "step": "links"}).status_code in (403, 404)
    with pytest.raises(PermissionDenied):
        invitations.create_invitations(make_user("eve"), [])
    assert as_ada.post(PAGE, {"people": "a@example.org", "step": "links"}).status_code == 302
    assert not Invitation.objects.exists()
