"""Numbers of any length, at any place of any URL, are refused or ignored, and never cause a server error."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from apps.users.models import User
from tests.access.owned_objects import OwnedObjects
from tests.access.route_permissions import ADMIN, MATRIX, STAFF, TOKEN

LONG = "9" * 5000
ODD = [LONG, "9" * 30]  # Python reads no number of 5,000 digits, and no database one of thirty
_READ = re.compile(r"""(?:GET|POST|form|data|asked|params)(?:\.get|\.getlist)?[(\[]\s*["']([a-z_]+)["']""")
_FIELD = re.compile(r"^    ([a-z_]+) = (?:forms|fields)\.\w+\(", re.MULTILINE)


@cache
def _names() -> list[str]:
    """Return every name that a view or form reads from a request."""
    sources = [path.read_text() for path in Path(settings.BASE_DIR, "apps").rglob("*.py")]
    return sorted({name for text in sources for pattern in (_READ, _FIELD) for name in pattern.findall(text)})


def _statuses(client: Client, address: str) -> set[int]:
    found = set()
    for odd in ODD:
        sent = dict.fromkeys(_names(), odd)
        found.add(client.get(address, sent).status_code)
        with transaction.atomic():
            found.add(client.post(address, sent).status_code)
            transaction.set_rollback(True)
    return found


def test_the_names_of_parameters_are_found() -> None:
    assert {"folder", "version", "page", "burst", "person"} <= set(_names())


@pytest.mark.slow
@pytest.mark.parametrize("route", [route for route, rule in MATRIX.items() if rule != TOKEN and "logout" not in route])
def test_a_number_of_any_length_is_no_fault_of_the_server(house: OwnedObjects, route: str) -> None:
    alice = User.objects.get(email="alice@example.org")
    staff = MATRIX[route] in {ADMIN, STAFF}
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(email="ada@example.org") if staff else alice)
    found = _statuses(client, house.address(route, alice))
    if "<int:" in route:
        for odd in ODD:
            found |= _statuses(client, house.address(re.sub("<int:[a-z]+>", odd, route), alice))
    assert max(found) < 500
