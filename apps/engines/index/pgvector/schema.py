"""Tables of the index in PostgreSQL, connections that translate errors, and the writer of a segment.

segments   one row per segment; without it the segment does not count
passages   one row per chunk: document, and vector in half precision
words      one row per term and part of a segment: the chunks that hold it, counts, and lengths of the chunks
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from apps.engines.index.scoring import FIELD, compose_indexed_text
from apps.engines.types import EngineBroken, EngineRefused, EngineUnavailable, IndexEntry
from apps.lib.text.analyzer import extract_terms

if TYPE_CHECKING:
    from apps.engines.types import Vectors

SCHEMA = "openbook_index"
_LOCK = 6_031_772  # advisory lock of processes that create the tables concurrently
_TABLES = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS openbook_index;
CREATE TABLE IF NOT EXISTS openbook_index.segments (
    id uuid PRIMARY KEY, collection uuid NOT NULL, count integer NOT NULL, dimension integer NOT NULL,
    averages jsonb NOT NULL, checksum text NOT NULL, written timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE IF NOT EXISTS openbook_index.passages (
    segment uuid NOT NULL, chunk bigint NOT NULL, document text NOT NULL, vector halfvec NOT NULL,
    PRIMARY KEY (segment, chunk));
CREATE INDEX IF NOT EXISTS passages_document ON openbook_index.passages (document, segment);
CREATE TABLE IF NOT EXISTS openbook_index.words (
    segment uuid NOT NULL, field text NOT NULL, term text NOT NULL, part integer NOT NULL,
    chunks bigint[] NOT NULL, counts integer[] NOT NULL, lengths integer[] NOT NULL,
    PRIMARY KEY (segment, term, field, part));
"""

_COPY_PASSAGES = f"COPY {SCHEMA}.passages (segment, chunk, document, vector) FROM STDIN"
_COPY_WORDS = f"COPY {SCHEMA}.words (segment, field, term, part, chunks, counts, lengths) FROM STDIN"


class PgvectorConnection:
    """Connections to PostgreSQL, one per thread and process, in autocommit mode. Creates the tables at first use."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = threading.local()
        self._ready = False

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Yield this thread's connection. Raise EngineUnavailable if the server cannot be reached or is full,
        EngineRefused for a repeated chunk, EngineBroken if the server cannot hold an index."""
        import psycopg

        try:
            yield self._connect()
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise EngineUnavailable(f"PostgreSQL does not serve the index: {_first_line(error)}") from error
        except psycopg.errors.UniqueViolation as error:
            raise EngineRefused("The same passage was given twice.") from error
        except psycopg.Error as error:
            raise EngineBroken(f"PostgreSQL cannot hold the index: {_first_line(error)}") from error

    def _connect(self) -> Any:
        import psycopg

        cached = getattr(self._local, "connection", None)
        if cached is not None and cached[0] == os.getpid() and not cached[1].closed:
            return cached[1]
        connection = psycopg.connect(self._url, autocommit=True, connect_timeout=10)
        if not self._ready:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
                connection.execute(_TABLES)
            self._ready = True
        self._local.connection = (os.getpid(), connection)
        return connection


class SegmentWriter:
    """Writer of the rows of one segment, within the caller's transaction."""

    def __init__(self, connection: Any, segment: UUID) -> None:
        self._connection = connection
        self._segment = segment
        self._parts = 0
        self._length = self.count = self.dimension = 0

    @property
    def averages(self) -> dict[str, float]:
        """Average length in terms of a chunk, as the column holds it."""
        return {FIELD: self._length / self.count}

    def add(self, entries: Sequence[IndexEntry], rows: Vectors) -> None:
        """Write entries with their vectors, shape (n, dimension). Raise EngineRefused for another dimension than
        before."""
        if self.dimension not in (0, rows.shape[1]):
            raise EngineRefused(f"Vectors of {self.dimension} and of {rows.shape[1]} dimensions came for one index.")
        self.dimension = rows.shape[1]
        cursor = self._connection.cursor()
        with cursor.copy(_COPY_PASSAGES) as copy:
            for entry, row in zip(entries, rows.astype(np.float16).tolist(), strict=True):
                copy.write_row((self._segment, entry.chunk_id, entry.document, str(row)))
        postings: dict[str, tuple[list[int], list[int], list[int]]] = {}
        for entry in entries:
            counts = Counter(extract_terms(compose_indexed_text(entry)))
            length = counts.total()
            self._length += length
            for term, count in counts.items():
                posting = postings.setdefault(term, ([], [], []))
                for column, value in zip(posting, (entry.chunk_id, count, length), strict=True):
                    column.append(value)
        with cursor.copy(_COPY_WORDS) as copy:
            for term, posting in postings.items():
                copy.write_row((self._segment, FIELD, term, self._parts, *posting))
        self._parts += 1
        self.count += len(entries)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().partition("\n")[0] or type(error).__name__).rstrip(".") + "."
