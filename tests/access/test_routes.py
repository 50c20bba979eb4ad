"""Every route, requested by every kind of user. A route without a row in the matrix fails, and a row without a
route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.documents.models import Collection
from apps.users.accounts import suspend_user
from apps.users.models import User
from tests.access.owned_objects import OwnedObjects
from tests.access.route_permissions import ADMIN, EDIT, MATRIX, OWN, PUBLIC, READ, STAFF, TOKEN

GONE = 404
NOT_THIS_WAY = 405
_SAYS_NOTHING = {GONE, NOT_THIS_WAY}  # 405 comes before any row is looked for


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """Yield every route below the resolver, in the form of the matrix."""
    for pattern in resolver.url_patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, here)
        elif isinstance(pattern, URLPattern):
            yield here


@pytest.fixture
def alice(house: OwnedObjects) -> User:
    return User.objects.get(email="alice@example.org")


@pytest.fixture
def bob(house: OwnedObjects) -> User:
    return User.objects.get(email="bob@example.org")


@pytest.fixture
def charlie(house: OwnedObjects) -> User:
    return User.objects.get(email="charlie@example.org")


@pytest.fixture
def ada(house: OwnedObjects) -> User:
    return User.objects.get(email="ada@example.org")


def as_person(user: User | None) -> Client:
    """Return a client signed in as the user; None: anonymous."""
    client = Client(raise_request_exception=True)
    if user is not None:
        client.force_login(user)
    return client


def ask(client: Client, address: str, method: str) -> int:
    """Return the status of the request. POST data could change an object if access were granted."""
    data = {"everyone": "on", "email": "charlie@example.org", "role": "owner", "name": "Taken", "title": "Taken"}
    data |= {"enabled": "no", "keywords": "taken", "text": "Taken?", "words": "taken"}
    response = client.post(address, data) if method == "POST" else client.get(address)
    if response.status_code == 302 and response["Location"].startswith("/accounts/login/"):
        return 401
    return response.status_code


def ask_both(client: Client, address: str) -> set[int]:
    """Return the statuses of GET and POST."""
    return {ask(client, address, "GET"), ask(client, address, "POST")}


EVERY_ROUTE = pytest.mark.parametrize("route", list(MATRIX))


def test_the_matrix_names_every_route_and_no_other() -> None:
    assert sorted(set(routes(get_resolver()))) == sorted(MATRIX)


def test_a_search_that_was_set_otherwise_would_show(house: OwnedObjects) -> None:
    assert house.unchanged()
    Collection.objects.filter(pk=house.shelf.pk).update(tuning={"meaning": 0.5})
    assert not house.unchanged()


@EVERY_ROUTE
def test_anonymous_people_are_asked_to_sign_in(house: OwnedObjects, alice: User, route: str) -> None:
    found = ask_both(as_person(None), house.address(route, alice))
    assert MATRIX[route] == PUBLIC or found <= {401, *_SAYS_NOTHING}
    assert house.unchanged()


@EVERY_ROUTE
def test_a_stranger_learns_nothing_of_what_is_not_theirs(
    house: OwnedObjects, alice: User, charlie: User, route: str
) -> None:
    found = ask_both(as_person(charlie), house.address(route, alice))
    assert MATRIX[route] not in {READ, EDIT, OWN, ADMIN, STAFF} or found <= _SAYS_NOTHING
    assert house.unchanged()


@pytest.mark.parametrize("route", [route for route, rule in MATRIX.items() if rule in {READ, EDIT, OWN}])
def test_foreign_and_unknown_look_the_same(house: OwnedObjects, alice: User, charlie: User, route: str) -> None:
    foreign = house.address(route, alice)
    unknown = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", str(uuid4()), foreign)
    client = as_person(charlie)
    for method in ("GET", "POST"):
        assert ask(client, foreign, method) == ask(client, unknown, method)


@EVERY_ROUTE
def test_a_reader_changes_nothing(house: OwnedObjects, alice: User, bob: User, route: str) -> None:
    found = ask_both(as_person(bob), house.address(route, alice))
    assert MATRIX[route] not in {EDIT, OWN, ADMIN, STAFF} or found <= _SAYS_NOTHING
    assert house.unchanged()


@EVERY_ROUTE
def test_a_suspended_person_reaches_nothing(house: OwnedObjects, alice: User, route: str) -> None:
    client = as_person(alice)
    suspend_user(alice)
    found = ask_both(client, house.address(route, alice))
    assert MATRIX[route] == PUBLIC or found <= {401, *_SAYS_NOTHING}
    assert house.unchanged()


@pytest.mark.parametrize("route", [route for route, rule in MATRIX.items() if rule in {READ, EDIT, OWN}])
def test_the_owner_reaches_what_others_do_not(house: OwnedObjects, alice: User, route: str) -> None:
    """Check that the URLs of this sweep exist: otherwise its 404s would prove nothing."""
    client, address = as_person(alice), house.address(route, alice)
    # This document has text only, and the picture no file; other tests open real ones.
    if route.endswith((".png", "<int:step>.jpg", "file/")):
        assert ask(client, address, "GET") == GONE
    else:
        assert ask_both(client, address) & {200, 302, 400}


@EVERY_ROUTE
def test_nothing_is_changed_without_the_token_of_the_page(
    house: OwnedObjects, alice: User, ada: User, route: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada if MATRIX[route] == ADMIN else alice)
    refused = {401, *_SAYS_NOTHING} if MATRIX[route] == TOKEN else {403, *_SAYS_NOTHING}
    assert client.post(house.address(route, alice), {"title": "Taken"}).status_code in refused
    assert house.unchanged()
