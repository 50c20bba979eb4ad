"""Fixtures of tests of safety."""

from __future__ import annotations

import pytest

from apps.users.models import User
from tests.factories import Notes, make_user, register_notes


@pytest.fixture
def shelf(db: None) -> Notes:
    """Return notes with the note "1", beside an administrator "ada"."""
    make_user("ada", User.Role.ADMINISTRATOR)
    found = register_notes()
    found.state["1"] = "as it was"
    return found
