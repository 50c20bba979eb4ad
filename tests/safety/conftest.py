"""What tests of review share: somebody's notes, of which one is held."""

from __future__ import annotations

import pytest

from apps.users.models import User
from tests.people import person
from tests.safety.case_factory import Notes, notes


@pytest.fixture
def shelf(db: None) -> Notes:
    person("ada", User.Role.ADMINISTRATOR)
    found = notes()
    found.state["1"] = "as it was"
    return found
