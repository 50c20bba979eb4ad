"""Every address, asked as everybody. A route that is not in the matrix fails, and so does a row without a route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.conversations.models import Conversation, Message, Source
from apps.documents.models import Collection, Document, Membership
from apps.users.invitations import invite
from apps.users.models import Invitation, User
from apps.users.people import suspend
from tests.documents.library import collection, document

PUBLIC = "public"  # answers anybody
SIGNED_IN = "signed in"  # the same for every person, or only their own rows
READ = "read"  # owner, editor, reader
EDIT = "edit"  # owner, editor
OWN = "own"  # owner
ADMIN = "administrator"
SETUP = "set-up"  # only the steps of a first administrator

C, D, P = "collections/<uuid:pk>/", "documents/<uuid:pk>/", "people/"
MATRIX = {
    "accounts/login/": PUBLIC,
    "accounts/logout/": PUBLIC,
    "accounts/inactive/": PUBLIC,
    "accounts/signup/": PUBLIC,
    "accounts/reauthenticate/": SIGNED_IN,
    "accounts/email/": SIGNED_IN,
    "accounts/confirm-email/": PUBLIC,
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$": PUBLIC,
    "accounts/password/change/": SIGNED_IN,
    "accounts/password/set/": SIGNED_IN,
    "accounts/password/reset/": PUBLIC,
    "accounts/password/reset/done/": PUBLIC,
    "accounts/password/reset/key/done/": PUBLIC,
    r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": PUBLIC,
    "accounts/login/code/confirm/": PUBLIC,
    P: ADMIN,
    P + "<int:pk>/role/": ADMIN,
    P + "<int:pk>/active/": ADMIN,
    P + "<int:pk>/address/": ADMIN,
    P + "invitations/<int:pk>/revoke/": ADMIN,
    "collections/": SIGNED_IN,
    C: READ,
    C + "tray/": READ,
    C + "upload/": EDIT,
    C + "retry/": EDIT,
    C + "dismiss/": EDIT,
    C + "people/": OWN,
    C + "people/remove/": OWN,
    C + "people/everyone/": OWN,
    C + "settings/": OWN,
    C + "delete/": OWN,
    D: READ,
    D + "passage/": READ,
    D + "pages/<int:number>.png": READ,
    D + "file/": READ,
    D + "cancel/": EDIT,
    D + "retry/": EDIT,
    D + "rename/": EDIT,
    D + "delete/": EDIT,
    "setup/": SETUP,
    "setup/model/": SETUP,
    "setup/embedding/": SETUP,
    "setup/reading/": SETUP,
    "setup/sample/": SETUP,
    "setup/ask/": SETUP,
    "doctor/": ADMIN,
    "doctor/<slug:name>/": ADMIN,
    "settings/": ADMIN,
    "status/": PUBLIC,  # nothing but an empty pill for those who are not signed in
    "health/live/": PUBLIC,
    "health/ready/": PUBLIC,
    "": SIGNED_IN,
    "c/<uuid:pk>/": OWN,
    "c/<uuid:pk>/delete/": OWN,
    "c/<uuid:pk>/rename/": OWN,
    "conversations/": SIGNED_IN,
    "answers/<uuid:answer>/sources/<int:number>/": OWN,
}
GONE = 404
NOT_THIS_WAY = 405
_SAYS_NOTHING = {GONE, NOT_THIS_WAY}  # 405 comes before any row is looked for


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, here)
        elif isinstance(pattern, URLPattern):
            yield here


@dataclass
class House:
    """What Alice owns; Bob may read her collection, Charlie has nothing to do with her."""

    shelf: Collection
    paper: Document
    talk: Conversation
    answer: Message
    invitation: Invitation

    def address(self, route: str, alice: User) -> str:
        if route.startswith(P):
            pk: object = self.invitation.pk if "invitations" in route else alice.pk
        else:
            pk = self.shelf.pk if route.startswith(C) else self.paper.pk if route.startswith(D) else self.talk.pk
        parts = {
            "<uuid:pk>": pk,
            "<int:pk>": pk,
            "<uuid:answer>": self.answer.pk,
            "<int:number>": 1,
            "<slug:name>": "x",
        }
        for part, value in parts.items():
            route = route.replace(part, str(value))
        return "/" + re.sub(r"\(\?P<\w+>[^)]*\)", "x1", route).replace("^", "").rstrip("$")

    def unchanged(self) -> bool:
        """Whether a stranger's requests left everything as it was."""
        return (
            Collection.objects.filter(pk=self.shelf.pk, name="Library", everyone=False).exists()
            and Document.objects.filter(pk=self.paper.pk, status="ready", title="Paper").exists()
            and self.shelf.documents.count() == 1
            and Conversation.objects.filter(pk=self.talk.pk, title="Talk").exists()
            and Membership.objects.filter(collection=self.shelf).count() == 1
            and Invitation.objects.filter(pk=self.invitation.pk).exists()
            and User.objects.filter(role=User.Role.ADMINISTRATOR).count() == 1
        )


