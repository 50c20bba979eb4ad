"""Fixtures of the document tests."""

from __future__ import annotations

import asyncio

import pytest

from apps.documents.models import Collection
from apps.documents.retrieval.search import search
from apps.users.models import User
from tests.factories import make_collection


@pytest.fixture
def collection(alice: User) -> Collection:
    """Return an empty collection of Alice's, named "Library"."""
    return make_collection(alice)


def search_text(user: User, question: str) -> str:
    """Return the text of all passages that the user finds."""
    return " ".join(passage.full_text for passage in asyncio.run(search(user, question)).passages)
