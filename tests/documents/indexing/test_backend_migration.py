"""The index goes to another backend and back, on real servers, while it is searched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.documents.indexing import backend_migration, index_maintenance
from apps.documents.models import Chunk, Collection, Document, Segment, SegmentCopy
from apps.engines import registry
from apps.engines.types import EngineBroken, EngineUnavailable, IndexQuery
from apps.users.models import User
from tests.engines.conftest import milvus_url, postgres_url  # noqa: F401 - fixtures
from tests.engines.index.sample_entries import empty_milvus, empty_pgvector
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)

TOPICS = ["whales sing", "foxes hunt", "owls sleep", "mice eat cheese"]
INDEX = "apps.engines.index"


@pytest.fixture(autouse=True)
def indexes(settings: Any, tmp_path: Path) -> Any:
    """`local` is configured, `other` is a second one of the same kind."""
    local = {"BACKEND": f"{INDEX}.local.engine.LocalIndex", "OPTIONS": {"directory": str(tmp_path / "local")}}
    other = {"BACKEND": f"{INDEX}.local.engine.LocalIndex", "OPTIONS": {"directory": str(tmp_path / "other")}}
    settings.INDEXES = {"local": local, "other": other}
    settings.ENGINES = settings.ENGINES | {"index": {"NAME": "local", **local}}
    registry.reset()
    return settings.INDEXES


@pytest.fixture
def collection(alice: User) -> Collection:
    collection = make_collection(alice)
    for topic in TOPICS:
        make_document(collection, topic.split()[0].title(), [topic, f"{topic} at night"])
    return collection


def search_index(question: str) -> list[tuple[int, float, bool]]:
    live = [segment.info for segment in Segment.objects.live()]
    result = registry.get_index().search(live, IndexQuery(question, registry.get_embedder().embed_query(question)))
    return sorted((c.chunk_id, round(c.cosine, 2), c.bm25 > 0) for c in result.candidates)


def backends() -> set[str]:
    return set(Segment.objects.live().values_list("backend", flat=True))


@pytest.mark.slow
def test_search_finds_the_same_after_moving_to_postgresql_to_milvus_and_back(
    collection: Collection, indexes: Any, request: pytest.FixtureRequest
) -> None:
    servers = {"pgvector": request.getfixturevalue("postgres_url"), "milvus": request.getfixturevalue("milvus_url")}
    empty_pgvector(servers["pgvector"])
    empty_milvus(servers["milvus"])
    indexes["pgvector"] = {"BACKEND": f"{INDEX}.pgvector.engine.PgvectorIndex", "OPTIONS": {"url": servers["pgvector"]}}
    indexes["milvus"] = {"BACKEND": f"{INDEX}.milvus.engine.MilvusIndex", "OPTIONS": {"url": servers["milvus"]}}
    before = search_index("what do foxes hunt")

    for target in ("pgvector", "milvus", "local"):
        call_command("move_index", target)
        assert backends() == {target}
        assert search_index("what do foxes hunt") == before
        call_command("index", "verify")
    assert Segment.objects.filter(retired__isnull=False).count() == 3 * len(TOPICS)


def test_moved_collections_stay_moved_when_a_move_is_broken_off(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = registry.get_index_by_name("other")
    build, built = other.build, []

    def breaks(*args: Any) -> Any:
        if len(built) == 2:
            raise EngineUnavailable("The disk is full.")
        built.append(args)
        return build(*args)

    monkeypatch.setattr(other, "build", breaks)
    with pytest.raises(CommandError, match=r"disk is full.*Run this again"):
        call_command("move_index", "other")
    assert backends() == {"local"}
    assert SegmentCopy.objects.count() == 2
    assert index_maintenance.sweep() == 0

    monkeypatch.setattr(other, "build", lambda *args: (built.append(args), build(*args))[1])
    call_command("move_index", "other")

    assert len(built) == len(TOPICS)
    assert backends() == {"other"}
    assert not SegmentCopy.objects.exists()


def test_a_copy_that_is_not_what_was_written_is_never_searched(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.get_index_by_name("other"), "verify", lambda info: False)

    with pytest.raises(EngineBroken, match="not read back"):
        backend_migration.migrate_index("other", lambda done, total: None)
    assert backends() == {"local"}
    assert not SegmentCopy.objects.exists()


def test_documents_added_and_deleted_during_a_move_are_right_afterwards(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = registry.get_index_by_name("other")
    build, once = other.build, []

    def meanwhile(*args: Any) -> Any:
        if not once:
            once.append(make_document(collection, "Otters", ["otters swim"]))
            Document.objects.filter(title="Whales").delete()
            row = Chunk.objects.get(text="owls sleep")
            Chunk.objects.filter(pk=row.pk).update(keywords="hoot")
            Segment.objects.filter(pk=row.segment_id).update(stale_since=timezone.now())
        return build(*args)

    segment = Chunk.objects.get(text="owls sleep").segment
    monkeypatch.setattr(other, "build", meanwhile)
    order = backend_migration._missing
    monkeypatch.setattr(
        backend_migration, "_missing", lambda *args: sorted(order(*args), key=lambda row: row.pk != segment.pk)
    )
    backend_migration.migrate_index("other", lambda done, total: None)

    assert backends() == {"other"}
    assert any(worded for _, _, worded in search_index("otters"))
    assert set(Chunk.objects.values_list("segment__backend", flat=True)) == {"other"}
    assert Chunk.objects.filter(segment__retired__isnull=False).count() == 0


def test_segments_of_two_indexes_are_searched_together(collection: Collection) -> None:
    before = search_index("foxes")
    backend_migration.migrate_index("other", lambda done, total: None)
    make_document(collection, "Otters", ["otters swim"])

    assert backends() == {"local", "other"}
    assert set(before) < set(search_index("foxes"))
    assert any(worded for _, _, worded in search_index("otters"))


def test_an_unknown_index_is_named(collection: Collection) -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("move_index", "elsewhere")


def test_verify_names_what_is_damaged_and_rebuild_mends_it(
    collection: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("index", "verify")
    row = Segment.objects.live()[0]
    path = tmp_path / "local" / collection.pk.hex / row.pk.hex / "vectors.faiss"
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")

    with pytest.raises(CommandError, match="index rebuild"):
        call_command("index", "verify")
    assert f"segment {row.pk.hex} is missing or damaged" in capsys.readouterr().out

    call_command("index", "rebuild")
    call_command("index", "verify")
    assert "are intact" in capsys.readouterr().out
