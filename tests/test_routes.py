"""Every address, asked as everybody. A route that is not in the matrix fails, and so does a row without a route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.conversations.models import (
    Assistant,
    AttachedPicture,
    Conversation,
    Folder,
    Import,
    Message,
    SavedPrompt,
    Source,
)
from apps.documents.models import Chunk, Collection, Document, IndexBuild, Membership
from apps.engines import registry
from apps.evaluation.models import GoldenQuestion, GoldenRun
from apps.images.models import Picture, Preset
from apps.users.invitations import invite
from apps.users.models import Invitation, User
from apps.users.people import suspend
from tests.documents.library import collection, document
from tests.matrix import ADMIN, EDIT, MATRIX, OWN, PUBLIC, READ, STAFF, TOKEN, C, D, M, P
from tests.people import person

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
    group: Group
    helper: Assistant
    picture: Picture

    def address(self, route: str, alice: User) -> str:
        if route.startswith(P):
            pk: object = self.invitation.pk if "invitations" in route else alice.pk
            pk = self.group.pk if "groups" in route else pk
        else:
            pk = self.shelf.pk if route.startswith(C) else self.paper.pk if route.startswith(D) else self.talk.pk
        if route.startswith(M):
            pk = self.group.pk if "group" in route else self.shelf.pk if "collection" in route else alice.pk
        if route.startswith("folders/"):
            pk = self.talk.folder_id
        if route.startswith("assistants/"):
            pk = self.helper.pk
        if route.startswith("prompts/"):
            pk = 1
        if route.startswith("pictures/"):
            pk = 1 if "presets" in route else self.picture.pk
        if route.startswith("attached/"):
            pk = AttachedPicture.objects.get().pk
        if route.startswith("conversations/import/"):
            pk = Import.objects.get().pk
        if route.startswith("api/"):
            pk = self.shelf.pk if "collections" in route else self.paper.pk if "documents" in route else self.talk.pk
        parts = {
            "<uuidstr:pk>": pk,
            "<uuid:pk>": pk,
            "<int:pk>": pk,
            "<path:object_id>": pk,
            "<uuid:answer>": self.answer.pk,
            "<uuid:conversation>": self.talk.pk,
            "<int:number>": 1,
            "<int:step>": 1,
            "<slug:name>": "x",
            "<slug:secret>": "x",
        }
        for part, value in parts.items():
            route = route.replace(part, str(value))
        small = "?small" if re.fullmatch(r"attached/[0-9a-f-]+/", route) else ""  # the picture itself has no file
        query = f"?before={self.answer.pk}" if route.endswith("/turns/") else small
        return "/" + re.sub(r"\(\?P<\w+>[^)]*\)", "x1", route).replace("^", "").rstrip("$") + query

    def unchanged(self) -> bool:
        """Whether a stranger's requests left everything as it was."""
        return (
            Collection.objects.filter(pk=self.shelf.pk, name="Library", everyone=False, tuning={}).exists()
            and Document.objects.filter(pk=self.paper.pk, status="ready", title="Paper").exists()
            and self.shelf.documents.count() == 1
            and Conversation.objects.filter(pk=self.talk.pk, title="Talk").exists()
            and Folder.objects.filter(pk=self.talk.folder_id, name="Drawer").exists()
            and Assistant.objects.filter(pk=self.helper.pk, name="Helper", everyone=False, version=1).exists()
            and SavedPrompt.objects.filter(pk=1, name="Letter", everyone=False).exists()
            and Membership.objects.filter(collection=self.shelf).count() == 1
            and Invitation.objects.filter(pk=self.invitation.pk).exists()
            and Group.objects.filter(pk=self.group.pk, name="Team").exists()
            and not self.shelf.group_shares.exists()
            and GoldenQuestion.objects.filter(collection=self.shelf).count() == 1
            and IndexBuild.objects.filter(pk=1, status=IndexBuild.Status.BUILT).exists()
            and not GoldenRun.objects.exists()
            and Preset.objects.filter(pk=1, name="Harbour").exists()
            and [*Picture.objects.values_list("pk", "favourite")] == [(self.picture.pk, False)]
            and AttachedPicture.objects.filter(name="a.png").exists()
            and Chunk.objects.filter(document=self.paper, enabled=True, keywords="").exists()
            and User.objects.filter(role=User.Role.ADMINISTRATOR).count() == 1
        )


def first(row: Model) -> None:
    """The row has the number 1, as addresses name it; numbers that a server gave out go on behind it."""
    type(row)._base_manager.filter(pk=row.pk).update(id=1)