@pytest.fixture
def house(alice: User, bob: User, charlie: User, ada: User) -> House:
    shelf = collection(alice)
    paper = document(shelf, "Paper", ["The only sentence of Alice."])
    Membership.objects.create(collection=shelf, user=bob)
    talk = Conversation.objects.create(owner=alice, title="Talk")
    question = Message.objects.create(
        conversation=talk, role=Message.Role.USER, text="What?", asked_by=alice, client_id="q"
    )
    answer = Message.objects.create(
        conversation=talk, parent=question, role=Message.Role.ASSISTANT, text="That.", asked_by=alice
    )
    Source.objects.create(conversation=talk, number=1, document=paper, page_number=1, spans=[[0, 8]])
    invite(ada)
    return House(shelf, paper, talk, answer, Invitation.objects.get())


def as_person(user: User | None) -> Client:
    client = Client(raise_request_exception=True)
    if user is not None:
        client.force_login(user)
    return client


def ask(client: Client, address: str, method: str) -> int:
    data = {"everyone": "on", "email": "charlie@example.org", "role": "owner", "name": "Taken", "title": "Taken"}
    response = client.post(address, data) if method == "POST" else client.get(address)
    if response.status_code == 302 and response["Location"].startswith("/accounts/login/"):
        return 401
    return response.status_code


def ask_both(client: Client, address: str) -> set[int]:
    return {ask(client, address, "GET"), ask(client, address, "POST")}


EVERY_ROUTE = pytest.mark.parametrize("route", list(MATRIX))


def test_the_matrix_names_every_route_and_no_other() -> None:
    assert sorted(set(routes(get_resolver()))) == sorted(MATRIX)


@EVERY_ROUTE
def test_anonymous_people_are_asked_to_sign_in(house: House, alice: User, route: str) -> None:
    found = ask_both(as_person(None), house.address(route, alice))
    assert MATRIX[route] == PUBLIC or found <= {401, *_SAYS_NOTHING}
    assert house.unchanged()


@EVERY_ROUTE
def test_a_stranger_learns_nothing_of_what_is_not_theirs(house: House, alice: User, charlie: User, route: str) -> None:
    found = ask_both(as_person(charlie), house.address(route, alice))
    assert MATRIX[route] not in {READ, EDIT, OWN, ADMIN} or found <= _SAYS_NOTHING
    assert house.unchanged()


@pytest.mark.parametrize("route", [route for route, rule in MATRIX.items() if rule in {READ, EDIT, OWN}])
def test_foreign_and_unknown_look_the_same(house: House, alice: User, charlie: User, route: str) -> None:
    foreign = house.address(route, alice)
    unknown = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", str(uuid4()), foreign)
    client = as_person(charlie)
    for method in ("GET", "POST"):
        assert ask(client, foreign, method) == ask(client, unknown, method)


@EVERY_ROUTE
def test_a_reader_changes_nothing(house: House, alice: User, bob: User, route: str) -> None:
    found = ask_both(as_person(bob), house.address(route, alice))
    assert MATRIX[route] not in {EDIT, OWN, ADMIN} or found <= _SAYS_NOTHING
    assert house.unchanged()


@EVERY_ROUTE
def test_a_suspended_person_reaches_nothing(house: House, alice: User, route: str) -> None:
    client = as_person(alice)
    suspend(alice)
    found = ask_both(client, house.address(route, alice))
    assert MATRIX[route] == PUBLIC or found <= {401, *_SAYS_NOTHING}
    assert house.unchanged()


@pytest.mark.parametrize("route", [route for route, rule in MATRIX.items() if rule in {READ, EDIT, OWN}])
def test_the_owner_reaches_what_others_do_not(house: House, alice: User, route: str) -> None:
    """The sweep would prove nothing if its addresses led nowhere."""
    client, address = as_person(alice), house.address(route, alice)
    if route.endswith(
        (".png", "file/")
    ):  # this document has text only; tests/documents/test_viewer.py opens real files
        assert ask(client, address, "GET") == GONE
    else:
        assert ask_both(client, address) & {200, 302, 400}


@EVERY_ROUTE
def test_nothing_is_changed_without_the_token_of_the_page(house: House, alice: User, ada: User, route: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada if MATRIX[route] == ADMIN else alice)
    assert client.post(house.address(route, alice), {"title": "Taken"}).status_code in {403, *_SAYS_NOTHING}
    assert house.unchanged()
