"""Users named for break-glass access, and their clients."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.users import special_permissions
from apps.users.models import User
from tests.factories import make_user

WHY = "A court asked for this one, in an order of yesterday."
PAGE = "/review/break-glass/"


def signed_in(user: User) -> Client:
    """Return a client signed in as the user."""
    client = Client()
    client.force_login(user)
    return client


def named(user: User, permission: special_permissions.SpecialPermission = special_permissions.BREAK_GLASS) -> User:
    """Name the user for the special permission, and return the reloaded user."""
    permission.assign(user, True)
    user.refresh_from_db()
    return user


@pytest.fixture
def robin(db: None) -> User:
    """Return a reviewer named for break-glass access."""
    return named(make_user("robin", User.Role.REVIEWER))
