"""No page, table, choice or API shows the files of a chat, except the chat itself and the files' own pages."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.documents.models import Collection, Document
from apps.users.api_tokens import create_token
from apps.users.models import ApiToken, User
from tests.access.owned_objects import OwnedObjects
from tests.access.route_permissions import MATRIX, TOKEN

WORDS = b"Quagga", b"quagga"
OWN_PAGES = ("c/<uuid:pk>/", "files/", "documents/<uuid:pk>/")
STEPS = "setup/"  # lists nothing, and writes from another thread


@pytest.mark.parametrize("email", ["alice@example.org", "ada@example.org", "bob@example.org"])
def test_files_of_a_chat_are_named_on_no_page(house: OwnedObjects, email: str) -> None:
    user = User.objects.get(email=email)
    client = Client(raise_request_exception=True)
    client.force_login(user)
    told = {"HTTP_AUTHORIZATION": f"Bearer {create_token(user, 'test', [scope.value for scope in ApiToken.Scope], 30)}"}
    found = []
    for route in MATRIX:
        if route.startswith((*OWN_PAGES, STEPS)):
            continue
        address = house.address(route, user)
        response = client.get(address, **(told if MATRIX[route] == TOKEN else {}))
        content = b"" if response.streaming else response.content
        if any(word in content for word in WORDS) or str(house.talk.files_id).encode() in content:
            found.append(address)
    assert found == []


def test_programs_reach_the_collection_in_no_way(house: OwnedObjects) -> None:
    alice = User.objects.get(email="alice@example.org")
    client, pk = Client(), house.talk.files_id
    told = {
        "HTTP_AUTHORIZATION": f"Bearer {create_token(alice, 'test', [scope.value for scope in ApiToken.Scope], 30)}"
    }
    routes = [route for route, rule in MATRIX.items() if rule == TOKEN and "collections/<uuidstr:pk>" in route]
    assert routes
    for route in routes:
        address = "/" + route.replace("<uuidstr:pk>", str(pk))
        assert client.get(address, **told).status_code in {404, 405}, address
        assert client.post(address, "{}", "application/json", **told).status_code in {404, 405, 422}, address
        assert client.delete(address, **told).status_code in {404, 405}, address


def test_managers_and_access_queries_leave_them_out(house: OwnedObjects) -> None:
    alice = User.objects.get(email="alice@example.org")
    files = house.talk.files_id
    assert Collection.all_objects.filter(pk=files).exists()
    assert not Collection.objects.filter(pk=files).exists() and not alice.collections.filter(pk=files).exists()
    for rows in (Collection.objects.visible_to, Collection.objects.editable_by, Collection.objects.owned_by):
        assert not rows(alice).filter(pk=files).exists()
    assert not Document.objects.visible_to(alice).listed().filter(collection=files).exists()
    for other in User.objects.exclude(pk=alice.pk):
        assert not Document.all_objects.visible_to(other).filter(collection=files).exists()
