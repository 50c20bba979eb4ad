"""API tokens: shown once, scoped, expiring, revocable; ids of other users give 404."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.api.api import api
from apps.conversations.models import Conversation, Message
from apps.documents.models import Collection, Membership
from apps.users import api_tokens
from apps.users.accounts import suspend_user
from apps.users.models import ApiToken, User
from tests.api.conftest import headers
from tests.factories import make_collection, make_document, make_exchange
from tests.support.password import PASSWORD

# method, address, scope it needs; {collection}, {document}, {conversation}, {answer} are Alice's
OPERATIONS = [
    ("get", "/v1/models", "chat"),
    ("get", "/v1/models/openbook", "chat"),
    ("post", "/v1/chat/completions", "chat"),
    ("post", "/v1/embeddings", "chat"),
    ("get", "/api/collections", "read"),
    ("post", "/api/collections", "write"),
    ("get", "/api/collections/{collection}", "read"),
    ("patch", "/api/collections/{collection}", "write"),
    ("delete", "/api/collections/{collection}", "write"),
    ("get", "/api/collections/{collection}/documents", "read"),
    ("post", "/api/collections/{collection}/documents", "write"),
    ("post", "/api/collections/{collection}/pages", "write"),
    ("get", "/api/documents/{document}", "read"),
    ("patch", "/api/documents/{document}", "write"),
    ("post", "/api/documents/{document}/cancel", "write"),
    ("post", "/api/documents/{document}/retry", "write"),
    ("delete", "/api/documents/{document}", "write"),
    ("post", "/api/search", "read"),
    ("get", "/api/conversations", "read"),
    ("get", "/api/conversations/{conversation}", "read"),
    ("patch", "/api/conversations/{conversation}", "write"),
    ("delete", "/api/conversations/{conversation}", "write"),
    ("get", "/api/conversations/{conversation}/messages", "read"),
    ("post", "/api/conversations", "chat"),
    ("post", "/api/conversations/{conversation}/questions", "chat"),
    ("get", "/api/answers/{answer}", "read"),
    ("post", "/api/answers/{answer}/stop", "chat"),
]
BODIES = {"patch": {"name": "Taken", "title": "Taken"}, "post": {"name": "New", "question": "What?"}}
PAGE = {"url": "https://example.org/"}
EVERY = pytest.mark.parametrize(("method", "address", "scope"), OPERATIONS)
EVERY_ONE_OF_ALICE = pytest.mark.parametrize(
    ("method", "address", "scope"), [row for row in OPERATIONS if "{" in row[1]]
)
pytestmark = pytest.mark.django_db(transaction=True)  # operations that stream read rows in other threads


class ApiRows:
    def __init__(self, alice: User) -> None:
        self.collection = make_collection(alice)
        self.document = make_document(self.collection, "Paper", ["The only sentence of Alice."])
        self.answer = make_exchange(alice, title="Talk")
        self.conversation = self.answer.conversation

    def address(self, address: str) -> str:
        return address.format(
            collection=self.collection.pk, document=self.document.pk, conversation=self.conversation.pk,
            answer=self.answer.pk,
        )  # fmt: skip

    def unchanged(self) -> bool:
        return (
            Collection.objects.filter(pk=self.collection.pk, name="Library").exists()
            and self.collection.documents.filter(title="Paper", status="ready").count() == 1
            and Conversation.objects.filter(pk=self.conversation.pk, title="Talk").exists()
            and Message.objects.count() == 2
        )


@pytest.fixture
def rows(alice: User) -> ApiRows:
    return ApiRows(alice)


def call(method: str, address: str, **sent: str) -> tuple[int, str]:
    if method == "get":
        response = Client().get(address, **sent)
    else:
        body = json.dumps(PAGE if address.endswith("/pages") else BODIES.get(method, {}))
        response = getattr(Client(), method)(address, body, content_type="application/json", **sent)
    return response.status_code, response.content.decode()


def test_operations_of_the_api_are_all_tried_with_tokens() -> None:
    there = {
        (method, re.sub(r"{[^}]*}", "{}", path))
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method in operations
    }
    assert there == {
        (method, re.sub(r"{[^}]*}", "{}", address.replace("/v1/models/openbook", "/v1/models/{name}")))
        for method, address, _scope in OPERATIONS
    }


@EVERY
def test_operations_are_refused_without_a_token(rows: ApiRows, method: str, address: str, scope: str) -> None:
    for sent in ({}, {"HTTP_AUTHORIZATION": "Bearer ob_wrong"}, {"HTTP_AUTHORIZATION": "Basic x"}):
        assert call(method, rows.address(address), **sent)[0] == 401
    assert rows.unchanged()


@EVERY
def test_a_session_is_no_token(rows: ApiRows, alice: User, method: str, address: str, scope: str) -> None:
    client = Client()
    client.force_login(alice)
    assert getattr(client, method)(rows.address(address)).status_code == 401
    assert rows.unchanged()


@EVERY
def test_a_token_without_the_scope_is_refused(
    rows: ApiRows, alice: User, method: str, address: str, scope: str
) -> None:
    others = [item.value for item in ApiToken.Scope if item != scope]
    status, words = call(method, rows.address(address), **headers(alice, *others))
    assert status == 403 and "token may not" in words
    assert rows.unchanged()


@EVERY_ONE_OF_ALICE
def test_objects_of_another_user_are_as_unknown_ids(
    rows: ApiRows, charlie: User, method: str, address: str, scope: str
) -> None:
    sent = headers(charlie)
    found = call(method, rows.address(address), **sent)
    unknown = call(
        method, address.format(collection=uuid4(), document=uuid4(), conversation=uuid4(), answer=uuid4()), **sent
    )
    assert found == unknown
    uploads = method == "post" and address.endswith("/documents")
    assert found[0] == (422 if uploads else 404)  # an upload without a file is malformed, whoever sends it
    assert rows.unchanged()


@pytest.mark.parametrize("model", ["openbook", "fake-1B"])
@pytest.mark.parametrize("address", ["/v1/chat/completions", "/api/search"])
def test_a_collection_of_another_named_in_a_question_does_not_exist(
    rows: ApiRows, charlie: User, address: str, model: str
) -> None:
    asked = {"model": model, "messages": [{"role": "user", "content": "What?"}], "question": "What?"}
    sent = headers(charlie)
    found = [
        Client().post(address, json.dumps(asked | {"collections": [str(pk)]}), "application/json", **sent)
        for pk in (rows.collection.pk, uuid4())
    ]
    assert [response.status_code for response in found] == [404, 404]
    assert found[0].content == found[1].content


@EVERY_ONE_OF_ALICE
def test_a_reader_changes_nothing(rows: ApiRows, bob: User, method: str, address: str, scope: str) -> None:
    Membership.objects.create(collection=rows.collection, user=bob)
    status, _ = call(method, rows.address(address), **headers(bob))
    assert status == (
        200 if scope == "read" and not address.count("{conversation}") + address.count("{answer}") else status
    )
    assert scope == "read" or status in {404, 422}
    assert rows.unchanged()


@EVERY
def test_the_tokens_of_a_suspended_person_are_dead(
    rows: ApiRows, alice: User, ada: User, method: str, address: str, scope: str
) -> None:
    sent = headers(alice)
    suspend_user(alice)
    assert call(method, rows.address(address), **sent)[0] == 401


def test_an_expired_or_revoked_token_is_dead(alice: User) -> None:
    secret = api_tokens.create_token(alice, "script", ["read"], 30)
    assert api_tokens.find_token(secret) is not None
    ApiToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert api_tokens.find_token(secret) is None
    lasting = api_tokens.create_token(alice, "other", ["read"], None)
    assert api_tokens.revoke_token(alice, ApiToken.objects.get(name="other").pk)
    assert api_tokens.find_token(lasting) is None


def test_token_is_stored_as_a_hash_and_its_use_is_noted(alice: User) -> None:
    secret = api_tokens.create_token(alice, "script", ["read"], 30)
    row = ApiToken.objects.get()
    assert secret not in str(vars(row)) and row.last_used is None
    api_tokens.find_token(secret)
    row.refresh_from_db()
    assert row.last_used is not None


def test_token_is_not_revoked_by_another_user(alice: User, bob: User, client: Client) -> None:
    api_tokens.create_token(alice, "script", ["read"], 30)
    client.force_login(bob)
    client.post(f"/tokens/{ApiToken.objects.get().pk}/revoke/")
    assert ApiToken.objects.count() == 1


def enter_password_again(client: Client, user: User) -> None:
    client.force_login(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def test_a_new_token_needs_the_password_again(alice: User, client: Client) -> None:
    client.force_login(alice)
    data = {"name": "script", "scopes": ["read"], "days": "30"}
    assert client.post("/tokens/", data)["Location"].startswith("/accounts/reauthenticate/")
    assert not ApiToken.objects.exists() and client.get("/tokens/").status_code == 200
    page = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/tokens/"})
    assert 'id="fresh" value="ob_' in page.content.decode()


def test_the_page_shows_a_new_token_once(alice: User, client: Client) -> None:
    enter_password_again(client, alice)
    page = client.post("/tokens/", {"name": "script", "scopes": ["read", "chat"], "days": "30"}).content.decode()
    row = ApiToken.objects.get()
    secret = page.split('id="fresh" value="')[1].split('"')[0]
    assert secret.startswith("ob_") and secret.endswith(row.secret_suffix)
    again = client.get("/tokens/").content.decode()
    assert secret not in again and row.secret_suffix in again and "Read collections" in again


def test_a_token_that_may_do_nothing_or_anything_unknown_is_not_made(alice: User, client: Client) -> None:
    enter_password_again(client, alice)
    assert client.post("/tokens/", {"name": "x", "days": "30"}).status_code == 400
    assert client.post("/tokens/", {"name": "x", "scopes": ["admin"], "days": "30"}).status_code == 400
    assert client.post("/tokens/", {"name": "x", "scopes": ["read"], "days": "99999"}).status_code == 400
    assert not ApiToken.objects.exists()


def test_a_person_has_no_more_tokens_than_one_may_have(
    alice: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_tokens, "LIMIT", 1)
    api_tokens.create_token(alice, "first", ["read"], 30)
    enter_password_again(client, alice)
    response = client.post("/tokens/", {"name": "second", "scopes": ["read"], "days": "30"})
    assert response.status_code == 400 and "Revoke one first" in response.content.decode()
