"""Tests of indexes on servers beyond the contract: clear errors, and nothing left by an interrupted writer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from apps.engines.index.milvus.engine import MilvusIndex
from apps.engines.index.pgvector.engine import PgvectorIndex, _values, _walk
from apps.engines.types import EngineBroken, EngineRefused, EngineUnavailable, Index, IndexEntry, IndexQuery, Part
from apps.lib.ports import find_free_port
from tests.engines.index.sample_entries import empty_milvus, empty_pgvector, entries, units, write

if TYPE_CHECKING:
    from apps.engines.types import SegmentInfo

pytestmark = pytest.mark.slow
COUNT = 2000
SOME = [f"{number:032x}" for number in range(4)]


@pytest.fixture(params=["pgvector", "milvus"])
def index(request: pytest.FixtureRequest) -> Index:
    if request.param == "milvus":
        return empty_milvus(request.getfixturevalue("milvus_url"))
    return empty_pgvector(request.getfixturevalue("postgres_url"))


def _cut_off() -> Iterator[Part]:
    yield entries(["a fox"]), units(1)
    raise KeyboardInterrupt


def test_a_writer_that_is_cut_off_leaves_nothing(index: Index) -> None:
    with pytest.raises(KeyboardInterrupt):
        index.build(uuid4().hex, _cut_off(), 2, "tests")

    assert index.sweep([], older_than_s=-60) == 0


def test_segment_changed_from_outside_is_not_verified(postgres_url: str, milvus_url: str) -> None:
    import psycopg

    index = empty_pgvector(postgres_url)
    segment = write(index, ["a fox", "an owl"])
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DELETE FROM openbook_index.passages WHERE chunk = 1")
    assert not index.verify(segment)

    index = empty_milvus(milvus_url)
    segment = write(index, ["a fox", "an owl"])
    index._server.call("delete", "openbook_16", filter="chunk == 1")
    assert not index.verify(segment)


def test_a_line_on_which_nothing_is_asked_is_not_pinged(milvus_url: str) -> None:
    """Servers close idle connections that are pinged more often than every five minutes."""
    options = dict(empty_milvus(milvus_url)._server._client()._handler._grpc_options)
    assert not options["grpc.keepalive_permit_without_calls"]
    assert options["grpc.keepalive_time_ms"] >= 20_000


@pytest.mark.parametrize("scheme", ["postgresql", "http"])
def test_a_server_that_is_away_is_worth_another_try(scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{find_free_port()}/x"
    index: Any = MilvusIndex(url, timeout=1) if scheme == "http" else PgvectorIndex(url)

    with pytest.raises(EngineUnavailable) as caught:
        write(index, ["a fox"])
    assert caught.value.retry


@pytest.mark.parametrize(("kind", "named"), [(PgvectorIndex, "PGVECTOR_URL"), (MilvusIndex, "MILVUS_URL")])
def test_an_index_without_an_address_is_refused_with_the_way_out(kind: Any, named: str) -> None:
    with pytest.raises(EngineRefused, match=named):
        kind("")


@pytest.fixture
def graph(postgres_url: str) -> tuple[Any, SegmentInfo, np.ndarray]:
    index = empty_pgvector(postgres_url, flat_at_most=100)
    rows = units(COUNT, dimension=64)
    given = [IndexEntry(n, f"passage {n}", document=SOME[n % 4] if n % 50 == 0 else "f" * 32) for n in range(COUNT)]
    return index, index.write(uuid4().hex, given, rows, "tests"), rows


def test_a_large_segment_in_postgresql_is_found_through_its_own_graph(graph: Any) -> None:
    index, segment, rows = graph
    query = IndexQuery("", rows[3])
    with index._database.connection() as connection:
        connection.execute("ANALYZE openbook_index.passages")
        plan = connection.execute("EXPLAIN " + _walk(UUID(segment.id), 64), _values([segment], query)).fetchall()
    assert f"Index Scan using graph_{segment.id}" in str(plan)

    hits = 0
    for row in rows[:50]:
        exact = set(np.argsort(-(rows @ row))[:10].tolist())
        hits += len(exact & {c.chunk_id for c in index.search([segment], IndexQuery("", row, limit=10)).candidates})
    assert hits >= 0.98 * 500


def test_search_among_few_allowed_passages_is_exact(graph: Any) -> None:
    index, segment, rows = graph
    allowed = [n for n in range(0, COUNT, 50) if n % 4 == 0]
    exact = sorted(allowed, key=lambda n: -float(rows[n] @ rows[1]))[:10]

    found = index.search([segment], IndexQuery("", rows[1], limit=10, documents=frozenset(SOME[:1]))).candidates

    assert [c.chunk_id for c in found] == exact


def test_a_dropped_graph_is_gone_from_the_server(graph: Any) -> None:
    index, segment, _ = graph
    index.drop([segment])

    with index._database.connection() as connection:
        left = connection.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'graph_%'").fetchone()
        rows = connection.execute("SELECT count(*) FROM openbook_index.passages").fetchone()
    assert (left[0], rows[0]) == (0, 0)
    with pytest.raises(EngineBroken, match=segment.id):
        index.search([segment], IndexQuery("", units(1, dimension=64)[0]))
