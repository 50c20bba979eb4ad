"""The care of the index: merging, rebuilding and sweeping never change what is found, and lose nothing."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.documents.indexing import index_maintenance
from apps.documents.models import Chunk, Collection, Document, IndexMaintenance, Segment
from apps.documents.retrieval.search import search
from apps.engines import registry
from apps.engines.types import EngineUnavailable, IndexQuery
from apps.lib.db import leases
from apps.users.models import User
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)

TOPICS = ["whales sing", "foxes hunt", "owls sleep", "mice nest", "otters swim", "bees dance", "cats purr", "elks roam"]


@pytest.fixture(autouse=True)
def real_index(settings: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    settings.ENGINES = settings.ENGINES | {
        "index": {"BACKEND": "apps.engines.index.local.engine.LocalIndex", "OPTIONS": {"directory": str(folder)}}
    }
    registry.reset()
    return folder


@pytest.fixture
def collection(alice: User) -> Collection:
    collection = make_collection(alice)
    for topic in TOPICS:
        make_document(collection, topic.split()[0].title(), [topic])
    return collection


def search_index(question: str) -> list[tuple[int, float]]:
    live = [segment.info for segment in Segment.objects.live()]
    result = registry.get_index().search(live, IndexQuery(question, registry.get_embedder().embed_query(question)))
    return [(c.chunk_id, round(c.cosine, 3)) for c in result.candidates]


def age_retired() -> None:
    Segment.objects.filter(retired__isnull=False).update(
        retired=timezone.now() - timedelta(seconds=index_maintenance.GRACE_S + 1)
    )


def test_merge_reads_its_chunks_with_one_query_however_many_documents(
    collection: Collection, django_assert_num_queries: Any
) -> None:
    ids = list(Chunk.objects.values_list("pk", flat=True))
    with django_assert_num_queries(1):
        entries = [row.entry for row in index_maintenance.load_chunks(ids)]
    assert sorted(entry.title for entry in entries) == sorted(topic.split()[0].title() for topic in TOPICS)


def test_a_merge_makes_one_segment_that_finds_the_same(collection: Collection) -> None:
    before = search_index("what do foxes hunt")

    assert index_maintenance.merge(collection.pk) == len(TOPICS)

    assert Segment.objects.live().count() == 1
    assert search_index("what do foxes hunt") == before
    assert set(Chunk.objects.values_list("segment", flat=True)) == {Segment.objects.live().get().pk}
    assert index_maintenance.merge(collection.pk) == 0


def test_retired_segments_stay_readable_for_searches_under_way(collection: Collection) -> None:
    old = [segment.info for segment in Segment.objects.live()]
    index_maintenance.merge(collection.pk)

    assert index_maintenance.sweep() == 0
    assert all(registry.get_index().verify(info) for info in old)

    age_retired()
    assert index_maintenance.sweep() == len(old)
    assert not any(registry.get_index().verify(info) for info in old)
    assert Segment.objects.count() == 1
    assert len(search_index("foxes")) == len(TOPICS)


def test_new_files_of_a_rewrite_that_takes_hours_are_left_alone(
    collection: Collection, real_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_maintenance, "MAX_SEGMENT_CHUNKS", 2)
    build, swept = registry.get_index().build, []

    def slow(*args: Any) -> Any:
        info = build(*args)
        for folder in real_index.glob("*/*"):
            os.utime(folder, (0, 0))
        swept.append(index_maintenance.sweep())
        return info

    monkeypatch.setattr(registry.get_index(), "build", slow)
    assert index_maintenance.merge(collection.pk) == len(TOPICS)
    assert swept == [0] * (len(TOPICS) // 2)
    assert all(registry.get_index().verify(row.info) for row in Segment.objects.live())
    assert len(search_index("foxes")) == len(TOPICS)


def test_segments_are_few_while_documents_come_and_merged_into_one_when_quiet(alice: User) -> None:
    collection = make_collection(alice)
    for topic in TOPICS[:2]:
        make_document(collection, topic, [topic])

    assert index_maintenance.merge(collection.pk) == 0

    Segment.objects.update(created=timezone.now() - timedelta(seconds=index_maintenance.QUIET_S + 1))
    assert index_maintenance.merge(collection.pk) == 2
    assert Segment.objects.live().count() == 1


def test_deleted_documents_give_their_space_back(collection: Collection) -> None:
    index_maintenance.merge(collection.pk)
    gone = ["Whales", "Owls"]
    Document.objects.filter(title__in=gone).delete()

    assert index_maintenance.merge(collection.pk) == 1

    assert Segment.objects.live().get().count == len(TOPICS) - len(gone)
    assert len(search_index("whales")) == len(TOPICS) - len(gone)


def test_a_collection_whose_documents_are_all_deleted_has_no_segments_left(collection: Collection) -> None:
    Document.objects.all().delete()

    index_maintenance.merge(collection.pk)

    assert Segment.objects.live().count() == 0


def test_collection_index_is_rewritten_by_one_process_at_a_time(collection: Collection) -> None:
    IndexMaintenance.objects.create(collection=collection)
    leases.claim(IndexMaintenance.objects.all(), collection.pk, 60)

    assert index_maintenance.merge(collection.pk) == 0
    with pytest.raises(index_maintenance.IndexBusy):
        index_maintenance.reindex(collection.pk)
    with pytest.raises(CommandError, match="Another process"):
        call_command("reindex")


def test_a_merge_that_lost_its_lease_changes_nothing(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    build = registry.get_index().build

    def taken_over(*args: Any) -> Any:
        IndexMaintenance.objects.update(lease_token="another")
        return build(*args)

    monkeypatch.setattr(registry.get_index(), "build", taken_over)

    assert index_maintenance.merge(collection.pk) == 0
    assert Segment.objects.live().count() == len(TOPICS)
    assert Segment.objects.count() == len(TOPICS)


def test_a_merge_that_fails_leaves_the_live_index_and_no_files(
    collection: Collection, real_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted(real_index.rglob("*.faiss"))

    def fails(*_: Any) -> None:
        raise EngineUnavailable("The disk is full.")

    monkeypatch.setattr(index_maintenance, "_swap", fails)

    assert index_maintenance.merge(collection.pk) == 0

    assert sorted(real_index.rglob("*.faiss")) == files
    assert not IndexMaintenance.objects.get().lease_token
    assert len(search_index("foxes")) == len(TOPICS)


async def test_a_damaged_segment_is_left_out_then_rebuilt(
    alice: User, collection: Collection, real_index: Path
) -> None:
    from apps.lib.concurrency.threads import in_db

    damaged = await in_db(lambda: Chunk.objects.get(text="foxes hunt").segment)
    path = next((real_index / collection.pk.hex / damaged.pk.hex).rglob("ids.npy"))
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")

    assert [p.title for p in (await search(alice, "whales sing")).passages] == ["Whales"]
    assert (await search(alice, "foxes hunt")).passages == ()
    assert str(damaged.pk.hex) in (await in_db(IndexMaintenance.objects.get)).rebuild_reason

    await in_db(index_maintenance.maintain_indexes)

    assert [p.title for p in (await search(alice, "foxes hunt")).passages] == ["Foxes"]
    assert (await in_db(IndexMaintenance.objects.get)).rebuild_reason == ""


def test_index_maintenance_merges_due_segments_of_all_collections_in_one_round(
    alice: User, collection: Collection
) -> None:
    single = make_collection(alice, "Single")
    make_document(single, "Alone", ["hedgehogs roll up"])

    index_maintenance.maintain_indexes()

    assert collection.segments.live().count() == 1
    assert single.segments.live().count() == 1
    assert single.segments.count() == 1


def test_a_collection_that_cannot_be_rebuilt_does_not_keep_others_from_care(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    IndexMaintenance.objects.create(collection=collection, rebuild_reason="damaged")

    def fails(*_: Any, **__: Any) -> None:
        raise EngineUnavailable("The embedder is still starting.")

    monkeypatch.setattr(index_maintenance.embedders, "reembed_chunks", fails)
    index_maintenance.maintain_indexes()

    assert IndexMaintenance.objects.get().rebuild_reason == "damaged"
    assert Segment.objects.live().count() == 1


def test_reindex_embeds_again_what_another_embedder_made(collection: Collection) -> None:
    registry.get_embedder().fingerprint = "the next embedder"

    call_command("reindex", collection=collection.pk, verbosity=0)

    assert {segment.fingerprint for segment in Segment.objects.live()} == {"the next embedder"}
    assert set(Chunk.objects.values_list("fingerprint", flat=True)) == {"the next embedder"}
    assert len(search_index("foxes")) == len(TOPICS)


def test_reindex_restores_an_index_whose_files_are_all_gone(collection: Collection, real_index: Path) -> None:
    import shutil

    before = search_index("owls")
    shutil.rmtree(real_index)
    registry.reset()

    call_command("reindex")

    assert search_index("owls") == before


def test_reindexing_an_unknown_collection_says_so() -> None:
    with pytest.raises(CommandError, match="This collection does not exist"):
        call_command("reindex", collection="00000000-0000-0000-0000-000000000000")
