"""Schema of the Milvus tables, sparse term vectors of chunks, and content checksums."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.engines.index.scoring import FIELD, K1, B, compose_indexed_text
from apps.engines.types import EngineRefused, IndexEntry
from apps.lib.text.analyzer import extract_terms

if TYPE_CHECKING:
    from apps.engines.types import Vectors

EMPTY_WEIGHT = 1e-6  # weight of dimension 0, which no term has: Milvus refuses empty sparse vectors


@lru_cache(maxsize=200_000)
def hash_term(term: str) -> int:
    """Return the dimension of a term: 31 bits of a hash, so that two terms of a question practically never collide."""
    digest = hashlib.blake2b(f"{FIELD}\0{term}".encode(), digest_size=4).digest()
    return (int.from_bytes(digest, "big") >> 1) or 1


class SparseTermVectors:
    """Builder of sparse vectors of chunks; counts the document frequency of each term. Lengths are relative to the
    average of one part: parts have thousands of chunks, and the overall average is known only at the end."""

    def __init__(self) -> None:
        self.frequencies: dict[int, float] = {}

    def make(self, entries: Sequence[IndexEntry]) -> Iterator[dict[int, float]]:
        """Yield the sparse vector of each entry: dimension -> weight."""
        words = [Counter(extract_terms(compose_indexed_text(entry))) for entry in entries]
        average = sum(counts.total() for counts in words) / len(words) or 1.0
        for counts in words:
            sparse, length = {0: EMPTY_WEIGHT}, counts.total() / average
            for term, count in counts.items():
                key = hash_term(term)
                sparse[key] = (K1 + 1) * count / (count + K1 * (1 - B + B * length))
                self.frequencies[key] = self.frequencies.get(key, 0.0) + 1
            yield sparse


class ContentChecksum:
    """Checksum of a segment's contents that does not depend on the order of its chunks."""

    def __init__(self) -> None:
        self.count = self.dimension = self.size = 0
        self._ids: set[int] = set()
        self._sum = 0

    def begin(self, entries: Sequence[IndexEntry], vectors: Vectors) -> None:
        """Check a part before its rows are added. Raise EngineRefused for another dimension or a repeated chunk."""
        if self.dimension not in (0, vectors.shape[1]):
            raise EngineRefused(f"Vectors of {self.dimension} and of {vectors.shape[1]} dimensions came for one index.")
        self.dimension = vectors.shape[1]
        ids = {entry.chunk_id for entry in entries}
        if ids & self._ids:
            raise EngineRefused("The same passage was given twice.")
        self._ids |= ids

    def add(self, chunk: int, document: str, vector: Vectors, words: Mapping[int, float]) -> None:
        """Add a chunk with its vector, shape (dimension,), and sparse term vector."""
        digest = hashlib.blake2b(f"{chunk} {document} ".encode(), digest_size=16)
        digest.update(np.asarray(vector, np.float32).tobytes())
        keys = sorted(words)
        digest.update(np.asarray(keys, np.int64).tobytes() + np.asarray([words[k] for k in keys], np.float32).tobytes())
        self._sum += int.from_bytes(digest.digest(), "big")
        self.count += 1
        self.size += 4 * len(vector) + 8 * len(words)

    @property
    def checksum(self) -> str:
        return hashlib.sha256(f"{self.count} {self._sum}".encode()).hexdigest()


def build_passages_schema(dimension: int) -> tuple[Any, Any]:
    """Return schema and indexes of the table for chunks of all segments of one dimension."""
    from pymilvus import DataType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("pk", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("segment", DataType.VARCHAR, max_length=32, is_partition_key=True)
    schema.add_field("chunk", DataType.INT64)
    schema.add_field("document", DataType.VARCHAR, max_length=32)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
    indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
    return schema, indexes


def build_segments_schema() -> tuple[Any, Any]:
    """Return schema and indexes of the table of segments."""
    from pymilvus import DataType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("segment", DataType.VARCHAR, is_primary=True, max_length=32)
    schema.add_field("collection", DataType.VARCHAR, max_length=32)
    schema.add_field("held", DataType.INT64)
    schema.add_field("dimension", DataType.INT64)
    schema.add_field("checksum", DataType.VARCHAR, max_length=64)
    schema.add_field("written", DataType.INT64)  # milliseconds since 1970
    schema.add_field("frequencies", DataType.SPARSE_FLOAT_VECTOR)
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("frequencies", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
    return schema, indexes
