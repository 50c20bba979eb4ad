"""The words of one segment: a tantivy index of terms that were analysed before, so that there is one analyser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from apps.engines.base import IndexEntry
from apps.engines.index.scoring import FIELDS, Weights, field_texts, idf
from apps.lib.words import terms

_FOLDER = "words"
_POSITION = "position"
_HEAP_LEAST, _HEAP_MOST = 15_000_000, 512_000_000  # bytes; tantivy refuses to write with less than the first

Frequencies = dict[tuple[str, str], int]  # (field, term) -> how many entries hold it


def write(folder: Path, entries: Sequence[IndexEntry]) -> None:
    import tantivy

    path = folder / _FOLDER
    path.mkdir()
    index = tantivy.Index(_schema(), path=str(path))
    heap = min(max(_HEAP_LEAST, 8 * sum(len(entry.text) for entry in entries)), _HEAP_MOST)
    writer = index.writer(heap_size=heap, num_threads=1)
    for position, entry in enumerate(entries):
        document = tantivy.Document()
        document.add_unsigned(_POSITION, position)
        for field, text in field_texts(entry).items():
            document.add_text(field, " ".join(terms(text)))
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()


class WordReader:
    """Opened once; its searcher is a frozen view that any number of threads may use."""

    def __init__(self, folder: Path) -> None:
        import tantivy

        self._tantivy = tantivy
        self._schema = _schema()
        index = tantivy.Index.open(str(folder / _FOLDER))
        self._searcher: Any = index.searcher()
        self.count = int(self._searcher.num_docs)

    def frequencies(self, wanted: Iterable[str]) -> Frequencies:
        """In how many entries each term stands, by field; terms that do not occur are left out."""
        pairs = ((field, term) for term in wanted for field in FIELDS)
        return {pair: count for pair in pairs if (count := int(self._searcher.doc_freq(*pair)))}

    def search(self, weights: Weights, local: Frequencies, limit: int) -> list[tuple[int, float]]:
        """Positions with their BM25, best first, as if the segments searched were one.

        tantivy weighs by what this segment alone knows, so each term is boosted by common over local weight.
        """
        query_class, should = self._tantivy.Query, self._tantivy.Occur.Should
        clauses = []
        for pair, count in local.items():
            if pair in weights.fields:
                boost = FIELDS[pair[0]] * weights.fields[pair] / idf(count, self.count)
                term = query_class.term_query(self._schema, *pair, index_option="freq")
                clauses.append((should, query_class.boost_query(term, boost)))
        if not clauses:
            return []
        hits = self._searcher.search(query_class.boolean_query(clauses), limit=limit, count=False).hits
        positions = self._searcher.fast_field_values(_POSITION, [address for _, address in hits])
        return [(position, score) for position, (score, _) in zip(positions, hits, strict=True)]


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field(_POSITION, fast=True)
    for field in FIELDS:
        builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
    return builder.build()
