"""SCIM: scim2-tester against the site, what each directory sends in its own way, leavers, and tries to take over."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.conf import LazySettings
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.client import ClientHandler
from django.test.utils import CaptureQueriesContext

from apps.administration.directory.token import make_token, revoke_token
from apps.conversations.core.session_user import find_live_sessions
from apps.privacy.models import LegalHold
from apps.safety.models import AuditEntry
from apps.users import groups
from apps.users.accounts import reinstate_user, suspend_user
from apps.users.api_tokens import create_token
from apps.users.models import ApiToken, DirectoryAccount, DirectoryToken, User
from tests.factories import make_client

pytestmark = pytest.mark.django_db
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
Call = Callable[..., Any]


@pytest.fixture
def secret(ada: User) -> str:
    return make_token(ada)


@pytest.fixture
def call(secret: str, client: Client) -> Call:
    """Return a function that sends a request of the directory and returns the response, with its JSON as `data`."""

    def _call(method: str, path: str, content: object = None, **headers: str) -> Any:
        body = b"" if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
        response: Any = client.generic(
            method, f"/scim/v2/{path}", body, "application/scim+json",
            headers={"Authorization": f"Bearer {secret}", **headers},
        )  # fmt: skip
        response.data = json.loads(response.content) if response.content else None
        return response

    return _call


def kim(**more: object) -> dict[str, object]:
    return {"schemas": [USER], "userName": "kim@corp.example", "externalId": "kim-1", "displayName": "Kim", **more}


def change(*operations: dict[str, object]) -> dict[str, object]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def create(call: Call, **more: object) -> User:
    response = call("POST", "Users", kim(**more))
    assert response.status_code == 201, response.data
    return User.objects.get(pk=response.data["id"])


def create_group(call: Call, name: str = "Nurses", *members: User) -> Group:
    sent = {"schemas": [GROUP], "displayName": name, "members": [{"value": str(one.pk)} for one in members]}
    response = call("POST", "Groups", sent)
    assert response.status_code == 201, response.data
    return Group.objects.get(pk=response.data["id"])


def serve(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    """Serve a request by the whole site, as WSGI."""
    response: HttpResponse = ClientHandler()(environ)
    start(f"{response.status_code} -", list(response.items()))
    return [response.content]


@pytest.mark.slow
def test_scim2_tester_finds_no_fault(secret: str) -> None:
    from scim2_client.engines.wsgi import WSGISCIMClient
    from scim2_tester import Status, check_server

    client = WSGISCIMClient(
        serve, "http://localhost/scim/v2", {"Authorization": f"Bearer {secret}"}, {"HTTP_HOST": "localhost"}
    )
    results = check_server(client)
    faults = [f"{one.title}: {one.reason}" for one in results if one.status not in (Status.SUCCESS, Status.SKIPPED)]
    assert faults == []
    skipped = {one.title for one in results if one.status == Status.SKIPPED}
    assert skipped == {"search_with_attributes"} and len(results) > 50  # no search over users and groups at once


def test_a_new_user_has_an_account_without_a_password_and_without_a_role(call: Call) -> None:
    user = create(call, roles=[{"value": "administrator"}], password="secret word", isAdmin=True)
    assert (user.email, user.name, user.role, user.is_active) == ("kim@corp.example", "Kim", "member", True)
    assert not user.has_usable_password()
    entry = AuditEntry.objects.get(kind="person.joined", user=user.pk)
    assert entry.actor is None and entry.payload["how"] == "directory"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "active", "value": "False"},  # Entra
        {"op": "replace", "value": {"active": False}},  # Okta
        {"op": "replace", "path": f"{USER}:active", "value": False},
        {"op": "Add", "path": "active", "value": "false"},
    ],
)
def test_deactivation_ends_sessions_and_tokens_as_for_a_leaver(call: Call, operation: dict[str, object]) -> None:
    user = create(call)
    browser = make_client(user)
    key = str(browser.session.session_key)
    create_token(user, "script", ["chat"], None)
    assert find_live_sessions([key]) == [True]
    assert call("PATCH", f"Users/{user.pk}", change(operation)).status_code == 204
    user.refresh_from_db()
    assert not user.is_active and find_live_sessions([key]) == [False]
    assert not ApiToken.objects.filter(user=user).exists()
    assert browser.get("/tokens/").status_code == 302
    entry = AuditEntry.objects.get(kind="person.suspended", user=user.pk)
    assert entry.actor is None and entry.payload == {"how": "directory"}
    assert call("GET", f"Users/{user.pk}").data["active"] is False
    call("PATCH", f"Users/{user.pk}", change({"op": "Replace", "path": "active", "value": "True"}))
    user.refresh_from_db()
    assert user.is_active and browser.get("/tokens/").status_code == 302, "no session comes back"


def test_deletion_closes_the_account_and_the_same_person_comes_back(call: Call) -> None:
    user = create(call)
    group = create_group(call, "Nurses", user)
    LegalHold.objects.create(user=user, reason="lawsuit")
    assert call("DELETE", f"Users/{user.pk}").status_code == 204
    user.refresh_from_db()
    assert not user.is_active and not user.groups.filter(pk=group.pk).exists()
    assert LegalHold.objects.filter(user=user).exists()
    assert call("GET", f"Users/{user.pk}").status_code == 404
    assert call("GET", "Users").data["totalResults"] == 0
    assert create(call) == user
    user.refresh_from_db()
    assert user.is_active


def test_another_person_with_the_address_of_a_former_one_does_not_get_the_account(call: Call) -> None:
    user = create(call)
    call("DELETE", f"Users/{user.pk}")
    response = call("POST", "Users", kim(externalId="kim-2"))
    assert response.status_code == 409 and "former user" in response.data["detail"]
    user.refresh_from_db()
    assert not user.is_active


def test_the_last_administrator_is_never_closed(call: Call, ada: User, settings: LazySettings) -> None:
    settings.OIDC_ISSUER = "https://login.example.org"
    SocialAccount.objects.create(user=ada, provider=settings.OIDC_ISSUER, uid="ada-1")
    assert create(call, userName=ada.email) == ada
    for method, content in (
        ("PATCH", change({"op": "replace", "value": {"active": False}})),
        ("DELETE", None),
        ("PUT", kim(userName=ada.email, active=False, emails=[{"value": ada.email}])),
    ):
        response = call(method, f"Users/{ada.pk}", content)
        assert response.status_code == 403 and "last administrator" in response.data["detail"]
    ada.refresh_from_db()
    assert ada.is_active and ada.role == "administrator"
    assert call("GET", f"Users/{ada.pk}").data["active"] is True


def test_an_account_that_staff_closed_is_not_reopened(call: Call, ada: User) -> None:
    user = create(call)
    suspend_user(user, ada)
    for active in (False, True):
        call("PATCH", f"Users/{user.pk}", change({"op": "replace", "value": {"active": active}}))
    user.refresh_from_db()
    assert not user.is_active
    reinstate_user(user, ada)
    user.refresh_from_db()
    assert user.is_active


def test_a_suspension_that_ends_does_not_reopen_the_account_of_a_leaver(call: Call, ada: User) -> None:
    user = create(call, active=False)
    assert not user.is_active
    reinstate_user(user)
    user.refresh_from_db()
    assert not user.is_active
    reinstate_user(user, ada)
    user.refresh_from_db()
    assert user.is_active


@pytest.mark.parametrize("link", ["never", "confirm", "verified"])
@pytest.mark.parametrize("name", ["alice@example.org", "ALICE@example.org", "someone-else"])
def test_an_existing_account_passes_to_the_directory_only_by_the_rules_of_sign_in(
    call: Call, alice: User, settings: LazySettings, link: str, name: str
) -> None:
    settings.OIDC_LINK = link
    sent = kim(userName=name, emails=[{"value": "alice@example.org"}])
    assert call("POST", "Users", sent).status_code == 409, "no provider is connected"
    settings.OIDC_ISSUER = "https://login.example.org"
    response = call("POST", "Users", sent)
    assert response.status_code == (201 if link == "verified" else 409)
    if link != "verified":
        assert response.data["scimType"] == "uniqueness" and not DirectoryAccount.objects.exists()
        assert call("GET", f"Users/{alice.pk}").status_code == 404
        assert call("DELETE", f"Users/{alice.pk}").status_code == 404
        SocialAccount.objects.create(user=alice, provider=settings.OIDC_ISSUER, uid="alice-1")
        assert call("POST", "Users", sent).status_code == 201
    alice.refresh_from_db()
    assert alice.has_usable_password() and alice.email == "alice@example.org"


def test_the_address_of_an_account_with_a_password_stays(call: Call, alice: User, settings: LazySettings) -> None:
    settings.OIDC_ISSUER, settings.OIDC_LINK = "https://login.example.org", "verified"
    user = create(call, userName=alice.email)
    emails = {"op": "replace", "path": 'emails[type eq "work"].value', "value": "evil@corp.example"}
    assert call("PATCH", f"Users/{user.pk}", change(emails)).status_code == 204
    alice.refresh_from_db()
    assert alice.email == "alice@example.org"


def test_the_address_of_an_account_of_the_directory_follows_it(call: Call, alice: User) -> None:
    user = create(call)
    path = 'emails[type eq "work"].value'
    call("PATCH", f"Users/{user.pk}", change({"op": "Replace", "path": path, "value": "Kim.Lee@corp.example"}))
    user.refresh_from_db()
    assert user.email == "kim.lee@corp.example"
    taken = call("PATCH", f"Users/{user.pk}", change({"op": "Replace", "path": path, "value": alice.email}))
    assert taken.status_code == 409


def test_a_user_name_is_found_without_its_case_and_given_once(call: Call) -> None:
    user = create(call)
    found = call("GET", "Users?filter=userName+eq+%22KIM%40corp.example%22").data
    assert found["totalResults"] == 1 and found["Resources"][0]["id"] == str(user.pk)
    assert call("GET", "Users?filter=externalId+eq+%22KIM-1%22").data["totalResults"] == 0
    assert call("POST", "Users", kim(userName="KIM@CORP.example")).status_code == 409
    create(call, userName="JÜRGEN", externalId="2", emails=[{"value": "juergen@corp.example"}])
    assert call("GET", "Users?filter=userName+sw+%22j%C3%BCr%22").data["totalResults"] == 1
    assert call("GET", "Users?filter=title+eq+%22x%22").status_code == 400
    assert call("GET", "Users?filter=userName+eq").data["scimType"] == "invalidFilter"


def test_unknown_attributes_of_directories_are_dropped(call: Call) -> None:
    user = create(
        call, schemas=[USER, ENTERPRISE], displayName=None, name={"givenName": "Kim", "familyName": "Lee"},
        title="Nurse", phoneNumbers=[{"value": "+1"}], **{ENTERPRISE: {"department": "Ward 7"}},
        emails=[{"value": "private@mail.example", "type": "home"},
                {"value": "kim.lee@corp.example", "primary": True, "type": "work"}],
    )  # fmt: skip
    assert user.email == "kim.lee@corp.example"
    ignored = change({"op": "Add", "path": "title", "value": "Doctor"},
                     {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Ward 8"})  # fmt: skip
    assert call("PATCH", f"Users/{user.pk}", ignored).status_code == 204
    mixed = change({"op": "replace", "value": {"displayName": "Kim L.", "name.givenName": "K", "title": "x"}})
    assert call("PATCH", f"Users/{user.pk}", mixed).status_code == 204
    user.refresh_from_db()
    assert user.name == "Kim L."


def test_members_are_added_removed_by_filter_and_replaced(call: Call) -> None:
    first, second = create(call), create(call, userName="lou@corp.example", externalId="lou-1")
    group = create_group(call)
    members = {"op": "Add", "path": "members", "value": [{"value": str(first.pk)}, {"value": str(second.pk)}]}
    assert call("PATCH", f"Groups/{group.pk}", change(members)).status_code == 204
    assert set(group.user_set.all()) == {first, second}
    path = f'members[value eq "{first.pk}"]'
    call("PATCH", f"Groups/{group.pk}", change({"op": "remove", "path": path}))
    assert set(group.user_set.all()) == {second}
    removed = {"op": "Remove", "path": "members", "value": [{"value": str(second.pk)}]}  # Entra
    call("PATCH", f"Groups/{group.pk}", change(removed))
    assert not group.user_set.exists()
    sent = {"schemas": [GROUP], "displayName": "Carers", "members": [{"value": str(first.pk), "display": "Kim"}]}
    assert call("PUT", f"Groups/{group.pk}", sent).data["displayName"] == "Carers"
    assert set(group.user_set.all()) == {first}
    assert AuditEntry.objects.filter(kind="group.joined").last().payload["how"] == "directory"  # type: ignore[union-attr]
    asked = f"Groups?filter=id+eq+%22{group.pk}%22+and+members+eq+%22{first.pk}%22&excludedAttributes=members"
    assert call("GET", asked).data["totalResults"] == 1


def test_groups_made_by_hand_are_left_alone(call: Call, ada: User, alice: User) -> None:
    mine = groups.create_group("Porters", ada)
    groups.add_member(mine, alice, ada)
    user = create(call)
    response = call("POST", "Groups", {"schemas": [GROUP], "displayName": "Porters"})
    assert response.status_code == 409 and "made by hand" in response.data["detail"]
    join = change({"op": "add", "path": "members", "value": [{"value": str(user.pk)}]})
    for method in ("GET", "DELETE"):
        assert call(method, f"Groups/{mine.pk}").status_code == 404
    assert call("PATCH", f"Groups/{mine.pk}", join).status_code == 404
    assert list(mine.user_set.all()) == [alice]
    made = create_group(call, "Nurses", user)
    groups.add_member(made, alice, ada)
    call("PUT", f"Groups/{made.pk}", {"schemas": [GROUP], "displayName": "Nurses", "members": []})
    assert list(made.user_set.all()) == [alice], "the directory does not know her"
    stranger = change({"op": "add", "path": "members", "value": [{"value": str(alice.pk)}]})
    assert call("PATCH", f"Groups/{made.pk}", stranger).status_code == 400
    assert call("DELETE", f"Groups/{made.pk}").status_code == 204 and Group.objects.filter(pk=mine.pk).exists()


def test_lists_need_few_queries_and_have_a_limit(call: Call) -> None:
    users = [create(call, userName=f"u{n}@corp.example", externalId=str(n)) for n in range(12)]
    for n in range(3):
        create_group(call, f"Group {n}", *users)
    for path in ("Users?count=500", "Groups"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            found = call("GET", path).data
        assert len(queries) <= 9, [one["sql"] for one in queries]
    assert len(found["Resources"][0]["members"]) == 12
    page = call("GET", "Users?startIndex=11&count=5").data
    assert (page["totalResults"], page["itemsPerPage"], page["startIndex"]) == (12, 2, 11)
    assert call("GET", "Users?count=0").data["totalResults"] == 12
    assert call("GET", "ServiceProviderConfig").data["filter"]["maxResults"] == 100


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400), (b"[]", 400), (b"[" * 100_000, 400), (b'{"userName": 7}', 400), (b"x" * 3_000_000, 413),
        (json.dumps(kim(userName="no address")).encode(), 400),
        (json.dumps(kim(userName="a\0@b.example")).encode(), 400),
        (json.dumps(kim(externalId="x" * 300)).encode(), 400), (json.dumps(kim(active=[1])).encode(), 400),
        (json.dumps(kim(emails=["x"])).encode(), 400), (json.dumps(kim(emails="x")).encode(), 400),
    ],
)  # fmt: skip
def test_malformed_requests_are_refused_in_the_form_of_scim(call: Call, content: bytes, status: int) -> None:
    response = call("POST", "Users", content)
    assert response.status_code == status and response.data["status"] == str(status)
    assert response.headers["Content-Type"] == "application/scim+json" and not DirectoryAccount.objects.exists()


@pytest.mark.parametrize("path", ["Users/0", "Users/x", "Users/" + "9" * 40, "Groups/1e3", "Nothing/1", "Users/1/2"])
def test_unknown_addresses_are_not_found(call: Call, path: str) -> None:
    assert call("GET", path).status_code == 404
    assert call("GET", "Me").status_code == 501 and call("POST", "Bulk", {}).status_code == 501
    assert call("OPTIONS", "Users").status_code == 405


def test_scim_is_off_without_a_token_and_after_its_revocation(call: Call, client: Client, ada: User) -> None:
    assert call("GET", "Users").status_code == 200
    assert DirectoryToken.objects.get().last_used is not None
    revoke_token(ada)
    response = call("GET", "Users")
    assert response.status_code == 404 and "switched off" in response.data["detail"]
    assert [entry.actor for entry in AuditEntry.objects.filter(kind="directory.changed")] == [ada.pk, ada.pk]


def test_no_other_credentials_are_taken_and_wrong_ones_are_limited(call: Call, admin: Client, ada: User) -> None:
    personal = create_token(ada, "script", ["read", "write"], None)
    for header in ("", f"Bearer {personal}", "Bearer obd_x", "Bearer ", "Basic eA==", "Bearer \u00e9"):
        response = call("GET", "Users", Authorization=header)
        assert response.status_code == 401 and response.headers["WWW-Authenticate"].startswith("Bearer")
    assert admin.get("/scim/v2/Users").status_code == 401, "cookies do not count"
    statuses = {call("GET", "Users", Authorization="Bearer obd_x").status_code for _ in range(20)}
    assert statuses == {401, 429}
    assert call("GET", "Users").status_code == 200, "the right token passes"


def test_the_token_is_stored_as_a_hash_and_in_no_log(
    call: Call, secret: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.administration.directory.storage import DirectoryStorage

    def fail(*options: object, **more: object) -> None:
        raise RuntimeError("storage is away")

    caplog.set_level(logging.DEBUG)
    call("GET", "Users", Authorization="Bearer obd_wrong")
    monkeypatch.setattr(DirectoryStorage, "search", fail)
    response = call("GET", "Users")
    assert response.status_code == 500 and "away" not in response.data["detail"]
    assert "storage is away" in caplog.text and secret not in caplog.text and "obd_wrong" not in caplog.text
    assert secret not in str(list(DirectoryToken.objects.values())) + str(list(AuditEntry.objects.values()))
