from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from apps.users.models import User
from tests.support.users import PASSWORD


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    """Each password of a minute is counted in the cache, also those of other tests."""
    cache.clear()


@pytest.fixture
def admin(client: Client, ada: User) -> Client:
    """Ada, who has just given her password once more."""
    client.force_login(ada)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client
