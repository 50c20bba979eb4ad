"""What tests of review share: somebody's notes, of which one is held."""

from __future__ import annotations

import pytest

from apps.users.models import User
from tests.safety.case_factory import Notes, notes
from tests.support.users import make_user


@pytest.fixture
def shelf(db: None) -> Notes:
    make_user("ada", User.Role.ADMINISTRATOR)
    found = notes()
    found.state["1"] = "as it was"
    return found
