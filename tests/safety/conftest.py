"""Fixtures of tests of safety."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from apps.users.models import User
from tests.factories import Notes, make_user, register_notes


@pytest.fixture
def notes(ada: User) -> Notes:
    """Register the notes "0" to "8" as content that can be withheld, on a site that Ada administers."""
    notes = register_notes()
    notes.state = {str(number): "as it was" for number in range(9)}
    return notes


@pytest.fixture
def grace(db: None) -> User:
    return make_user("grace", User.Role.ADMINISTRATOR)


@pytest.fixture
def verdicts_recorded(settings: LazySettings) -> None:
    settings.VERDICT_DAYS = 30
