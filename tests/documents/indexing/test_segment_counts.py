"""Counting the chunks of every segment, which the worker does twice a minute, reads an index and not the table."""

from __future__ import annotations

import secrets
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.documents.indexing import index_maintenance
from apps.documents.models import Chunk, Collection, Document, Segment
from apps.users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
CHUNKS = 3000


@pytest.fixture
def collection(alice: User) -> Collection:
    """One collection with a document and two segments of CHUNKS chunks each, one deleted chunk in the second."""
    collection = Collection.objects.create(owner=alice, name="Library")
    document = Document.objects.create(collection=collection, name="a.txt", file="documents/a", size=1, status="ready")
    for part in range(2):
        segment = Segment.objects.create(
            id=uuid4(), collection=collection, count=CHUNKS, dimension=4, fingerprint="f", kind="flat", checksum="0",
            size_bytes=1,
        )  # fmt: skip
        Chunk.objects.bulk_create(
            Chunk(
                document=document, segment=segment, position=part * CHUNKS + at, page_number=1, char_start=0,
                char_end=1, text=secrets.token_hex(700), tokens=1, vector=secrets.token_bytes(1536),
            )
            for at in range(CHUNKS)
        )  # fmt: skip
    Chunk.objects.filter(position=CHUNKS).delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return collection


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(str(row) for row in cursor.fetchall())


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by what it last vacuumed")
def test_the_sweep_counts_chunks_in_an_index_alone(collection: Collection) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert index_maintenance._list_candidates() == {collection.pk}
        index_maintenance.list_due_segments(collection.pk)

    counted = [query["sql"] for query in asked if "COUNT(" in query["sql"]]
    assert len(counted) == 2
    for sql in counted:
        assert "COVERING INDEX" in plan(sql), plan(sql)


def test_the_sweep_counts_what_is_left_of_each_segment(collection: Collection) -> None:
    assert sorted(index_maintenance._count_live_chunks().values()) == [CHUNKS - 1, CHUNKS]
    one = Segment.objects.filter(chunks__position=0).distinct().get()
    assert index_maintenance._count_live_chunks([one]) == {one.pk: CHUNKS}
