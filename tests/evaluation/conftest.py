"""Fixtures of tests of evaluation."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.documents.models import Collection
from apps.lib.celery import notify
from apps.users.models import User
from tests.factories import make_client, make_collection, make_document

Notifications = list[tuple[str, object]]


@pytest.fixture
def notifications(monkeypatch: pytest.MonkeyPatch) -> Notifications:
    """Record notifications of the worker as (task, id), instead of sending them."""
    sent: Notifications = []
    monkeypatch.setattr(notify, "notify_worker", lambda task, row: sent.append((task, row)))
    return sent


@pytest.fixture
def handbook(alice: User) -> Collection:
    """Return a collection of Alice with a document about bees and one about wasps."""
    collection = make_collection(alice, "Handbook")
    make_document(collection, "Bees", ["A honey bee colony has one queen. Workers live about six weeks in summer."])
    make_document(collection, "Wasps", ["Wasps build nests of paper under the eaves of old barns."])
    return collection


@pytest.fixture
def owner(alice: User) -> Client:
    return make_client(alice)
