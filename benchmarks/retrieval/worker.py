"""Worker of the retrieval benchmark: ingests data sets, one collection each, and asks the product's search. Prints
JSON.

    DATA_DIR=… python -m benchmarks.retrieval.worker FOLDER_OF_DATA_SETS SET… [--mixed SET…]

For each set and question the texts found, best first; for the sets on chunks and abstention their own measurements.
Mixed sets are in two collections, of which a second embedder serves one.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import django

if TYPE_CHECKING:
    from benchmarks.lib.datasets import DataSet

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

CHUNKS, ABSTAIN = "chroma_chunking", "clapnq"
_BUDGET = 1_000  # tokens returned, counted by the embedder


def main(data: Path, names: Sequence[str], mixed: Sequence[str] = ()) -> dict[str, Any]:
    """Search all sets and return the results."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.users.models import User
    from benchmarks.lib import datasets as library

    user = User.objects.create_user("bench@example.org", uuid4().hex)
    found: dict[str, Any] = {"sets": {}}
    for name in names:
        found["sets"][name] = asyncio.run(_rank_questions(user, library.read_named_set(data, name)))
        print(f"{name}: {len(found['sets'][name])} questions asked", file=sys.stderr)
    if mixed:
        found["mixed"] = _rank_mixed(user, data, mixed)
    if (data / CHUNKS).is_dir():
        found["chunks"] = _measure_chunks(user, data / CHUNKS)
    if list((data / ABSTAIN).glob("*unanswerable*.jsonl")):
        found["abstain"] = asyncio.run(_measure_abstention(user, library.read_data_set(data / ABSTAIN)))
    return found


def _rank_mixed(user: Any, data: Path, names: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Return the rankings of sets of which a second embedder has every other text."""
    from django.conf import settings

    from benchmarks.lib import datasets as library
    from benchmarks.lib import shifted_embedder

    with tempfile.TemporaryDirectory() as folder:
        model = str(shifted_embedder.write_model(Path(folder)))
        settings.EMBEDDERS = {shifted_embedder.NAME: {"BACKEND": shifted_embedder.BACKEND, "OPTIONS": {"model": model}}}
        return {
            name: asyncio.run(_rank_questions(user, library.read_named_set(data, name), ("", shifted_embedder.NAME)))
            for name in names
        }


async def _rank_questions(user: Any, data: DataSet, embedders: Sequence[str] = ("",)) -> dict[str, list[str]]:
    """Return the texts of each judged question, best first. The texts are distributed over one collection per
    embedder."""
    from apps.documents.retrieval import search
    from apps.lib.concurrency.threads import in_db
    from benchmarks.lib.datasets import embed_cached

    collections, texts = list[Any](), dict[Any, str]()
    for at, embedder in enumerate(embedders):
        collection, known = await in_db(_create_collection, user, data.texts[at :: len(embedders)], embedder)
        collections.append(collection)
        texts |= known
    judged = [question for question in data.questions if question in data.relevant]
    vectors = embed_cached([data.questions[question] for question in judged])
    return {
        question: [
            texts[document]
            for document in await search.rank_all_documents(user, data.questions[question], collections, vector)
        ]
        for question, vector in zip(judged, vectors, strict=True)
    }


async def _measure_abstention(user: Any, data: DataSet) -> list[tuple[bool, float, float]]:
    """Return for each question whether the collection answers it, and the best relevance and cosine of the hits."""
    from apps.documents.retrieval.search import search
    from apps.lib.concurrency.threads import in_db

    collection, _ = await in_db(_create_collection, user, data.texts)
    rows = []
    for question, text in data.questions.items():
        hits = (await search(user, text, collections=[collection])).hits
        best = (max((getattr(hit, name) for hit in hits), default=0.0) for name in ("relevance", "cosine"))
        rows.append((question in data.relevant, *best))
    return rows  # type: ignore[return-value]


def _create_collection(user: Any, texts: Sequence[Any], embedder: str = "") -> tuple[Any, dict[Any, str]]:
    """Create a collection of the texts. Return its key, and the text id of each document."""
    from apps.documents.models import Document
    from benchmarks.lib import fixtures

    collection = fixtures.create_collection(user, texts, embedder=embedder)
    rows = Document.objects.filter(collection=collection).values_list("pk", "name")
    return collection.pk, {pk: name.removesuffix(".txt") for pk, name in rows}


def _measure_chunks(user: Any, folder: Path) -> dict[str, list[float]]:
    """Return for each question the recall and the precision of the returned characters against the gold ones."""
    from apps.documents.models import Collection, Page
    from apps.documents.retrieval.search import search
    from apps.engines import registry
    from benchmarks.lib import fixtures

    texts = {path.stem: path for path in sorted((folder / "corpora").glob("*.md"))}
    collection = Collection.objects.create(owner=user, name="Chunks")
    documents = {name: fixtures.ingest_file(user, collection, path) for name, path in texts.items()}
    pages: dict[Any, dict[int, str]] = {document: {} for document in documents.values()}
    for page in Page.objects.filter(document__in=pages):
        pages[page.document_id][page.number] = page.text

    def count(parts: Sequence[str]) -> list[int]:
        return [len(registry.get_embedder().offsets(part)) for part in parts]

    recall, precision = [], []
    for row in _read_questions(folder / "questions.csv", texts):
        document_key = documents[row["corpus_id"]]
        question, gold = row["question"], _locate_references(pages[document_key], json.loads(row["references"]))
        result = asyncio.run(search(user, question, collections=[collection.pk], token_budget=_BUDGET, count=count))
        returned = {
            (p.document_id, p.page_number, at) for p in result.passages for span in p.spans for at in range(*span)
        }
        correct = len({(number, at) for document, number, at in returned if document == document_key} & gold)
        recall.append(correct / max(1, len(gold)))
        precision.append(correct / max(1, len(returned)))
    return {"recall": recall, "precision": precision}


def _read_questions(path: Path, texts: Iterable[str]) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["corpus_id"] in texts]


def _locate_references(pages: Mapping[int, str], references: list[dict[str, Any]]) -> set[tuple[int, int]]:
    """Return the positions (page, offset) of the references in the parsed text, whatever separates their words."""
    gold: set[tuple[int, int]] = set()
    for reference in references:
        plain = re.sub(r"<\w+>", " ", reference["content"])  # Markdown takes text that looks like a tag for one
        words = re.compile(r"[\W_]+".join(map(re.escape, re.findall(r"[^\W_]+", plain))))
        found = ((number, place.span()) for number, text in pages.items() if (place := words.search(text)))
        number, span = next(found, (0, (0, len(plain))))  # text lost in parsing counts as not returned
        gold.update((number, at) for at in range(*span))
    return gold


if __name__ == "__main__":
    asked = sys.argv[2:]
    split = asked.index("--mixed") if "--mixed" in asked else len(asked)
    print(json.dumps(main(Path(sys.argv[1]), asked[:split], asked[split + 1 :])))
