"""Index in PostgreSQL with pgvector, for several machines. The tables are in `schema.py`.

Segments are as immutable as files: rows are written in one transaction and never changed. A large segment gets its own
HNSW graph, a partial index, so that a search never leaves it; small ones are scanned. Terms and weights are those of
the other indexes; PostgreSQL's own ranking knows no document frequency.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import numpy as np

from apps.engines.index.pgvector.schema import SCHEMA, PgvectorConnection, SegmentWriter
from apps.engines.index.scoring import (
    FIELD,
    K1,
    B,
    SegmentHit,
    extract_query_terms,
    get_lexical_depth,
    merge_candidates,
    weigh_terms,
)
from apps.engines.index.validation import validate_entries, validate_query_vector
from apps.engines.types import EngineBroken, EngineRefused, IndexEntry, IndexQuery, IndexResult, Part, SegmentInfo

if TYPE_CHECKING:
    from apps.engines.types import Vectors

_FLAT_AT_MOST = 50_000  # rows of a segment without a graph
_EXACT_AT_MOST, _EXACT_SHARE = 30_000, 0.1  # allowed rows that are scanned, as in the local index
_LINKS, _EFFORT = 16, 100  # m and ef_construction of the graph
_MOST_EFFORT = 1000  # ef_search; the server's limit

# Checksum of a segment's rows that does not depend on their order.
_CHECKSUM = f"""
SELECT (SELECT (count(*), sum(hashtextextended(p::text, 0)))::text FROM {SCHEMA}.passages p WHERE segment = %(id)s)
    || (SELECT (count(*), sum(hashtextextended(w::text, 0)))::text FROM {SCHEMA}.words w WHERE segment = %(id)s)
"""  # noqa: S608
_SIZE = f"""
SELECT (SELECT coalesce(sum(pg_column_size(p)), 0) FROM {SCHEMA}.passages p WHERE segment = %(id)s)
     + (SELECT coalesce(sum(pg_column_size(w)), 0) FROM {SCHEMA}.words w WHERE segment = %(id)s)
"""  # noqa: S608
_BM25 = f"""
SELECT p.chunk, sum(wanted.weight * {K1 + 1} * p.count
                    / (p.count + {K1} * ({1 - B} + {B} * p.length / greatest((s.averages->>'{FIELD}')::float8, 1e-9))))
FROM unnest(%(terms)s::text[], %(weights)s::float8[]) AS wanted(term, weight)
JOIN {SCHEMA}.words w ON w.segment = ANY(%(segments)s) AND w.term = wanted.term
JOIN {SCHEMA}.segments s ON s.id = w.segment
CROSS JOIN LATERAL unnest(w.chunks, w.counts, w.lengths) AS p(chunk, count, length)
WHERE NOT p.chunk = ANY(%(hidden)s) AND (%(documents)s::text[] IS NULL OR EXISTS (
    SELECT FROM {SCHEMA}.passages q
    WHERE q.segment = w.segment AND q.chunk = p.chunk AND q.document = ANY(%(documents)s)))
