"""Sign-up with an address of an allowed domain: mailed link, approval, queue, throttling, and what is not told."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client, override_settings
from django.utils import timezone

from apps.safety.models import AuditEntry
from apps.users import join_requests
from apps.users.models import Invitation, JoinRequest, SiteSettings, User, UserNotice
from tests.factories import make_client
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db
JOIN, SIGNUP = "/accounts/join/", "/accounts/signup/"
PASSPHRASE = "a quite long passphrase"
NO_MAIL = "django.core.mail.backends.console.EmailBackend"


@pytest.fixture(autouse=True)
def site(db: None, monkeypatch: pytest.MonkeyPatch) -> SiteSettings:
    """Let addresses of example.org ask, with approval."""
    monkeypatch.setattr(join_requests, "EVEN_S", 0)
    return SiteSettings.objects.update_or_create(
        pk=1, defaults={"signup": SiteSettings.Signup.DOMAINS, "signup_domains": "example.org example.com"}
    )[0]


@pytest.fixture
def visitor(db: None) -> Client:
    return Client()


def ask(client: Client, email: str = "dana@example.org", name: str = "Dana"):
    return client.post(JOIN, {"email": email, "name": name})


def get_mailed_link() -> str:
    """Return the path of the link in the last mail."""
    return re.search(r"http://localhost:8000(\S+)", mail.outbox[-1].body)[1]


def sign_up(visitor: Client, email: str = "dana@example.org"):
    return visitor.post(SIGNUP, {"name": "Dana", "email": email, "password1": PASSPHRASE, "password2": PASSPHRASE})


def confirm(visitor: Client, email: str = "dana@example.org"):
    ask(visitor, email)
    return visitor.post(get_mailed_link())


def test_mailed_link_lets_its_address_sign_up_without_approval(visitor: Client, ada: User) -> None:
    SiteSettings.objects.update(signup_approval=False)
    assert 'href="/accounts/join/"' in visitor.get("/accounts/login/").content.decode()
    assert sign_up(visitor).status_code == 200 and not User.objects.filter(email="dana@example.org").exists()
    link_page = (ask(visitor), visitor.get(get_mailed_link()))[1].content.decode()
    assert "Is dana@example.org your address?" in link_page and not visitor.session.get("joining")
    assert visitor.post(get_mailed_link())["Location"] == SIGNUP
    assert "You confirmed the address" in sign_up(visitor, "other@example.org").content.decode()
    assert sign_up(visitor)["Location"] == "/"
    dana = User.objects.get(email="dana@example.org")
    assert (dana.role, dana.is_superuser) == (User.Role.MEMBER, False)
    assert dana.emailaddress_set.get().verified
    entry = AuditEntry.objects.get(kind="person.joined")
    assert entry.payload["how"] == "domain" and entry.user == dana.pk
    assert not JoinRequest.objects.exists()


def test_confirmed_address_signs_up_once_and_for_nobody_else(visitor: Client) -> None:
    SiteSettings.objects.update(signup_approval=False)
    confirm(visitor)
    assert sign_up(Client()).status_code == 200 and not User.objects.filter(email="dana@example.org").exists()
    sign_up(visitor)
    visitor.post("/accounts/logout/")
    assert not visitor.session.get("joining") and sign_up(visitor, "erin@example.org").status_code == 200
    assert not User.objects.filter(email="erin@example.org").exists()


def test_administrators_are_told_and_decide_before_the_invitation_is_mailed(
    visitor: Client, ada: User, morgan: User, admin: Client
) -> None:
    assert "An administrator decides" in confirm(visitor).content.decode()
    row = JoinRequest.objects.get()
    assert (row.email, row.name, row.confirmed) == ("dana@example.org", "Dana", True)
    assert sign_up(visitor).status_code == 200 and not User.objects.filter(email="dana@example.org").exists()
    notice = UserNotice.objects.get()
    assert notice.user == ada and notice.title == "dana@example.org asks for an account."
    assert "asks for an account" in admin.get("/notices/").content.decode() and notice.url == "/people/#waiting"
    page = strip_layout(admin.get("/people/").content.decode())
    assert "dana@example.org" in page and "not confirmed by mail" not in page
    shown = admin.post(f"/people/requests/{row.pk}/approve/").content.decode()
    assert "Invitation sent to dana@example.org" in shown and mail.outbox[-1].to == ["dana@example.org"]
    invitation = Invitation.objects.get()
    assert (invitation.email, invitation.name, invitation.invited_by) == ("dana@example.org", "Dana", ada)
    assert not JoinRequest.objects.exists()
    link = re.search(r"http://localhost:8000(\S+)", mail.outbox[-1].body)[1]
    visitor.get(link)
    assert sign_up(visitor)["Location"] == "/" and User.objects.filter(email="dana@example.org").exists()
    kinds = list(AuditEntry.objects.filter(kind__startswith="person.").order_by("seq").values_list("kind", flat=True))
    assert kinds == ["person.asked_to_join", "person.join_approved", "person.invited", "person.joined"]


@override_settings(EMAIL_BACKEND=NO_MAIL)
def test_administrators_always_decide_without_a_mail_server(visitor: Client, admin: Client) -> None:
    SiteSettings.objects.update(signup_approval=False)
    assert "An administrator decides" in ask(visitor).content.decode()
    row = JoinRequest.objects.get()
    assert not row.confirmed and "not confirmed by mail" in admin.get("/people/").content.decode()
    page = admin.post(f"/people/requests/{row.pk}/approve/").content.decode()
    assert "?invitation=" in page and "Only dana@example.org can sign up" in page


def test_declined_request_is_gone_and_logged_without_the_address(visitor: Client, admin: Client, ada: User) -> None:
    confirm(visitor)
    row, sent = JoinRequest.objects.get(), len(mail.outbox)
    assert admin.post(f"/people/requests/{row.pk}/decline/").status_code == 302
    assert not JoinRequest.objects.exists() and not Invitation.objects.exists() and len(mail.outbox) == sent
    entry = AuditEntry.objects.get(kind="person.join_declined")
    assert entry.actor == ada.pk and "dana" not in str(AuditEntry.objects.values_list("payload", "subject"))
    assert admin.post(f"/people/requests/{row.pk}/decline/").status_code == 404
    assert "Request for an account declined" in admin.get("/review/log/").content.decode()


def test_page_says_the_same_whether_or_not_an_address_has_an_account(visitor: Client, alice: User) -> None:
    def say(email: str) -> str:
        return re.search(r"<main.*</main>", ask(Client(), email).content.decode(), re.DOTALL)[0]

    assert say("dana@example.org") == say("alice@example.org")
    assert "There is one already" in mail.outbox[-1].body and JOIN not in mail.outbox[-1].body
    with override_settings(EMAIL_BACKEND=NO_MAIL):
        assert say("erin@example.org") == say("alice@example.org")
    assert [row.email for row in JoinRequest.objects.all()] == ["erin@example.org"]


@override_settings(EMAIL_BACKEND=NO_MAIL)
def test_a_full_queue_answers_the_same_for_addresses_with_and_without_an_account(
    visitor: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join_requests, "MAX_WAITING", 1)
    answers = [ask(visitor, f"{name}@example.org") for name in ("dana", "erin", "dana", "alice")]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [row.email for row in JoinRequest.objects.all()] == ["dana@example.org"]


@override_settings(EMAIL_BACKEND=NO_MAIL)
def test_the_time_of_an_answer_does_not_tell_of_accounts(
    visitor: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(join_requests, "EVEN_S", 60)
    monkeypatch.setattr(join_requests.time, "sleep", waits.append)
    for email in ("dana@example.org", "dana@example.org", "alice@example.org"):
        ask(visitor, email)
    assert len(waits) == 3 and min(waits) > 50


def test_a_confirmed_request_that_waits_already_is_taken_though_the_queue_is_full(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join_requests, "MAX_WAITING", 1)
    for _ in range(2):
        assert confirm(visitor).status_code == 200


@pytest.mark.parametrize(
    "email", ["dana@example.net", "dana@sub.example.org", "dana@notexample.org", "dana@example.org.evil.example"]
)
def test_other_domains_are_refused(visitor: Client, email: str) -> None:
    response = ask(visitor, email)
    assert response.status_code == 400 and "Addresses of this domain cannot sign up" in response.content.decode()
    assert not mail.outbox and not JoinRequest.objects.exists()


@pytest.mark.parametrize("rule", [SiteSettings.Signup.CLOSED, SiteSettings.Signup.INVITATION, SiteSettings.Signup.OPEN])
def test_other_rules_take_no_requests_and_no_links_of_before(visitor: Client, rule: str) -> None:
    SiteSettings.objects.update(signup_approval=False)
    ask(visitor)
    link = get_mailed_link()
    SiteSettings.objects.update(signup=rule)
    assert ask(visitor)["Location"] == SIGNUP and len(mail.outbox) == 1
    assert "This link no longer works" in visitor.post(link).content.decode()
    assert "accounts/join" not in visitor.get("/accounts/login/").content.decode()


def test_link_of_a_confirmed_visitor_stops_where_approval_is_set_meanwhile(visitor: Client) -> None:
    SiteSettings.objects.update(signup_approval=False)
    confirm(visitor)
    SiteSettings.objects.update(signup_approval=True)
    assert sign_up(visitor).status_code == 200 and not User.objects.filter(email="dana@example.org").exists()


def test_forged_and_old_tokens_confirm_nothing(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(visitor)
    link = get_mailed_link()
    for wrong in ("/accounts/join/x/", f"{link[:-3]}ab/", link.replace(":", "::", 1)):
        assert "This link no longer works" in visitor.post(wrong).content.decode()
    monkeypatch.setattr(join_requests, "LINK_S", -1)
    assert "This link no longer works" in visitor.post(link).content.decode()
    assert not JoinRequest.objects.exists()


def test_an_address_is_mailed_three_times_and_a_network_asks_ten_times(visitor: Client) -> None:
    for _ in range(5):
        assert ask(visitor).status_code == 200, "the visitor sees no difference"
    assert len(mail.outbox) == 3
    answers = [ask(visitor, f"user{number}@example.org").status_code for number in range(6)]
    assert answers == [200] * 5 + [400] and len(mail.outbox) == 8


def test_queue_is_bounded_and_forgets_after_thirty_days(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_requests, "MAX_WAITING", 1)
    confirm(visitor)
    response = confirm(Client(), "erin@example.org")
    assert response.status_code == 400 and "Too many requests are waiting" in response.content.decode()
    confirm(visitor)
    assert JoinRequest.objects.count() == 1
    JoinRequest.objects.update(created=timezone.now() - join_requests.KEPT)
    assert join_requests.delete_old_requests() == 1


def test_only_administrators_decide(visitor: Client, alice: User, morgan: User) -> None:
    confirm(visitor)
    pk = JoinRequest.objects.get().pk
    for user in (alice, morgan):
        for act in (join_requests.approve, join_requests.decline):
            with pytest.raises(PermissionDenied):
                act(pk, user)
        for path in ("approve", "decline"):
            assert make_client(user).post(f"/people/requests/{pk}/{path}/").status_code in (403, 404)
    assert JoinRequest.objects.count() == 1 and not Invitation.objects.exists()


def save_settings(admin: Client, **fields: object):
    given = {
        "site-signup": "domains",
        "site-second_factor": "nobody",
        "assistant-style": "automatic",
        "assistant-shown_sentences": "automatic",
    }
    return admin.post("/settings/", given | {f"site-{name}": value for name, value in fields.items()})


def test_settings_take_domains_and_log_them(admin: Client) -> None:
    response = save_settings(admin, signup_domains="@Corp.example, corp.test  corp.test", signup_approval="on")
    assert response.status_code == 302
    site = SiteSettings.current()
    assert (site.domain_list, site.signup_approval) == (["corp.example", "corp.test"], True)
    assert AuditEntry.objects.filter(kind="settings.changed", payload__name="signup_domains").exists()
    for wrong in ("", "nodot", "a b@c.example", "http://corp.example", "*.corp.example"):
        assert "error" in save_settings(admin, signup_domains=wrong).content.decode(), wrong
    assert SiteSettings.current().domain_list == ["corp.example", "corp.test"]
