"""Index in Milvus, for many millions of chunks on several machines.

    openbook_segments          one row per segment; without it, or before it is complete, the segment does not count
    openbook_<dimension>       one row per chunk: segment, document, vector, and terms

Terms are sparse vectors computed here. A term's weight in a chunk is the saturated frequency of BM25, its weight in a
question the inverse document frequency, so the inner product is BM25. Terms and weights are those of the other indexes.
A sparse vector in the segment's row holds the document frequency of each term.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import numpy as np

from apps.engines.index.milvus.client import MilvusConnection
from apps.engines.index.milvus.schema import (
    EMPTY_WEIGHT,
    ContentChecksum,
    SparseTermVectors,
    build_passages_schema,
    build_segments_schema,
    hash_term,
)
from apps.engines.index.scoring import (
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

SEGMENTS = "openbook_segments"
_BATCH = 1000  # rows per request
_MOST = 16_384  # results per request; the server's limit


class MilvusIndex:
    """Index in a Milvus server."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        """`url` is http(s)://[user:password@]host:port of a Milvus server. Raise EngineRefused for another address."""
        if not url.startswith(("http://", "https://")):
            raise EngineRefused("The index in Milvus needs MILVUS_URL to name its server: http://host:19530.")
        self._server = MilvusConnection(url, timeout)

    def write(self, collection: str, entries: Sequence[IndexEntry], vectors: Vectors, fingerprint: str) -> SegmentInfo:
        return self.build(collection, [(entries, vectors)], len(entries), fingerprint)

    def build(self, collection: str, parts: Iterable[Part], count: int, fingerprint: str) -> SegmentInfo:
        segment, contents, words = uuid4().hex, ContentChecksum(), SparseTermVectors()
        row = {"segment": segment, "collection": UUID(collection).hex, "held": 0, "dimension": 0, "checksum": ""}
        try:
            for entries, rows in parts:
                vectors = validate_entries(entries, rows)
                if not contents.count:  # the row first: by it a sweep finds what a killed writer leaves
                    row["dimension"] = vectors.shape[1]
                    self._put(row, {})
                contents.begin(entries, vectors)
                self._insert(segment, entries, vectors, words, contents)
            if not contents.count:
                raise EngineRefused("There is nothing to index: the documents have no passages.")
            self._server.call("flush", _table(contents.dimension))
            row |= {"held": contents.count, "checksum": contents.checksum}
            self._put(row, words.frequencies)
            self._server.call("flush", SEGMENTS)
        except BaseException:
            if row["dimension"]:
                self._remove([row])
            raise
        return SegmentInfo(
            segment, collection, contents.count, contents.dimension, fingerprint, "milvus", contents.checksum,
            contents.size,
        )  # fmt: skip

    def search(self, segments: Sequence[SegmentInfo], query: IndexQuery) -> IndexResult:
        terms = extract_query_terms(query.text)
        if not segments:
            return IndexResult((), weigh_terms(terms, {}, 0).idf)
        for info in segments:
            row = validate_query_vector(query.vector, info.dimension)
        self._opened(segments)
        total = sum(info.count for info in segments)
        weights = weigh_terms(terms, self._frequencies(segments, terms), total)
        condition = _make_condition(segments, query)
        table, limit = _table(segments[0].dimension), min(query.limit, _MOST)
        by_meaning = self._hits(table, "vector", row[0].tolist(), condition, limit)
        sparse = {hash_term(term): weight for term, weight in weights.scored.items()}
        worded = (
            self._hits(table, "words", sparse, condition, min(get_lexical_depth(query.limit), _MOST)) if sparse else {}
        )
        worded = {pk: hit for pk, hit in worded.items() if hit[1] > EMPTY_WEIGHT}
        cosines = self._cosines(table, [pk for pk in worded if pk not in by_meaning], row[0])
        cosines |= {pk: score for pk, (_, score) in by_meaning.items()}
        return merge_candidates(
            [SegmentHit(chunk, score, 0.0) for chunk, score in by_meaning.values()],
            [SegmentHit(chunk, cosines[pk], score) for pk, (chunk, score) in worded.items()],
            query.limit, weights,
        )  # fmt: skip

    def drop(self, segments: Sequence[SegmentInfo]) -> None:
        if segments and self._server.has(SEGMENTS):
            self._remove([{"segment": info.id, "dimension": info.dimension} for info in segments])

    def sweep(self, live: Sequence[SegmentInfo], older_than_s: float = 3600) -> int:
        if not self._server.has(SEGMENTS):
            return 0
        limit = int((time.time() - older_than_s) * 1000)
        stored = self._server.rows(SEGMENTS, f"written <= {limit}", ["segment", "dimension"])
        kept = {info.id for info in live}
        orphans = [row for row in stored if row["segment"] not in kept]
        self._remove(orphans)
        return len(orphans)

    def verify(self, segment: SegmentInfo) -> bool:
        try:
            self._opened([segment])
        except EngineBroken:
            return False
        contents = ContentChecksum()
        where, fields = f'segment == "{UUID(segment.id).hex}"', ["chunk", "document", "vector", "words"]
        for row in self._server.rows(_table(segment.dimension), where, fields):
            contents.add(row["chunk"], row["document"], np.asarray(row["vector"], np.float32), row["words"])
        return contents.count == segment.count and contents.checksum == segment.checksum

    def _insert(
        self,
        segment: str,
        entries: Sequence[IndexEntry],
        vectors: Vectors,
        words: SparseTermVectors,
        contents: ContentChecksum,
    ) -> None:
        table = _table(vectors.shape[1])
        self._server.make(table, build_passages_schema(vectors.shape[1]))
        rows = []
        for entry, vector, sparse in zip(entries, vectors, words.make(entries), strict=True):
            contents.add(entry.chunk_id, entry.document, vector, sparse)
            rows.append(
                {
                    "pk": f"{segment}:{entry.chunk_id}",
                    "segment": segment,
                    "chunk": entry.chunk_id,
                    "document": entry.document,
                    "vector": vector.tolist(),
                    "words": sparse,
                }
            )
        for start in range(0, len(rows), _BATCH):
            self._server.call("insert", table, rows[start : start + _BATCH])

    def _put(self, row: dict[str, Any], frequencies: dict[int, float]) -> None:
        self._server.make(SEGMENTS, build_segments_schema())
        written = {"written": int(time.time() * 1000)}
        self._server.call("upsert", SEGMENTS, [row | written | {"frequencies": {0: EMPTY_WEIGHT} | frequencies}])

    def _opened(self, segments: Sequence[SegmentInfo]) -> None:
        """Raise EngineBroken for a segment that is missing or does not match its checksum."""
        stored: dict[str, str] = {}
        if self._server.has(SEGMENTS):
            rows = self._server.rows(SEGMENTS, _segment_condition(segments), ["segment", "checksum"])
            stored = {row["segment"]: row["checksum"] for row in rows}
        for info in segments:
            if stored.get(info.id) != info.checksum:
                raise EngineBroken(
                    f"The index segment {info.id} is missing or damaged. Rebuild it with `manage.py reindex`."
                )

    def _frequencies(self, segments: Sequence[SegmentInfo], terms: Sequence[str]) -> dict[str, int]:
        """Return the number of chunks that hold each term: one search per term over the segments' rows."""
        distinct = list(dict.fromkeys(terms))
        frequencies: dict[str, int] = {}
        for start in range(0, len(distinct), _BATCH):
            batch = distinct[start : start + _BATCH]
            hits = self._server.call(
                "search", SEGMENTS, [{hash_term(term): 1.0} for term in batch], anns_field="frequencies",
                limit=min(len(segments), _MOST), filter=_segment_condition(segments), output_fields=["segment"],
                search_params={"metric_type": "IP"},
            )  # fmt: skip
            frequencies |= {
                term: round(sum(hit["distance"] for hit in one)) for term, one in zip(batch, hits, strict=True)
            }
        return {term: count for term, count in frequencies.items() if count}

    def _hits(self, table: str, field: str, vector: Any, condition: str, limit: int) -> dict[str, tuple[int, float]]:
        """Return primary key -> (chunk, score), best first."""
        hits = self._server.call(
            "search", table, [vector], anns_field=field, limit=limit, filter=condition, output_fields=["chunk"],
            search_params={"metric_type": "IP"},
        )  # fmt: skip
        return {hit["pk"]: (int(hit["entity"]["chunk"]), float(hit["distance"])) for hit in hits[0]}

    def _cosines(self, table: str, keys: Sequence[str], row: Vectors) -> dict[str, float]:
        if not keys:
            return {}
        found = self._server.rows(table, f"pk in {json.dumps(list(keys))}", ["pk", "vector"])
        return {hit["pk"]: float(np.asarray(hit["vector"], np.float32) @ row) for hit in found}

    def _remove(self, rows: Sequence[dict[str, Any]]) -> None:
        """Delete segments, chunks first: while the segment's row remains, a sweep finds the rest."""
        for row in rows:
            condition = f'segment == "{UUID(row["segment"]).hex}"'
            if self._server.has(_table(row["dimension"])):
                self._server.call("delete", _table(row["dimension"]), filter=condition)
            self._server.call("delete", SEGMENTS, filter=condition)


def _table(dimension: int) -> str:
    return f"openbook_{dimension:d}"


def _segment_condition(segments: Sequence[SegmentInfo]) -> str:
    return f"segment in {json.dumps([UUID(info.id).hex for info in segments])}"


def _make_condition(segments: Sequence[SegmentInfo], query: IndexQuery) -> str:
    conditions = [_segment_condition(segments)]
    if query.documents is not None:
        conditions.append(f"document in {json.dumps([UUID(name).hex for name in sorted(query.documents)])}")
    if query.excluded_chunks:
        conditions.append(f"chunk not in {json.dumps(sorted(query.excluded_chunks))}")
    return " and ".join(conditions)
