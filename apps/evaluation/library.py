"""Data sets of texts, questions and judgements, and an index of them made by the product's own parts, without rows."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from apps.documents.chunking import Chunker, Draft
from apps.documents.parsers.base import ParsedPage, Piece
from apps.engines import registry
from apps.engines.base import Index, IndexEntry, IndexQuery, IndexResult, SegmentInfo

if TYPE_CHECKING:
    from apps.engines.base import Vectors

_COLLECTION = "0" * 32
_CANDIDATES = 60


@dataclass(frozen=True, slots=True)
class Text:
    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """`relevant` maps a question to the texts that answer it, with a grade; a question without any has no answer."""

    name: str
    texts: tuple[Text, ...]
    questions: dict[str, str]
    relevant: dict[str, dict[str, int]] = field(default_factory=dict)


def read(folder: Path) -> DataSet:
    """A data set in the form of corpus.jsonl, queries.jsonl and qrels.tsv."""
    texts = tuple(Text(row["_id"], row["title"], row["text"]) for row in _lines(folder / "corpus.jsonl"))
    questions = {row["_id"]: row["text"] for row in _lines(folder / "queries.jsonl")}
    relevant: dict[str, dict[str, int]] = {}
    with (folder / "qrels.tsv").open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if int(row["score"]) > 0:
                relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    return DataSet(folder.name, texts, questions, relevant)


class Library:
    """Texts, cut into chunks, embedded and indexed as ingestion does it. A chunk's id is its place in `chunks`."""

    def __init__(self, texts: Sequence[Text], index: Index) -> None:
        embed = registry.embed()
        self.chunks: list[tuple[Text, Draft]] = [(text, draft) for text in texts for draft in _drafts(text)]
        vectors = embedded([draft.embedded for _, draft in self.chunks])
        entries = [
            IndexEntry(number, draft.text, text.title, draft.heading)
            for number, (text, draft) in enumerate(self.chunks)
        ]
        self._index = index
        self._segments: list[SegmentInfo] = [index.write(_COLLECTION, entries, vectors, embed.fingerprint)]

    def search(self, question: str, vector: Vectors) -> IndexResult:
        return self._index.search(self._segments, IndexQuery(question, vector, _CANDIDATES))


def embedded(texts: Sequence[str]) -> Vectors:
    """The vectors of the texts, kept on disk between runs: most of a measurement's time would go there."""
    embed = registry.embed()
    key = hashlib.sha256("\0".join([embed.fingerprint, *texts]).encode()).hexdigest()[:32]
    kept = Path(settings.DATA_DIR) / "evaluation" / f"{key}.npy"
    if kept.is_file():
        vectors: Vectors = np.load(kept, allow_pickle=False)
        return vectors
    vectors = embed.embed_passages(texts)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, vectors, allow_pickle=False)
    return vectors


def _drafts(text: Text) -> list[Draft]:
    embed = registry.embed()
    page = ParsedPage(1, text.text, (Piece("paragraph", 0, 0, len(text.text)),)) if text.text.strip() else None
    chunker = Chunker(text.title, embed.offsets, embed.max_tokens)
    return list(chunker.cut(page)) if page else []


def _lines(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
