"""Fixtures of the document tests."""

from __future__ import annotations

import pytest

from apps.documents.models import Collection
from apps.users.models import User
from tests.factories import make_collection


@pytest.fixture
def collection(alice: User) -> Collection:
    """Return an empty collection of Alice's, named "Library"."""
    return make_collection(alice)
