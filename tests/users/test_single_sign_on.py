"""Sign-in with an OpenID Connect provider that answers over HTTP: whom it lets in, and what ends a session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import LazySettings, settings
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client

from apps.conversations.core.session_user import find_live_sessions
from apps.lib.ports import find_free_port
from apps.safety.models import AuditEntry
from apps.users import accounts, api_tokens, groups
from apps.users.models import ApiToken, DirectoryAccount, User
from apps.users.second_factor.requirement import end_unmet_sessions
from apps.users.single_sign_on import provider as oidc
from tests.support.oidc_provider import run_provider, set_claims
from tests.support.password import PASSWORD
from tests.support.second_factor import CODE, add_app, enter_password, require

CLIENT = "openbook"
START, CALLBACK, END = (
    "/accounts/provider/login/",
    "/accounts/provider/callback/",
    "/accounts/provider/backchannel-logout/",
)
SignIn = Callable[..., Any]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Run a provider in a process of its own and yield its issuer."""
    with run_provider() as address:
        yield address


@pytest.fixture
def site(issuer: str, settings: LazySettings, db: None) -> LazySettings:
    """Connect the site with the provider."""
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = issuer, CLIENT, "secret of the site"
    settings.OIDC_NAME = "Acme"
    return settings


@pytest.fixture
def sign_in(site: LazySettings, client: Client) -> SignIn:
    """Return a function that signs in at the provider with these claims and returns the answer of the callback."""

    def _sign_in(subject: str = "kim-1", browser: Client = client, start: str = START, **claims: Any) -> Any:
        set_claims(site.OIDC_ISSUER, subject, **claims)
        address = browser.post(start).context["address"]
        return browser.get(approve(address, subject))

    return _sign_in


def approve(address: str, subject: str) -> str:
    """Sign in at the provider's address and return path and query of the callback."""
    answer = httpx2.post(address, data={"sub": subject})
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def is_signed_in_as(client: Client, email: str) -> bool:
    user = client.get("/accounts/email/").context
    return user is not None and user["user"].is_authenticated and user["user"].email == email


def test_a_new_user_joins_without_an_invitation_and_the_log_says_how(sign_in: SignIn, client: Client) -> None:
    answer = sign_in(email="Kim@example.org", email_verified=True, name="Kim Lee")
    kim = User.objects.get(email="kim@example.org")
    assert answer["Location"] == "/" and is_signed_in_as(client, kim.email)
    assert (kim.name, kim.role, kim.has_usable_password()) == ("Kim Lee", "member", False)
    assert EmailAddress.objects.get(user=kim).verified
    assert AuditEntry.objects.get(kind="person.joined", user=kim.pk).payload["how"] == "provider"
    account = SocialAccount.objects.get(user=kim)
    assert account.uid == "kim-1" and account.extra_data == {}  # no claim is stored


def test_the_second_sign_in_enters_the_same_account(sign_in: SignIn) -> None:
    sign_in(email="kim@example.org")
    sign_in(email="renamed@example.org")
    assert list(User.objects.values_list("email", flat=True)) == ["kim@example.org"]


def test_the_request_has_pkce_a_nonce_and_the_address_of_the_site(site: LazySettings, client: Client) -> None:
    answer = client.post(START, HTTP_HOST="localhost", headers={"X-Forwarded-Host": "evil.example"})
    query = parse_qs(urlsplit(answer.context["address"]).query)
    assert query["code_challenge_method"] == ["S256"] and query["code_challenge"] and query["nonce"] and query["state"]
    assert query["redirect_uri"] == [site.SITE_URL + CALLBACK]


def test_starting_by_a_link_is_refused(site: LazySettings, client: Client) -> None:
    assert client.get(START).status_code == 405


