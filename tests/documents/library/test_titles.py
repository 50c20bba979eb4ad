"""A document is found by the words of the title that it has now, whoever gave it and whenever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.documents.indexing import index_maintenance
from apps.documents.ingestion import pipeline
from apps.documents.library.passage_edits import set_title
from apps.documents.models import Document, Segment
from apps.engines import registry
from apps.engines.types import IndexQuery
from apps.users.models import User
from tests.factories import ingest_file, make_collection

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = b"Every employee has thirty days of paid leave."


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def handbook(alice: User) -> Document:
    return ingest_file(make_collection(alice), "handbook.txt", TEXT)


def found(row: Document, word: str) -> bool:
    """Whether the words of its index hold this one, once a worker has looked at it."""
    index_maintenance.merge(row.collection_id)
    live = [segment.info for segment in Segment.objects.live().filter(collection=row.collection_id)]
    hits = registry.get_index().search(live, IndexQuery(word, registry.get_embedder().embed_query("x"))).candidates
    return any(hit.bm25 for hit in hits)


def test_a_title_that_a_person_gives_is_found_and_the_old_one_no_longer(client: Client, handbook: Document) -> None:
    assert found(handbook, "handbook") and not found(handbook, "vacations")
    client.force_login(handbook.collection.owner)
    client.post(reverse("documents:rename", args=[handbook.pk]), {"title": "Vacations"})
    assert found(handbook, "vacations") and not found(handbook, "handbook")
    client.post(reverse("documents:rename", args=[handbook.pk]), {"title": ""})
    assert found(handbook, "handbook") and not found(handbook, "vacations")


def test_title_set_to_the_same_value_rewrites_nothing(handbook: Document) -> None:
    set_title(handbook.collection.owner, handbook, "")
    assert not Segment.objects.filter(stale_since__isnull=False).exists()


def test_a_title_given_while_the_document_is_read_is_found(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    publish = pipeline.publish  # type: ignore[attr-defined]

    def renamed_first(works: Any) -> None:
        set_title(alice, works[0].document, "Vacations")
        works[0].document.title = ""
        publish(works)

    monkeypatch.setattr(pipeline, "publish", renamed_first)
    row = ingest_file(make_collection(alice), "handbook.txt", TEXT)
    assert (row.status, row.title) == ("ready", "Vacations")
    assert found(row, "vacations") and not found(row, "handbook")


def test_a_new_version_is_found_by_the_title_that_stays(alice: User, handbook: Document) -> None:
    set_title(alice, handbook, "Vacations")
    ingest_file(handbook.collection, handbook.name, TEXT + b" And a day more.")
    handbook.refresh_from_db()
    assert handbook.version == 2
    assert found(handbook, "vacations") and not found(handbook, "handbook")
