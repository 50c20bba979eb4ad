"""Every route, requested by every kind of user. A route without a row in the matrix fails, and a row without a
route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.documents.models import Collection
from apps.users.accounts import suspend_user
from apps.users.models import User
from tests.access.owned_objects import OwnedObjects
from tests.access.route_permissions import ADMIN, EDIT, MATRIX, OWN, PUBLIC, READ, STAFF, TOKEN
from tests.support.second_factor import CODE, SET_UP, add_app, enter_password, require

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


def sign_in(user: User) -> str:
    """Return the key of a new session of the user."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def as_person(session: str = "", *, enforce_csrf_checks: bool = False) -> Client:
    """Return a client with that session; "": anonymous."""
    client = Client(enforce_csrf_checks=enforce_csrf_checks, raise_request_exception=True)
    if session:
        client.cookies[settings.SESSION_COOKIE_NAME] = session
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


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what the requests inside have changed."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def visit_all(house: OwnedObjects, alice: User, session: str = "") -> Iterator[tuple[str, set[int]]]:
    """Yield every route with the statuses of GET and POST, which must leave every object as it was."""
    for route in MATRIX:
        with undone():
            yield route, ask_both(as_person(session), house.address(route, alice))
            assert house.unchanged(), route


THINGS = [route for route, rule in MATRIX.items() if rule in {READ, EDIT, OWN}]


def test_the_matrix_names_every_route_and_no_other() -> None:
    assert sorted(set(routes(get_resolver()))) == sorted(MATRIX)


def test_a_search_that_was_set_otherwise_would_show(house: OwnedObjects) -> None:
    assert house.unchanged()
    Collection.objects.filter(pk=house.shelf.pk).update(search_settings={"vector_weight": 0.5})
    assert not house.unchanged()


def test_anonymous_people_are_asked_to_sign_in(house: OwnedObjects, alice: User) -> None:
    for route, found in visit_all(house, alice):
        assert MATRIX[route] == PUBLIC or found <= {401, *_SAYS_NOTHING}, route


def test_a_stranger_learns_nothing_of_what_is_not_theirs(house: OwnedObjects, alice: User, charlie: User) -> None:
    for route, found in visit_all(house, alice, sign_in(charlie)):
        assert MATRIX[route] not in {READ, EDIT, OWN, ADMIN, STAFF} or found <= _SAYS_NOTHING, route


def test_foreign_and_unknown_look_the_same(house: OwnedObjects, alice: User, charlie: User) -> None:
    session = sign_in(charlie)
    for route in THINGS:
        foreign = house.address(route, alice)
        unknown = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", str(uuid4()), foreign)
        for method in ("GET", "POST"):
            with undone():
                client = as_person(session)
                assert ask(client, foreign, method) == ask(client, unknown, method), (method, route)


def test_a_reader_changes_nothing(house: OwnedObjects, alice: User, bob: User) -> None:
    for route, found in visit_all(house, alice, sign_in(bob)):
        assert MATRIX[route] not in {EDIT, OWN, ADMIN, STAFF} or found <= _SAYS_NOTHING, route


def test_a_suspended_person_reaches_nothing(house: OwnedObjects, alice: User) -> None:
    session = sign_in(alice)
    suspend_user(alice)
    for route, found in visit_all(house, alice, session):
        assert MATRIX[route] == PUBLIC or found <= {401, *_SAYS_NOTHING}, route


@pytest.mark.parametrize("has_factor", [True, False])
def test_a_password_without_the_second_factor_reaches_nothing(
    house: OwnedObjects, alice: User, has_factor: bool
) -> None:
    require("everybody")
    if has_factor:
        add_app(alice)
    client = Client()
    assert enter_password(client, alice) == (CODE if has_factor else SET_UP)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    for route, found in visit_all(house, alice, session):
        assert MATRIX[route] == PUBLIC or found <= {401, *_SAYS_NOTHING}, route


def test_the_owner_reaches_what_others_do_not(house: OwnedObjects, alice: User) -> None:
    """Check that the URLs of this sweep exist: otherwise its 404s would prove nothing."""
    session = sign_in(alice)
    for route in THINGS:
        with undone():
            client, address = as_person(session), house.address(route, alice)
            # This document has text only, and the picture no file; other tests open real ones.
            if route.endswith((".png", "<int:step>.jpg", "file/")):
                assert ask(client, address, "GET") == GONE, route
            else:
                assert ask_both(client, address) & {200, 302, 400}, route


def test_csrf_token_is_required_by_every_route_that_changes_something(
    house: OwnedObjects, alice: User, ada: User
) -> None:
    mine, administrators = sign_in(alice), sign_in(ada)
    for route, rule in MATRIX.items():
        if route in ("share/", "accounts/provider/backchannel-logout/"):
            # Posted by the operating system, which has no token; `receive_share` reads and changes nothing. And by the
            # provider of sign-ins, whose signed token tests/users/test_single_sign_on.py forges.
            continue
        client = as_person(administrators if rule == ADMIN else mine, enforce_csrf_checks=True)
        refused = {401, *_SAYS_NOTHING} if rule == TOKEN else {403, *_SAYS_NOTHING}
        with undone():
            assert client.post(house.address(route, alice), {"title": "Taken"}).status_code in refused, route