def test_a_wrong_nonce_signs_nobody_in(sign_in: SignIn, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.users.single_sign_on.provider.secrets.token_urlsafe", lambda size: "planted")
    verify = oidc.verify_token
    monkeypatch.setattr(oidc, "verify_token", lambda *given, **options: {**verify(*given, **options), "nonce": "other"})
    assert sign_in(email="kim@example.org").status_code == 403
    assert not User.objects.exists()


def test_a_callback_of_another_browser_signs_nobody_in(site: LazySettings, client: Client) -> None:
    address = client.post(START).context["address"]
    other = Client()
    assert other.get(approve(address, "kim-1")).status_code == 403
    assert not User.objects.exists()


def test_userinfo_of_another_subject_signs_nobody_in(
    sign_in: SignIn, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        oidc.SiteOidcAdapter, "_fetch_user_info", lambda self, token: {"sub": "boss", "email": "b@x.org"}
    )
    assert sign_in(email="kim@example.org").status_code == 403
    assert not User.objects.exists()


def test_a_token_of_another_key_signs_nobody_in(sign_in: SignIn, site: LazySettings) -> None:
    kid = httpx2.get(f"{site.OIDC_ISSUER}/jwks").json()["keys"][0].get("kid")
    planted = public_key(ec.generate_private_key(ec.SECP256R1())) | ({"kid": kid} if kid else {})
    cache.set(f"oidc-keys:{site.OIDC_ISSUER}/jwks", [planted], 60)
    assert sign_in(email="kim@example.org").status_code == 403
    assert not User.objects.exists()


@pytest.mark.parametrize("link", ["never", "verified", "confirm"])
@pytest.mark.parametrize("verified", [False, "false", "true", None, True])
def test_an_address_of_another_account_never_enters_it_unless_it_is_verified_and_allowed(
    sign_in: SignIn, site: LazySettings, client: Client, alice: User, link: str, verified: object
) -> None:
    site.OIDC_LINK = link
    EmailAddress.objects.update_or_create(user=alice, email=alice.email, defaults={"verified": True, "primary": True})
    claims = {} if verified is None else {"email_verified": verified}
    sign_in("stranger", email=alice.email, preferred_username=alice.email, **claims)
    assert is_signed_in_as(client, alice.email) == (link == "verified" and verified is True)
    assert User.objects.filter(email__iexact=alice.email).count() == 1


def test_an_address_that_this_site_has_not_verified_is_not_linked_at_once(
    sign_in: SignIn, site: LazySettings, client: Client, alice: User
) -> None:
    site.OIDC_LINK = "verified"
    EmailAddress.objects.filter(user=alice).delete()
    sign_in(email=alice.email, email_verified=True)
    assert not is_signed_in_as(client, alice.email) and not SocialAccount.objects.exists()


def test_the_local_password_links_the_account_once(sign_in: SignIn, client: Client, alice: User) -> None:
    assert sign_in(email=alice.email)["Location"] == "/accounts/login/"
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert SocialAccount.objects.get(user=alice).uid == "kim-1"
    assert AuditEntry.objects.get(kind="person.linked").user == alice.pk
    other = Client()
    sign_in(email=alice.email, browser=other)
    assert is_signed_in_as(other, alice.email)


def test_the_password_of_another_account_links_nothing(sign_in: SignIn, client: Client, alice: User, bob: User) -> None:
    sign_in(email=alice.email)
    client.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert is_signed_in_as(client, bob.email) and not SocialAccount.objects.exists()


def test_accounts_of_another_issuer_are_not_entered(sign_in: SignIn, client: Client, alice: User) -> None:
    SocialAccount.objects.create(user=alice, provider="https://former.example", uid="kim-1")
    sign_in(email="kim@example.org")
    assert is_signed_in_as(client, "kim@example.org")


def test_a_user_without_an_address_does_not_join(sign_in: SignIn) -> None:
    assert sign_in(name="Kim").status_code == 403
    assert not User.objects.exists()


def test_only_allowed_groups_sign_in(sign_in: SignIn, site: LazySettings, client: Client) -> None:
    site.OIDC_ALLOWED_GROUPS = ["staff"]
    assert sign_in(email="kim@example.org", groups=["guests"]).status_code == 403
    assert sign_in(email="kim@example.org", hasgroups=True).status_code == 403  # held back: not known to be allowed
    assert not User.objects.exists()
    sign_in(email="kim@example.org", groups="staff")
    assert is_signed_in_as(client, "kim@example.org")


def test_groups_follow_the_claim_and_memberships_made_by_hand_stay(sign_in: SignIn) -> None:
    finance, sales, choir = (Group.objects.create(name=name) for name in ("Finance", "Sales", "Choir"))
    sign_in(email="kim@example.org", groups=["/Finance", "Sales", "Unknown"])
    kim = User.objects.get()
    assert set(kim.groups.all()) == {finance, sales}
    groups.add_member(choir, kim)
    sign_in(email="kim@example.org", hasgroups=True)
    assert set(kim.groups.all()) == {finance, sales, choir}  # too many for the token: nothing changes
    sign_in(email="kim@example.org", groups=["Finance"])
    assert set(kim.groups.all()) == {finance, choir}
    sign_in(email="kim@example.org")
    assert set(kim.groups.all()) == {choir}  # the claim of the last group is missing
    assert set(Group.objects.all()) == {finance, sales, choir}


def test_roles_follow_the_claim_and_the_last_administrator_stays(sign_in: SignIn, site: LazySettings) -> None:
    site.OIDC_ADMIN_GROUPS, site.OIDC_REVIEWER_GROUPS, site.OIDC_ROLES_CLAIM = ["admins"], ["reviewers"], "app.roles"
    sign_in(email="kim@example.org", app={"roles": ["admins"]})
    assert User.objects.get().role == "administrator"
    sign_in(email="kim@example.org")
    assert User.objects.get().role == "administrator"  # nobody else could administer the site
    ada = User.objects.create_superuser("ada@example.org", PASSWORD)
    sign_in(email="kim@example.org", app={"roles": ["reviewers"]})
    assert User.objects.get(email="kim@example.org").role == "reviewer"
    ada.refresh_from_db()
    assert ada.role == "administrator"


def test_a_sign_in_at_the_provider_needs_no_second_factor_here(sign_in: SignIn, client: Client) -> None:
    require("everybody")
    assert sign_in(email="kim@example.org")["Location"] == "/"
    assert is_signed_in_as(client, "kim@example.org")
    page = client.get("/security/").content.decode()
    assert "its second factor counts" in page and "Add a second factor" not in page  # there is no password here
    end_unmet_sessions()  # as a new rule does
    assert is_signed_in_as(client, "kim@example.org")


def test_the_password_of_a_linked_account_still_needs_the_second_factor(
    sign_in: SignIn, client: Client, alice: User
) -> None:
    SocialAccount.objects.create(user=alice, provider=settings.OIDC_ISSUER, uid="kim-1")
    add_app(alice)
    other = Client()
    sign_in(email=alice.email, browser=other)
    assert is_signed_in_as(other, alice.email)
    assert enter_password(client, alice) == CODE and not is_signed_in_as(client, alice.email)


def test_a_deactivated_user_gets_no_session(sign_in: SignIn) -> None:
    User.objects.create_superuser("ada@example.org", PASSWORD)
    sign_in(email="kim@example.org")
    accounts.suspend_user(User.objects.get(email="kim@example.org"))
    other = Client()
    assert sign_in(email="kim@example.org", browser=other)["Location"] == "/suspended/"
    assert not is_signed_in_as(other, "kim@example.org")


def test_cancelling_at_the_provider_returns_to_a_page_that_says_so(site: LazySettings, client: Client) -> None:
    state = parse_qs(urlsplit(client.post(START).context["address"]).query)["state"][0]
    assert client.get(CALLBACK, {"error": "access_denied", "state": state}).status_code == 403


def test_an_unreachable_provider_leaves_passwords_working(settings: LazySettings, client: Client, alice: User) -> None:
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = f"http://127.0.0.1:{find_free_port()}", CLIENT
    assert client.post(START).status_code == 403
    assert client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})["Location"] == "/"


