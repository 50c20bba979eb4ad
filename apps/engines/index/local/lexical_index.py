"""Full-text index of one segment: tantivy over terms that the product's own analyser has extracted."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.engines.index.scoring import FIELD, TermWeights, compose_indexed_text, compute_idf
from apps.engines.types import IndexEntry
from apps.lib.text.analyzer import extract_terms

if TYPE_CHECKING:
    from apps.engines.index.local.position_filter import PositionFilter

log = logging.getLogger(__name__)

_FOLDER = "words"
_POSITION, _DOCUMENT = "position", "document"
_HEAP_LEAST, _HEAP_MOST = 15_000_000, 256_000_000  # bytes; the first is tantivy's minimum
_HEAP_EACH = 8000  # bytes per entry, so that a small segment becomes a single tantivy segment
_FEW = 0.1  # share of allowed entries below which the query is restricted to their documents; above, hits are filtered
_SPARE, _MORE = 1.3, 16  # factor and summand of the hits requested beyond the expected share of allowed ones


class LexicalWriter:
    """Writer of a full-text index; `finish` writes it to disk.

    `memory` is a folder in memory where a small index is built first. On disk tantivy waits for each of its thirty
    small writes. For a usual document that takes ten times as long, and half as much CPU time again. If memory does not
    suffice, the index is built on disk.
    """

    def __init__(self, folder: Path, expected: int, memory: Path | None = None) -> None:
        self._path, self._expected, self._memory = folder / _FOLDER, expected, memory
        self._waiting: list[IndexEntry] = []
        self._index = _Index(self._path, expected) if memory is None else None

    def add(self, entries: Sequence[IndexEntry]) -> None:
        """Add entries; their positions continue in order."""
        if self._index is None:
            self._waiting += entries
        else:
            self._index.add(entries)

    def finish(self) -> None:
        """Write the index to its folder."""
        if self._memory is not None and self._write_to(self._memory / _FOLDER):
            self._path.mkdir()
            for path in (self._memory / _FOLDER).iterdir():  # including locks: on a full disk a reader can create none
                shutil.copyfile(path, self._path / path.name)
            return
        self._index = self._index or _Index(self._path, self._expected)
        self._index.add(self._waiting)
        self._index.finish()

    def _write_to(self, path: Path) -> bool:
        try:
            index = _Index(path, self._expected)
            index.add(self._waiting)
            index.finish()
        except (OSError, RuntimeError, ValueError) as error:  # errors of a full disk, too
            log.info("Words are written to the disk at once: %s", error)
            return False
        return True


class _Index:
    """tantivy index that is being written."""

    def __init__(self, path: Path, expected: int) -> None:
        import tantivy

        path.mkdir()
        heap = min(max(_HEAP_LEAST, expected * _HEAP_EACH), _HEAP_MOST)
        self._document = tantivy.Document
        self._writer: Any = tantivy.Index(_schema(), path=str(path)).writer(heap_size=heap, num_threads=1)
        self._position = 0

    def add(self, entries: Sequence[IndexEntry]) -> None:
        for entry in entries:
            document = self._document()
            document.add_unsigned(_POSITION, self._position)
            document.add_text(_DOCUMENT, entry.document)
            document.add_text(FIELD, " ".join(extract_terms(compose_indexed_text(entry))))
            self._writer.add_document(document)
            self._position += 1

    def finish(self) -> None:
        self._writer.commit()
        self._writer.wait_merging_threads()


class LexicalReader:
    """Reader of the full-text index. The searcher is an immutable view that any number of threads may use."""

    def __init__(self, folder: Path) -> None:
        import tantivy

        self._tantivy = tantivy
        self._schema = _schema()
        index = tantivy.Index.open(str(folder / _FOLDER))
        self._searcher: Any = index.searcher()
        self.count = int(self._searcher.num_docs)

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """Return the number of entries that hold each term; terms that do not occur are left out."""
        return {term: count for term in terms if (count := int(self._searcher.doc_freq(FIELD, term)))}

    def search(
        self, weights: TermWeights, local: dict[str, int], limit: int, allowed: PositionFilter | None = None
    ) -> list[tuple[int, float]]:
        """Return up to `limit` (position, BM25) pairs, best first, scored as if all searched segments were one.

        `local`: entries of this segment that hold each term, from `frequencies`. `allowed`: None allows all.
        """
        clauses = self._clauses(weights, local)
        if not clauses or (allowed is not None and not allowed.count):
            return []
        if allowed is None:
            return self._best(self._tantivy.Query.boolean_query(clauses), limit)
        if allowed.documents is not None and allowed.share < _FEW:
            query, factor = self._within(clauses, allowed), 1.0
        else:
            query, factor = self._tantivy.Query.boolean_query(clauses), 1 / allowed.share
        fetch_limit = int(limit * factor * _SPARE) + _MORE
        while True:
            hits = self._best(query, fetch_limit)
            allowed_hits = [(position, score) for position, score in hits if allowed.mask[position]]
            if len(allowed_hits) >= limit or len(hits) < fetch_limit:
                return allowed_hits[:limit]
            fetch_limit *= 4

    def _clauses(self, weights: TermWeights, local: dict[str, int]) -> list[tuple[Any, Any]]:
        """Build the query. tantivy weighs by this segment's frequencies, so each term is boosted by global over local
        weight."""
        query_class, should = self._tantivy.Query, self._tantivy.Occur.Should
        clauses = []
        for term, count in local.items():
            if term in weights.scored:
                boost = weights.scored[term] / compute_idf(count, self.count)
                query = query_class.term_query(self._schema, FIELD, term, index_option="freq")
                clauses.append((should, query_class.boost_query(query, boost)))
        return clauses

    def _within(self, clauses: list[tuple[Any, Any]], allowed: PositionFilter) -> Any:
        """Restrict the query to the allowed documents, without an effect on the score."""
        query_class, must = self._tantivy.Query, self._tantivy.Occur.Must
        names = [] if allowed.documents is None else [name.decode() for name in allowed.documents.tolist()]
        documents = query_class.const_score_query(query_class.term_set_query(self._schema, _DOCUMENT, names), 0.0)
        return query_class.boolean_query([(must, documents), (must, query_class.boolean_query(clauses))])

    def _best(self, query: Any, limit: int) -> list[tuple[int, float]]:
        hits = self._searcher.search(query, limit=min(limit, self.count), count=False).hits
        positions = self._searcher.fast_field_values(_POSITION, [address for _, address in hits])
        return [(position, score) for position, (score, _) in zip(positions, hits, strict=True)]


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field(_POSITION, fast=True)
    builder.add_text_field(_DOCUMENT, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(FIELD, tokenizer_name="whitespace", index_option="freq")
    return builder.build()
