"""A conversation of which one answer is withheld from exports and links, and users named for break-glass access."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.conversations.models import Conversation
from apps.users import special_permissions
from apps.users.models import User
from tests.factories import make_exchange

WHY = "A court asked for this one, in an order of yesterday."
PAGE = "/review/break-glass/"
HATEFUL = "All of it is [hate], word for word."
HARMLESS = "About a hundred metres."


@pytest.fixture
def conversation(alice: User, ada: User) -> Conversation:
    """Return a conversation of Alice with a harmless answer, and one that exports and links withhold."""
    first = make_exchange(alice, answer=HARMLESS, title="Lighthouses", ended=timezone.now())
    return make_exchange(alice, "Who says so?", HATEFUL, after=first, ended=timezone.now()).conversation


class Looks:
    """A classifier of pictures for which each one is sure to be sexual."""

    fingerprint, codes = "looks-fake", frozenset({"sexual"})

    def scores(self, content: bytes) -> dict[str, float]:
        return {"sexual": 0.95}


def name_for(user: User, permission: special_permissions.SpecialPermission = special_permissions.BREAK_GLASS) -> User:
    """Name the user for the special permission, and return the reloaded user."""
    permission.assign(user, True)
    user.refresh_from_db()
    return user


@pytest.fixture
def robin(robin: User) -> User:
    """Return a reviewer named for break-glass access."""
    return name_for(robin)