def build() -> House:
    alice, bob, _, ada = person("alice"), person("bob"), person("charlie"), person("ada", User.Role.ADMINISTRATOR)
    shelf = collection(alice)
    paper = document(shelf, "Paper", ["The only sentence of Alice."])
    Membership.objects.create(collection=shelf, user=bob)
    first(GoldenQuestion.objects.create(collection=shelf, text="What?", document=paper))
    first(IndexBuild.objects.create(collection=shelf, status=IndexBuild.Status.BUILT, tuning={"meaning": 0.5}))
    drawer = Folder.objects.create(owner=alice, name="Drawer")
    talk = Conversation.objects.create(owner=alice, title="Talk", folder=drawer)
    answer = None
    for number in range(2):
        said = {"conversation": talk, "asked_by": alice}
        question = Message.objects.create(parent=answer, role="user", text="What?", client_id=f"q{number}", **said)
        answer = Message.objects.create(parent=question, role="assistant", text="That.", **said)
    Message.objects.create(parent=question, role="assistant", text="This.", **said)
    Source.objects.create(conversation=talk, number=1, document=paper, page_number=1, spans=[[0, 8]])
    invite(ada)
    Import.objects.create(owner=alice, name="chats.json", status=Import.Status.DONE)
    helper = Assistant.objects.create(owner=alice, name="Helper")
    AttachedPicture.objects.create(owner=alice, name="a.png", width=9, height=9, sha256="0", file="attached/gone.png")
    first(SavedPrompt.objects.create(owner=alice, name="Letter", text="Write to {{whom}}."))
    drawn = {"width": 64, "height": 64, "steps": 1, "guidance": 1, "seed": 1, "model": "m", "preview": b"jpeg"}
    drawn |= {"prompt": "A lighthouse", "status": "ready", "file": "pictures/gone.png"}
    picture = Picture.objects.create(owner=alice, **drawn)
    first(Preset.objects.create(owner=alice, name="Harbour"))
    team = Group.objects.create(name="Team")
    return House(shelf, paper, talk, answer, Invitation.objects.get(), team, helper, picture)


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[House, Any]]:
    """Built once, with the index of its paper: each test has a transaction of its own inside this one."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build(), registry.index()
        transaction.set_rollback(True)


@pytest.fixture
def house(built: tuple[House, Any], db: None) -> House:
    found, registry._built["index"] = built
    return found


@pytest.fixture
def alice(house: House) -> User:
    return User.objects.get(email="alice@example.org")


@pytest.fixture
def bob(house: House) -> User:
    return User.objects.get(email="bob@example.org")


@pytest.fixture
def charlie(house: House) -> User:
    return User.objects.get(email="charlie@example.org")


@pytest.fixture
def ada(house: House) -> User:
    return User.objects.get(email="ada@example.org")


def as_person(user: User | None) -> Client:
    client = Client(raise_request_exception=True)
    if user is not None:
        client.force_login(user)
    return client


def ask(client: Client, address: str, method: str) -> int:
    data = {"everyone": "on", "email": "charlie@example.org", "role": "owner", "name": "Taken", "title": "Taken"}
    data |= {"enabled": "no", "keywords": "taken", "text": "Taken?", "words": "taken"}
    response = client.post(address, data) if method == "POST" else client.get(address)
    if response.status_code == 302 and response["Location"].startswith("/accounts/login/"):
        return 401
    return response.status_code


def ask_both(client: Client, address: str) -> set[int]:
    return {ask(client, address, "GET"), ask(client, address, "POST")}


EVERY_ROUTE = pytest.mark.parametrize("route", list(MATRIX))


def test_the_matrix_names_every_route_and_no_other() -> None:
    assert sorted(set(routes(get_resolver()))) == sorted(MATRIX)


def test_a_search_that_was_set_otherwise_would_show(house: House) -> None:
    assert house.unchanged()
    Collection.objects.filter(pk=house.shelf.pk).update(tuning={"meaning": 0.5})
    assert not house.unchanged()


@EVERY_ROUTE
def test_anonymous_people_are_asked_to_sign_in(house: House, alice: User, route: str) -> None:
    found = ask_both(as_person(None), house.address(route, alice))
    assert MATRIX[route] == PUBLIC or found <= {401, *_SAYS_NOTHING}
    assert house.unchanged()


@EVERY_ROUTE
def test_a_stranger_learns_nothing_of_what_is_not_theirs(house: House, alice: User, charlie: User, route: str) -> None:
    found = ask_both(as_person(charlie), house.address(route, alice))
    assert MATRIX[route] not in {READ, EDIT, OWN, ADMIN, STAFF} or found <= _SAYS_NOTHING
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
    assert MATRIX[route] not in {EDIT, OWN, ADMIN, STAFF} or found <= _SAYS_NOTHING
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
    # This document has text only, and the picture no file; other tests open real ones.
    if route.endswith((".png", "<int:step>.jpg", "file/")):
        assert ask(client, address, "GET") == GONE
    else:
        assert ask_both(client, address) & {200, 302, 400}


@EVERY_ROUTE
def test_nothing_is_changed_without_the_token_of_the_page(house: House, alice: User, ada: User, route: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada if MATRIX[route] == ADMIN else alice)
    refused = {401, *_SAYS_NOTHING} if MATRIX[route] == TOKEN else {403, *_SAYS_NOTHING}
    assert client.post(house.address(route, alice), {"title": "Taken"}).status_code in refused
    assert house.unchanged()
