"""How long the files that wait will still take."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.documents.models import Collection, Document
from apps.documents.web.file_list import format_duration, list_files
from apps.users.models import User
from tests.factories import make_collection

pytestmark = pytest.mark.django_db


def rows(collection: Collection, status: str, count: int, *, ago_s: float, size: int = 1000) -> None:
    for number in range(count):
        row = Document.objects.create(
            collection=collection,
            name=f"{status}-{number}.txt",
            file="documents/x",
            sha256="0" * 64,
            size=size,
            status=status,
        )
        Document.objects.filter(pk=row.pk).update(created=timezone.now() - timedelta(seconds=ago_s))


def get_remaining_time(collection: Collection) -> str:
    return list_files(collection.owner, collection, True).remaining_time


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3, "less than a minute left"), (60, "about 1 minute left"), (250, "about 4 minutes left"),
     (5300, "about 88 minutes left"), (7400, "about 2 hours left")],
)  # fmt: skip
def test_duration_is_formatted_in_words(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


def test_remaining_time_follows_the_pace_of_documents_already_read(alice: User) -> None:
    collection = make_collection(alice)
    rows(collection, "ready", 10, ago_s=120)
    rows(collection, "queued", 30, ago_s=119)
    assert get_remaining_time(collection) == "about 6 minutes left"


def test_files_of_long_ago_say_nothing_of_today(alice: User) -> None:
    collection = make_collection(alice)
    rows(collection, "ready", 10, ago_s=100_000)
    rows(collection, "queued", 30, ago_s=60)
    assert get_remaining_time(collection) == ""


def test_remaining_time_is_empty_for_few_documents_or_an_empty_queue(alice: User) -> None:
    collection = make_collection(alice)
    assert get_remaining_time(collection) == ""
    rows(collection, "ready", 2, ago_s=60)
    rows(collection, "queued", 9, ago_s=60)
    assert get_remaining_time(collection) == ""
    Document.objects.filter(status="queued").update(status="ready")
    assert get_remaining_time(collection) == ""


def test_the_tray_says_it(alice: User, alice_client: Client) -> None:
    collection = make_collection(alice)
    rows(collection, "ready", 10, ago_s=120)
    rows(collection, "queued", 30, ago_s=119)
    page = alice_client.get(f"/collections/{collection.pk}/").content.decode()
    assert re.search(r"10 of 40 ready</strong>\s+· about 6 minutes left", page)