GROUP BY w.segment, p.chunk ORDER BY 2 DESC, 1 LIMIT %(deep)s
"""  # noqa: S608
_NEAREST = f"""
SELECT chunk, -(vector <#> %(vector)s::halfvec) FROM {SCHEMA}.passages
WHERE segment = ANY(%(segments)s) AND NOT chunk = ANY(%(hidden)s)
  AND (%(documents)s::text[] IS NULL OR document = ANY(%(documents)s))
ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""  # noqa: S608


class PgvectorIndex:
    """Index in a PostgreSQL server."""

    def __init__(self, url: str, flat_at_most: int = _FLAT_AT_MOST) -> None:
        """`url` is a PostgreSQL address; the extension `vector` must be installed, or the user allowed to create it.
        Raise EngineRefused for another address."""
        if not url.startswith(("postgres://", "postgresql://")):
            raise EngineRefused("The index in PostgreSQL needs a server: set PGVECTOR_URL or DATABASE_URL.")
        self._database = PgvectorConnection(url)
        self._max_unindexed = flat_at_most

    def write(self, collection: str, entries: Sequence[IndexEntry], vectors: Vectors, fingerprint: str) -> SegmentInfo:
        return self.build(collection, [(entries, vectors)], len(entries), fingerprint)

    def build(self, collection: str, parts: Iterable[Part], count: int, fingerprint: str) -> SegmentInfo:
        segment = uuid4()
        with self._database.connection() as connection:
            with connection.transaction():
                writer = SegmentWriter(connection, segment)
                for entries, rows in parts:
                    writer.add(entries, validate_entries(entries, rows))
                if not writer.count:
                    raise EngineRefused("There is nothing to index: the documents have no passages.")
                checksum = _checksum(connection, segment)
                connection.execute(
                    f"INSERT INTO {SCHEMA}.segments (id, collection, count, dimension, averages, checksum) "  # noqa: S608
                    "VALUES (%s, %s, %s, %s, %s, %s)",
                    [segment, UUID(collection), writer.count, writer.dimension, json.dumps(writer.averages), checksum],
                )
                size = int(connection.execute(_SIZE, {"id": segment}).fetchone()[0])
            kind = "hnsw" if writer.count > self._max_unindexed else "rows"
            if kind == "hnsw":  # concurrent with other writers; the caller learns of the segment only afterwards
                connection.execute(_graph(segment, writer.dimension))
        return SegmentInfo(
            segment.hex, collection, writer.count, writer.dimension, fingerprint, kind, checksum, size
        )  # fmt: skip

    def search(self, segments: Sequence[SegmentInfo], query: IndexQuery) -> IndexResult:
        rows = {info.id: validate_query_vector(query.vector, info.dimension) for info in segments}
        with self._database.connection() as connection:
            terms = extract_query_terms(query.text)
            total = _opened(connection, segments)
            weights = weigh_terms(terms, _frequencies(connection, segments, terms), total)
            values = _values(segments, query)
            values |= {"terms": list(weights.scored), "weights": list(weights.scored.values())}
            worded = dict(connection.execute(_BM25, values).fetchall()) if weights.scored and segments else {}
            meaning: dict[int, float] = {}
            if rows:
                meaning |= self._nearest(connection, segments, values)
                others = values | {"chunks": list(worded.keys() - meaning.keys())}
                meaning_of = meaning | _cosines(connection, others)
        if not rows:
            return IndexResult((), weights.idf)
        return merge_candidates(
            [SegmentHit(chunk, cosine, 0.0) for chunk, cosine in meaning.items()],
            [SegmentHit(chunk, meaning_of[chunk], score) for chunk, score in worded.items()],
            query.limit, weights,
        )  # fmt: skip

    def drop(self, segments: Sequence[SegmentInfo]) -> None:
        self._remove([UUID(info.id) for info in segments])

    def sweep(self, live: Sequence[SegmentInfo], older_than_s: float = 3600) -> int:
        with self._database.connection() as connection:
            orphans = connection.execute(
                f"SELECT id FROM {SCHEMA}.segments WHERE NOT id = ANY(%s) "  # noqa: S608
                "AND written <= clock_timestamp() - make_interval(secs => %s)",
                [[UUID(info.id) for info in live], older_than_s],
            ).fetchall()
        self._remove([row[0] for row in orphans])
        return len(orphans)

    def verify(self, segment: SegmentInfo) -> bool:
        with self._database.connection() as connection:
            try:
                _opened(connection, [segment])
            except EngineBroken:
                return False
            return _checksum(connection, UUID(segment.id)) == segment.checksum

    def _nearest(self, connection: Any, segments: Sequence[SegmentInfo], values: dict[str, Any]) -> dict[int, float]:
        """Return chunk -> cosine of the nearest: one statement for all small segments, one graph search for each large
        one."""
        small = [info for info in segments if info.kind != "hnsw"]
        distances: dict[int, float] = {}
        for info in segments:
            if info.kind == "hnsw":
                walked = self._walked(connection, info, values)
                if walked is None:
                    small.append(info)
                else:
                    distances |= walked
        if small:
            chosen = values | {"segments": [UUID(info.id) for info in small]}
            distances |= dict(connection.execute(_NEAREST, chosen).fetchall())
        return distances

    def _walked(self, connection: Any, info: SegmentInfo, values: dict[str, Any]) -> dict[int, float] | None:
        """Return the result of a graph search; None if a scan is better or the graph found too few."""
        allowed = info.count if values["documents"] is None else _allowed(connection, info, values["documents"])
        if values["documents"] is not None and (allowed <= _EXACT_AT_MOST or allowed <= _EXACT_SHARE * info.count):
            return None
        limit = min(values["limit"], allowed)
        effort = min(_MOST_EFFORT, int(max(64, 2 * limit) * info.count / max(allowed, 1)))
        with connection.transaction():
            connection.execute(f"SET LOCAL hnsw.ef_search = {effort}")
            connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
            found = connection.execute(_walk(UUID(info.id), info.dimension), values).fetchall()
        return dict(found) if len(found) >= min(limit, allowed - len(values["hidden"])) else None

    def _remove(self, ids: Sequence[UUID]) -> None:
        with self._database.connection() as connection:
            for segment in ids:
                connection.execute(f"DROP INDEX IF EXISTS {SCHEMA}.{_graph_name(segment)}")
                with connection.transaction():
                    for table, column in (("segments", "id"), ("words", "segment"), ("passages", "segment")):
                        connection.execute(f"DELETE FROM {SCHEMA}.{table} WHERE {column} = %s", [segment])  # noqa: S608


def _values(segments: Sequence[SegmentInfo], query: IndexQuery) -> dict[str, Any]:
    return {
        "segments": [UUID(info.id) for info in segments],
        "vector": str(np.asarray(query.vector, dtype=np.float32).reshape(-1).tolist()),
        "limit": query.limit,
        "deep": get_lexical_depth(query.limit),
        "hidden": list(query.excluded_chunks),
        "documents": None if query.documents is None else sorted(query.documents),
    }


def _opened(connection: Any, segments: Sequence[SegmentInfo]) -> int:
    """Return the number of chunks in the segments. Raise EngineBroken for a segment that is missing or does not match
    its checksum."""
    stored = dict(
        connection.execute(
            f"SELECT id, checksum FROM {SCHEMA}.segments WHERE id = ANY(%s)",  # noqa: S608
            [[UUID(info.id) for info in segments]],
        ).fetchall()
    )
    for info in segments:
        if stored.get(UUID(info.id)) != info.checksum:
            raise EngineBroken(
                f"The index segment {info.id} is missing or damaged. Rebuild it with `manage.py reindex`."
            )
    return sum(info.count for info in segments)


def _frequencies(connection: Any, segments: Sequence[SegmentInfo], terms: list[str]) -> dict[str, int]:
    rows = connection.execute(
        f"SELECT term, sum(cardinality(chunks)) FROM {SCHEMA}.words "  # noqa: S608
        "WHERE segment = ANY(%s) AND term = ANY(%s) GROUP BY term",
        [[UUID(info.id) for info in segments], terms],
    )
    return {term: int(count) for term, count in rows}


def _cosines(connection: Any, values: dict[str, Any]) -> dict[int, float]:
    rows = connection.execute(
        f"SELECT chunk, -(vector <#> %(vector)s::halfvec) FROM {SCHEMA}.passages "  # noqa: S608
        "WHERE segment = ANY(%(segments)s) AND chunk = ANY(%(chunks)s)",
        values,
    )
    return dict(rows.fetchall())


def _allowed(connection: Any, info: SegmentInfo, documents: list[str]) -> int:
    rows = connection.execute(
        f"SELECT count(*) FROM {SCHEMA}.passages WHERE segment = %s AND document = ANY(%s)",  # noqa: S608
        [UUID(info.id), documents],
    )
    return int(rows.fetchone()[0])


def _checksum(connection: Any, segment: UUID) -> str:
    content = connection.execute(_CHECKSUM, {"id": segment}).fetchone()[0]
    return hashlib.sha256(content.encode()).hexdigest()


def _graph_name(segment: UUID) -> str:
    return f"graph_{segment.hex}"


def _graph(segment: UUID, dimension: int) -> str:
    return (
        f"CREATE INDEX CONCURRENTLY {_graph_name(segment)} ON {SCHEMA}.passages "
        f"USING hnsw ((vector::halfvec({dimension:d})) halfvec_ip_ops) "
        f"WITH (m = {_LINKS}, ef_construction = {_EFFORT}) WHERE segment = '{segment}'"
    )


def _walk(segment: UUID, dimension: int) -> str:
    """Return the statement that PostgreSQL answers from the graph: condition and order match the partial index."""
    return f"""
        SELECT chunk, -(vector::halfvec({dimension:d}) <#> %(vector)s::halfvec({dimension:d})) FROM {SCHEMA}.passages
        WHERE segment = '{segment}' AND NOT chunk = ANY(%(hidden)s)
          AND (%(documents)s::text[] IS NULL OR document = ANY(%(documents)s))
        ORDER BY vector::halfvec({dimension:d}) <#> %(vector)s::halfvec({dimension:d}) LIMIT %(limit)s
    """  # noqa: S608
