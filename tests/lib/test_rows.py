"""Many rows written by one statement are what as many would have been that were saved one by one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.documents.models import Chunk, Document
from apps.lib.rows import insert
from apps.safety.models import Recorded
from tests.documents.library import collection
from tests.people import person

pytestmark = pytest.mark.django_db


def judged(number: int) -> Recorded:
    signals = [{"detector": "text", "scores": {"hate": number / 10}}]
    return Recorded(stage="passage", surface="documents", signals=signals, policy=number, hour=timezone.now())


def facts(row: Recorded) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in row._meta.concrete_fields if field.name != "id"}


def test_they_hold_what_rows_hold_that_were_saved() -> None:
    rows = [judged(number) for number in range(5)]
    insert(rows)
    for row in rows:
        row.save()
    theirs = list(Recorded.objects.order_by("pk"))
    assert [facts(row) for row in theirs[:5]] == [facts(row) for row in theirs[5:]]


def test_one_statement_is_enough_and_none_for_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        insert([judged(number) for number in range(300)])
    with django_assert_num_queries(0):
        insert([])
    assert Recorded.objects.count() == 300


def test_bytes_and_references_are_kept_and_a_broken_rule_keeps_none() -> None:
    place = collection(person("alice"))
    row = Document.objects.create(collection=place, name="a.txt", sha256="a" * 64, size=1)

    def chunk(position: int) -> Chunk:
        return Chunk(
            document=row, position=position, page_number=1, char_start=0, char_end=1, text="é", tokens=1,
            vector=bytes(range(8)),
        )  # fmt: skip

    insert([chunk(0), chunk(1)])
    assert [(bytes(each.vector), each.text) for each in row.chunks.order_by("position")] == 2 * [(bytes(range(8)), "é")]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert([chunk(2), chunk(1)])
    assert row.chunks.count() == 2
