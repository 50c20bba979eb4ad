"""`/metrics`: who reads it, what it counts, and that no label holds anything of a user."""

from __future__ import annotations

import re

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from apps.documents.models import Collection, Document
from apps.users.models import User
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "a-token-of-a-monitor"


@pytest.fixture(autouse=True)
def _token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def scrape(client: Client) -> str:
    response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    return response.content.decode()


def read(text: str, name: str) -> float:
    """Return the value of the sample with that name and labels."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def test_metrics_need_the_token(client: Client, ada: User, settings: Settings) -> None:
    client.force_login(ada)
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_metrics_count_documents_by_state_and_the_age_of_the_oldest(client: Client, ada: User) -> None:
    make_document(make_collection(ada, "Secret plans"), "Merger", ["Text."])
    Document.objects.create(
        collection=Collection.objects.get(), uploaded_by=ada, name="late.txt", size=1, status=Document.Status.QUEUED
    )
    text = scrape(client)
    assert read(text, 'openbook_documents{state="ready"}') == 1
    assert read(text, 'openbook_documents{state="queued"}') == 1
    assert read(text, "openbook_documents_oldest_waiting_seconds") >= 0
    assert read(text, "openbook_database_up") == 1


def test_requests_are_counted_by_route_and_not_by_address(client: Client, ada: User) -> None:
    collection = make_collection(ada, "Secret plans")
    client.force_login(ada)
    client.get(f"/collections/{collection.pk}/")
    client.get("/there-is-no-such-page/")
    text = scrape(client)
    assert 'route="collections/<uuid:pk>/"' in text and str(collection.pk) not in text
    assert "there-is-no-such-page" not in text and "Secret" not in text and ada.email not in text


def test_metrics_without_the_database_say_that_it_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr("apps.operations.metrics_views._collect_documents", away)
    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    assert read(text, "openbook_database_up") == 0 and "openbook_documents{" not in text