def test_button_and_pages_exist_only_with_a_provider(client: Client, db: None) -> None:
    assert "/accounts/provider/" not in client.get("/accounts/login/").content.decode()
    assert {client.post(START).status_code, client.get(CALLBACK).status_code, client.post(END).status_code} == {404}


def test_the_sign_in_page_names_the_provider(site: LazySettings, client: Client) -> None:
    assert "Sign in with Acme" in client.get("/accounts/login/").content.decode()


def test_an_administrator_without_a_password_signs_in_at_the_provider_anew(
    sign_in: SignIn, site: LazySettings, client: Client
) -> None:
    site.OIDC_ADMIN_GROUPS = ["admins"]
    sign_in(email="kim@example.org", groups=["admins"])
    asked = client.get("/administration/environment/")
    again = asked["Location"]
    assert again.startswith("/accounts/provider/reauthenticate/")
    query = parse_qs(urlsplit(client.post(again).context["address"]).query)
    assert query["prompt"] == ["login"] and query["max_age"] == ["0"]
    old = int(time.time()) - 3600
    assert sign_in(email="kim@example.org", groups=["admins"], auth_time=old, start=again).status_code == 403
    assert sign_in(email="kim@example.org", groups=["admins"], auth_time=None, start=again).status_code == 403
    assert sign_in("other", email="o@example.org", auth_time=int(time.time()), start=again).status_code == 403
    assert client.get("/administration/environment/").status_code == 302
    back = sign_in(email="kim@example.org", groups=["admins"], auth_time=int(time.time()), start=again)
    assert client.get(back["Location"])["Location"] == "/administration/environment/"
    assert client.get("/administration/environment/").status_code == 200


