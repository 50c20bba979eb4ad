"""Sign-up: open, by invitation, or closed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client, override_settings
from django.utils import timezone

from apps.safety.models import AuditEntry
from apps.users.accounts import suspend_user
from apps.users.invitations import create_invitation
from apps.users.models import Invitation, SiteSettings, User

SIGNUP = "/accounts/signup/"
PASSPHRASE = "a quite long passphrase"


def fill_in(client: Client, email: str = "dana@example.org", **more: object):
    data = {"name": "Dana", "email": email, "password1": PASSPHRASE, "password2": PASSPHRASE, **more}
    return client.post(SIGNUP, data)


def follow(client: Client, link: str):
    return client.get(link.removeprefix("http://localhost:8000"), follow=True)


def test_open_sign_up_takes_anybody(client: Client, open_signup: None) -> None:
    assert fill_in(client)["Location"] == "/"
    dana = User.objects.get(email="dana@example.org")
    assert (dana.name, dana.role, dana.is_superuser) == ("Dana", User.Role.MEMBER, False)
    assert client.get("/collections/").status_code == 200


def test_the_sign_in_page_offers_sign_up_only_to_those_who_may(client: Client, ada: User) -> None:
    offers = lambda: f'href="{SIGNUP}' in client.get("/accounts/login/").content.decode()  # noqa: E731
    assert not offers(), "by invitation"
    follow(client, create_invitation(ada))
    assert offers(), "invited"
    SiteSettings.objects.update(signup=SiteSettings.Signup.CLOSED)
    assert not offers()
    SiteSettings.objects.update(signup=SiteSettings.Signup.OPEN)
    assert offers()


def test_the_log_says_who_came_and_how(client: Client, ada: User, alice: User) -> None:
    as_ada = Client()
    as_ada.force_login(ada)
    as_ada.post("/people/", {"email": ""})
    as_ada.post(f"/people/invitations/{Invitation.objects.get().pk}/revoke/")
    follow(client, create_invitation(ada))
    fill_in(client)
    SiteSettings.objects.filter(pk=1).update(signup=SiteSettings.Signup.OPEN)
    fill_in(Client(), "erin@example.org")
    came = {user.email: user.pk for user in User.objects.all()}
    rows = AuditEntry.objects.filter(kind__startswith="person.").order_by("seq")
    assert [(row.kind, row.actor, row.payload.get("how")) for row in rows] == [
        ("person.invited", ada.pk, None), ("person.not_invited", ada.pk, None), ("person.invited", ada.pk, None),
        ("person.joined", came["dana@example.org"], "invitation"), ("person.joined", came["erin@example.org"], "open"),
    ]  # fmt: skip
    assert "dana" not in str(list(rows.values())).lower()
    page = as_ada.get("/review/log/?area=people").content.decode()
    assert "User signed up" in page and "by invitation" in page and "Invitation revoked" in page


def test_addresses_are_kept_in_lower_case(client: Client, open_signup: None) -> None:
    fill_in(client, "Dana@Example.ORG")
    assert User.objects.filter(email="dana@example.org").exists()


@pytest.mark.parametrize("value", ["true", "1", "on", "administrator"])
def test_sign_up_ignores_fields_that_it_does_not_have(client: Client, open_signup: None, value: str) -> None:
    fill_in(client, role="administrator", is_superuser=value, is_staff=value, is_active=value, id="1", pk="1")
    dana = User.objects.get(email="dana@example.org")
    assert (dana.role, dana.is_superuser) == (User.Role.MEMBER, False)


def test_sign_up_by_invitation_refuses_who_has_none(client: Client, db: None) -> None:
    assert "by invitation" in client.get(SIGNUP).content.decode()
    fill_in(client)
    assert not User.objects.exists()


def test_closed_sign_up_refuses_an_invitation(client: Client, ada: User, closed_signup: None) -> None:
    follow(client, create_invitation(ada))
    fill_in(client)
    assert not User.objects.filter(email="dana@example.org").exists()


def test_an_invited_person_signs_up_once(client: Client, ada: User) -> None:
    link = create_invitation(ada)
    page = follow(client, link)
    assert page.redirect_chain == [(SIGNUP, 302)]  # the secret does not stay in the address
    assert "Create account" in page.content.decode()
    fill_in(client)
    assert Invitation.objects.get().used_by == User.objects.get(email="dana@example.org")
    late = Client()
    assert "by invitation" in follow(late, link).content.decode()
    fill_in(late, "eve@example.org")
    assert not User.objects.filter(email="eve@example.org").exists()


def test_invitation_opened_twice_signs_up_one_user(ada: User) -> None:
    link, first, second = create_invitation(ada), Client(), Client()
    follow(first, link)
    follow(second, link)
    fill_in(first, "first@example.org")
    fill_in(second, "second@example.org")
    assert list(User.objects.exclude(pk=ada.pk).values_list("email", flat=True)) == ["first@example.org"]


def test_the_secret_is_kept_nowhere(client: Client, ada: User) -> None:
    link = create_invitation(ada)
    follow(client, link)
    secret = link.partition("invitation=")[2]
    assert Invitation.objects.get().secret_hash == Invitation.hash(secret)
    assert secret not in str(dict(client.session))


def test_an_invitation_expires(client: Client, ada: User) -> None:
    link = create_invitation(ada)
    Invitation.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert "by invitation" in follow(client, link).content.decode()


def test_an_invitation_dies_with_the_role_of_who_gave_it(client: Client, ada: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(role=User.Role.ADMINISTRATOR)
    link = create_invitation(ada)
    suspend_user(ada)
    assert "by invitation" in follow(client, link).content.decode()


@pytest.mark.parametrize("secret", ["", "wrong", "%00", "x" * 5000, "null"])
def test_a_wrong_secret_opens_nothing(client: Client, ada: User, secret: str) -> None:
    create_invitation(ada)
    assert "by invitation" in client.get(f"{SIGNUP}?invitation={secret}", follow=True).content.decode()


def test_an_invitation_for_one_address_is_of_use_to_no_other(client: Client, ada: User) -> None:
    follow(client, create_invitation(ada, "Dana@example.org"))
    assert "This invitation is for dana@example.org" in fill_in(client, "eve@example.org").content.decode()
    assert not User.objects.filter(email="eve@example.org").exists()
    fill_in(client)
    assert EmailAddress.objects.get(email="dana@example.org").verified


def test_accounts_never_share_an_address(client: Client, alice: User, open_signup: None) -> None:
    fill_in(client, alice.email)
    assert User.objects.filter(email=alice.email).count() == 1


@override_settings(ACCOUNT_EMAIL_VERIFICATION="mandatory")
def test_sign_up_with_a_mail_server_reveals_no_existing_account(alice: User, open_signup: None) -> None:
    known, unknown = fill_in(Client(), alice.email), fill_in(Client(), "dana@example.org")
    assert known.status_code == unknown.status_code == 302
    assert known["Location"] == unknown["Location"] == "/accounts/confirm-email/"
    assert [message.to for message in mail.outbox] == [[alice.email], ["dana@example.org"]]


@override_settings(ACCOUNT_EMAIL_VERIFICATION="mandatory")
def test_address_is_confirmed_before_signing_in_with_a_mail_server(client: Client, open_signup: None) -> None:
    fill_in(client)
    assert client.get("/collections/").status_code == 302
    link = next(word for word in mail.outbox[-1].body.split() if word.startswith("http"))
    page = follow(client, link)
    assert "Confirm this e-mail address" in page.content.decode()
    client.post(link.removeprefix("http://localhost:8000"))
    assert EmailAddress.objects.get(email="dana@example.org").verified


def test_the_rule_of_sign_up_starts_from_the_environment(db: None) -> None:
    assert SiteSettings.current().signup == SiteSettings.Signup.INVITATION


def test_sign_up_form_names_all_mistakes_at_once(client: Client, open_signup: None) -> None:
    page = fill_in(client, "not an address", password1="short", password2="other").content.decode()
    assert "valid email" in page and "too short" in page and "passwords do not match" in page
    assert page.count("passwords do not match") == 1
    other = fill_in(client, password1=PASSPHRASE, password2="another long passphrase").content.decode()
    assert other.count("passwords do not match") == 1 and not User.objects.filter(email="dana@example.org").exists()


def test_an_invitation_for_an_address_is_mailed_to_it(client: Client, ada: User) -> None:
    as_ada = Client()
    as_ada.force_login(ada)
    page = as_ada.post("/people/", {"email": "dana@example.org"}).content.decode()
    (sent,) = mail.outbox
    assert sent.to == ["dana@example.org"] and "invites you" in sent.body and "14 days" in sent.body
    assert "Invitation sent to dana@example.org" in page
    link = next(line for line in sent.body.splitlines() if "invitation=" in line)
    assert link in page and follow(client, link).status_code == 200
    assert fill_in(client).status_code == 302 and User.objects.filter(email="dana@example.org").exists()
    as_ada.post("/people/", {"email": ""})
    assert len(mail.outbox) == 1, "an invitation for whoever has the link is handed on by hand"


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("django.core.mail.backends.console.EmailBackend", "this site has no mail server"),
        ("tests.users.test_sign_up.Away", "did not accept the invitation"),
    ],
)
def test_an_invitation_that_could_not_be_mailed_says_so(client: Client, ada: User, backend: str, words: str) -> None:
    client.force_login(ada)
    with override_settings(EMAIL_BACKEND=backend):
        page = client.post("/people/", {"email": "dana@example.org"}).content.decode()
    assert "Only dana@example.org can sign up with this link" in page
    assert words in page and "invitation=" in page and "Invitation sent to" not in page and Invitation.objects.exists()


def test_the_form_of_an_invitation_says_whether_it_is_sent(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert "The invitation is sent to this address" in client.get("/people/").content.decode()
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.console.EmailBackend"):
        page = client.get("/people/").content.decode()
    assert "The invitation is sent" not in page and "This site has no mail server, so you send the link" in page


class Away(BaseEmailBackend):
    """Mail backend whose server is unreachable."""

    def send_messages(self, email_messages: object) -> int:
        raise ConnectionRefusedError("nobody listens")
