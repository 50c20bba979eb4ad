"""Entries, vectors and empty indexes for tests of the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from apps.engines.types import Index, IndexEntry, SegmentInfo

if TYPE_CHECKING:
    from apps.engines.types import Vectors

DIMENSION = 16


def units(count: int, seed: int = 0, dimension: int = DIMENSION) -> Vectors:
    """Return random unit vectors, shape (count, dimension), equal for equal seeds."""
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def entries(texts: Sequence[str], first: int = 0) -> list[IndexEntry]:
    """Return an entry per text, with ids from `first` on."""
    return [IndexEntry(first + number, text) for number, text in enumerate(texts)]


def write(index: Index, texts: Sequence[str], first: int = 0, vectors: Vectors | None = None) -> SegmentInfo:
    """Write a segment of the texts, with random vectors unless given."""
    rows = units(len(texts), seed=first) if vectors is None else vectors
    return index.write(uuid4().hex, entries(texts, first), rows, "tests")


def empty_pgvector(url: str, flat_at_most: int = 50_000) -> Index:
    """Return an index on a PostgreSQL server, without data of earlier tests."""
    import psycopg

    from apps.engines.index.pgvector.engine import PgvectorIndex

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS openbook_index CASCADE")
    return PgvectorIndex(url, flat_at_most=flat_at_most)


def empty_milvus(url: str) -> Index:
    """Return an index on a Milvus server, without data of earlier tests."""
    from apps.engines.index.milvus.engine import MilvusIndex

    index = MilvusIndex(url)
    index.sweep([], older_than_s=-60)
    return index