def test_an_administrator_of_a_former_provider_chooses_a_password_first(sign_in: SignIn, site: LazySettings) -> None:
    site.OIDC_ADMIN_GROUPS = ["admins"]
    browser = Client()
    sign_in(email="kim@example.org", groups=["admins"], browser=browser)
    SocialAccount.objects.update(provider="https://former.example")
    for path in ("/administration/environment/", "/administration/mail/"):
        asked = browser.get(path, follow=True)
        assert asked.resolver_match.url_name == "account_reset_password" and asked.status_code == 200


def test_signing_out_ends_the_session_at_the_provider(sign_in: SignIn, site: LazySettings, client: Client) -> None:
    sign_in(email="kim@example.org")
    address = client.post("/accounts/logout/").context["address"]
    query = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{site.OIDC_ISSUER}/oauth2/end_session?") and query["id_token_hint"]
    assert query["post_logout_redirect_uri"] == [f"{site.SITE_URL}/accounts/login/"]
    assert not is_signed_in_as(client, "kim@example.org")


def test_signing_out_after_a_password_stays_here(site: LazySettings, client: Client, alice: User) -> None:
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"


@pytest.fixture
def logout_token(site: LazySettings) -> Callable[..., str]:
    """Return a function that signs a logout token with a key of the provider."""
    key = ec.generate_private_key(ec.SECP256R1())

    def _sign(**claims: Any) -> str:
        cache.set(f"oidc-keys:{site.OIDC_ISSUER}/jwks", [{**public_key(key), "kid": "k"}], 60)
        now = int(time.time())
        events = {"http://schemas.openid.net/event/backchannel-logout": {}}
        whole = {"iss": site.OIDC_ISSUER, "aud": CLIENT, "iat": now, "exp": now + 60, "jti": "1", "events": events}
        found = {name: value for name, value in (whole | claims).items() if value is not None}
        return jwt.encode(found, key, "ES256", headers={"kid": "k"})

    return _sign


def public_key(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return dict(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True))


