"""Data sets of texts, questions and judgements, and an index of them made by the product's own parts, without rows."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apps.engines import registry
from apps.engines.types import Index, IndexEntry, IndexQuery, IndexResult, SegmentInfo
from apps.reading.chunking.chunker import ChunkDraft, Chunker
from apps.reading.parsing.protocol import BlockSpan, ParsedPage

if TYPE_CHECKING:
    from apps.engines.types import Vectors

_COLLECTION = "0" * 32
_CANDIDATES = 60


@dataclass(frozen=True, slots=True)
class DatasetText:
    """Text of a data set."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """Retrieval data set. `relevant` maps a question to the texts that answer it, with a grade; a question without
    entries has no answer."""

    name: str
    texts: tuple[DatasetText, ...]
    questions: dict[str, str]
    relevant: dict[str, dict[str, int]] = field(default_factory=dict)


def read_data_set(folder: Path) -> DataSet:
    """Read a data set of corpus.jsonl, queries.jsonl and qrels.tsv."""
    texts = tuple(DatasetText(row["_id"], row["title"], row["text"]) for row in _read_lines(folder / "corpus.jsonl"))
    questions = {row["_id"]: row["text"] for row in _read_lines(folder / "queries.jsonl")}
    relevant: dict[str, dict[str, int]] = {}
    with (folder / "qrels.tsv").open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if int(row["score"]) > 0:
                relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    return DataSet(folder.name, texts, questions, relevant)


def read_named_set(data: Path, name: str) -> DataSet:
    """Read a data set by name: a folder for `read_data_set`, or FOLDER_LANGUAGE for a file in SQuAD format. Raise
    FileNotFoundError."""
    if (data / name / "corpus.jsonl").is_file():
        return read_data_set(data / name)
    folder, _, language = name.rpartition("_")
    for path in (data / folder / f"{folder}.{language}.json{end}" for end in (".gz", "")):
        if path.is_file():
            return _read_squad(name, path)
    raise FileNotFoundError(f"There is no data set {name} in {data}.")


def _read_squad(name: str, path: Path) -> DataSet:
    """Read a SQuAD file: each paragraph is a text that answers the questions about it."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    texts: list[DatasetText] = []
    questions: dict[str, str] = {}
    relevant: dict[str, dict[str, int]] = {}
    for article in json.loads(content)["data"]:
        for paragraph in article["paragraphs"]:
            texts.append(
                DatasetText(f"p{len(texts)}", str(article.get("title", "")).replace("_", " "), paragraph["context"])
            )
            for item in paragraph["qas"]:
                questions[item["id"]] = item["question"]
                relevant[item["id"]] = {texts[-1].id: 1}
    return DataSet(name, tuple(texts), questions, relevant)


class IndexedTexts:
    """Texts that are split into chunks, embedded and indexed as in ingestion. A chunk's id is its position in
    `chunks`."""

    def __init__(self, texts: Sequence[DatasetText], index: Index) -> None:
        embed = registry.get_embedder()
        self.chunks: list[tuple[DatasetText, ChunkDraft]] = [(text, draft) for text in texts for draft in _chunk(text)]
        vectors = embed_cached([draft.embedding_text for _, draft in self.chunks])
        self.vectors = dict(enumerate(vectors))
        entries = [
            IndexEntry(number, draft.text, text.title, draft.heading)
            for number, (text, draft) in enumerate(self.chunks)
        ]
        self._index = index
        self._segments: list[SegmentInfo] = [index.write(_COLLECTION, entries, vectors, embed.fingerprint)]

    def search(self, question: str, vector: Vectors) -> IndexResult:
        """Return the candidates for a question with its vector."""
        return self._index.search(self._segments, IndexQuery(question, vector, _CANDIDATES))


def embed_cached(texts: Sequence[str], embedder: str = "") -> Vectors:
    """Return the vectors of the texts, cached on disk between runs, since embedding takes most of a benchmark's
    time."""
    engine = registry.get_embedder(embedder)
    key = hashlib.sha256("\0".join([engine.fingerprint, *texts]).encode()).hexdigest()[:32]
    cached = Path(tempfile.gettempdir()) / f"openbook-vectors-{os.getuid()}" / f"{key}.npy"
    if cached.is_file():
        vectors: Vectors = np.load(cached, allow_pickle=False)
        return vectors
    vectors = engine.embed_passages(texts)
    cached.parent.mkdir(mode=0o700, exist_ok=True)
    partial = cached.with_suffix(f".{os.getpid()}.npy")
    np.save(partial, vectors, allow_pickle=False)
    partial.replace(cached)
    return vectors


def _chunk(text: DatasetText) -> list[ChunkDraft]:
    embed = registry.get_embedder()
    page = ParsedPage(1, text.text, (BlockSpan("paragraph", 0, 0, len(text.text)),)) if text.text.strip() else None
    chunker = Chunker(text.title, embed.offsets, embed.max_tokens)
    return list(chunker.cut(page)) if page else []


def _read_lines(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
