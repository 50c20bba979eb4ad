"""Fixtures of the administration tests."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from apps.users.models import User
from tests.support.password import PASSWORD


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    """Clear the cache, which counts sign-in attempts per minute across tests."""
    cache.clear()


@pytest.fixture
def admin(client: Client, ada: User) -> Client:
    """Return a client signed in as Ada, who has just re-entered her password."""
    client.force_login(ada)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client