def test_the_provider_ends_one_session(
    sign_in: SignIn, logout_token: Callable[..., str], site: LazySettings, client: Client
) -> None:
    other = Client()
    sign_in(email="kim@example.org", sid="one")
    sign_in(email="kim@example.org", sid="two", browser=other)
    api_tokens.create_token(User.objects.get(), "script", ["search"], None)
    sessions = [browser.cookies[site.SESSION_COOKIE_NAME].value for browser in (client, other)]
    assert find_live_sessions(sessions) == [True, True]
    assert client.post(END, {"logout_token": logout_token(sub="kim-1", sid="one")}).status_code == 200
    assert find_live_sessions(sessions) == [False, True]  # sockets ask this every RECHECK_S seconds
    assert not is_signed_in_as(client, "kim@example.org") and is_signed_in_as(other, "kim@example.org")
    assert ApiToken.objects.exists()


def test_the_provider_ends_all_sessions_and_tokens_of_a_user(
    sign_in: SignIn, logout_token: Callable[..., str], client: Client, alice: User
) -> None:
    sign_in(email="kim@example.org")
    kim, own = User.objects.get(email="kim@example.org"), Client()
    own.force_login(alice)
    for user in (kim, alice):
        api_tokens.create_token(user, "script", ["search"], None)
    assert Client(enforce_csrf_checks=True).post(END, {"logout_token": logout_token(sub="kim-1")}).status_code == 200
    assert not is_signed_in_as(client, kim.email) and is_signed_in_as(own, alice.email)
    assert ApiToken.objects.get().user == alice


@pytest.mark.parametrize(
    "wrong",
    [{"aud": "another site"}, {"iss": "https://evil.example"}, {"events": {}}, {"events": None}, {"nonce": "n"},
     {"sub": None}, {"iat": 1}, {"exp": 1}],
    ids=str,
)  # fmt: skip
def test_a_wrong_logout_token_ends_nothing(
    sign_in: SignIn, logout_token: Callable[..., str], client: Client, wrong: dict[str, Any]
) -> None:
    sign_in(email="kim@example.org")
    assert client.post(END, {"logout_token": logout_token(**{"sub": "kim-1", **wrong})}).status_code == 400
    assert is_signed_in_as(client, "kim@example.org")


def test_a_logout_token_of_another_key_ends_nothing(sign_in: SignIn, client: Client, site: LazySettings) -> None:
    sign_in(email="kim@example.org")
    now = int(time.time())
    claims = {"iss": site.OIDC_ISSUER, "aud": CLIENT, "iat": now, "sub": "kim-1"}
    claims["events"] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    for token in (jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256"), jwt.encode(claims, "", "none")):
        assert client.post(END, {"logout_token": token}).status_code == 400
    assert is_signed_in_as(client, "kim@example.org")


@pytest.mark.parametrize("link", ["never", "confirm", "verified"])
@pytest.mark.parametrize(
    ("claims", "is_proven"),
    [
        ({"email_verified": True}, True),
        ({"oid": "entra-7"}, True),
        ({"oid": "entra-8"}, False),
        ({"email_verified": "true"}, False),
        ({}, False),
    ],
)
def test_an_account_made_by_the_directory_is_entered_by_whoever_the_provider_proves_it_is(
    sign_in: SignIn, client: Client, site: LazySettings, link: str, claims: dict[str, Any], is_proven: bool
) -> None:
    site.OIDC_LINK = link
    user = User.objects.create_user("kim@example.org")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    DirectoryAccount.objects.create(user=user, user_name="kim", user_name_key="kim", external_id="entra-7")
    answer = sign_in(email="kim@example.org", **claims)
    assert is_signed_in_as(client, "kim@example.org") == is_proven
    assert SocialAccount.objects.filter(user=user).exists() == is_proven
    if not is_proven:
        assert answer.status_code == 403 and b"made by the directory" in answer.content


def test_the_id_of_the_directory_opens_no_account_that_it_was_only_linked_with(
    sign_in: SignIn, client: Client, alice: User
) -> None:
    DirectoryAccount.objects.create(
        user=alice, user_name="alice", user_name_key="alice", external_id="kim-1", created_here=False
    )
    sign_in(email=alice.email)
    assert not is_signed_in_as(client, alice.email) and not SocialAccount.objects.exists()
