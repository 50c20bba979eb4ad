"""Fixtures of tests of safety."""

from __future__ import annotations

import pytest

from apps.users.models import User
from tests.safety.case_factory import Notes, notes
from tests.support.users import make_user


@pytest.fixture
def shelf(db: None) -> Notes:
    """Return notes with the note "1", beside an administrator "ada"."""
    make_user("ada", User.Role.ADMINISTRATOR)
    found = notes()
    found.state["1"] = "as it was"
    return found
