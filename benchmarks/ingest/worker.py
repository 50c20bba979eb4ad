"""Worker of the ingest benchmark, in an empty data directory; prints JSON.

DATA_DIR=… python -m benchmarks.ingest.worker FOLDER_OF_DATA_SETS CHUNKS ROUNDS quick|whole [SET…]
"""

from __future__ import annotations

import gc
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from threading import Event, Thread
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

TEXTS_OF_A_FILE = 60  # some 60 to 90 chunks: a report of 20 to 30 pages
CHUNKS_OF_A_TEXT = 1.4
SETS = ("cranfield", "xquad")  # sources of the files; all present sets if neither is there
BARE_CHUNKS = 192  # chunks that the library encodes in float32, which takes it ten seconds

Files = list[tuple[str, bytes]]


def main(data: Path, chunks: int, rounds: int, quick: bool, sets: Sequence[str]) -> dict[str, float]:
    """Measure rates and memory of ingestion with `data`, and return the figures by name."""
    django.setup()
    from django.core.management import call_command

    from apps.lib import process_memory

    process_memory.limit_native_caches()  # as in a worker process
    from benchmarks.ingest import real_files as real

    made, folder = _make_files(data, chunks, sets), real.find_folder(data, sets)
    if not made and folder is None:
        raise SystemExit(f"Neither a set with a corpus.jsonl nor a MANIFEST.jsonl with its files is in {data}.")
    call_command("migrate", verbosity=0)
    numbers, lines = _measure_rates(made, rounds) if made else ({}, [])
    if folder is not None:
        found, texts = real.survey_files(folder, quick)
        numbers, lines = {**found, **numbers}, lines or texts
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # this process acted as a worker until here
    return {**numbers, "worker_peak_mb": peak, **_compare_with_library(lines[:BARE_CHUNKS], rounds)}


def _measure_rates(files: Files, rounds: int) -> tuple[dict[str, float], list[str]]:
    """Return the rates of pipeline and encoder, measured in turns, and the embedded texts."""
    from apps.engines import registry

    collection, _ = ingest(files[:1], "Warming up", rounds)
    registry.get_embedder().warm()
    ratios, work, pipeline, encoder, duplicates, reused = [], [], [], [], [], []
    for number in range(rounds):
        started = _read_cpu_seconds()
        collection, seconds = ingest(files, f"Round {number}", number)  # a new user: nothing is reused
        texts = list_embedded_texts(collection)
        between, began = _read_cpu_seconds(), time.perf_counter()
        registry.get_embedder().embed_passages(texts)
        pipeline.append(len(texts) / seconds)
        encoder.append(len(texts) / (time.perf_counter() - began))
        work.append((_read_cpu_seconds() - between) / (between - started))
        ratios.append(pipeline[-1] / encoder[-1])
        duplicates.append(_measure_duplicates(files, collection, number) / seconds)
        reused.append(ingest(files, f"Round {number}, elsewhere", number)[1] / seconds)
        print_progress(f"round {number + 1}: {len(texts)} chunks, {pipeline[-1]:.1f} and {encoder[-1]:.1f} a second")
    return {
        "pipeline_over_encoder": statistics.median(ratios),
        "encoder_share_of_pipeline_cpu": statistics.median(work),
        "pipeline_chunks_per_second": statistics.median(pipeline),
        "encoder_chunks_per_second": statistics.median(encoder),
        "reingest_over_first": statistics.median(duplicates),
        "reuse_over_first": statistics.median(reused),
        "chunks": len(texts),
        "documents": len(files),
    }, texts


def _compare_with_library(lines: Sequence[str], rounds: int) -> dict[str, float]:
    """Return the speed of the product's encoder over `SentenceTransformer.encode` in float32, measured in turns, and
    the cosines of their vectors."""
    from importlib import import_module  # the library under comparison is no part of the product

    import numpy as np

    from apps.engines import registry
    from apps.engines.embed.model_folder import locate_model

    ours = registry.get_embedder()
    library = import_module("sentence_transformers").SentenceTransformer(
        str(locate_model("")), device="cpu", local_files_only=True
    )
    library.encode(list(lines[:8]))
    ours.warm()
    ratios = []
    for _ in range(rounds):
        began = time.perf_counter()
        bare = library.encode(list(lines), normalize_embeddings=True, show_progress_bar=False)
        between = time.perf_counter()
        own = ours.embed_passages(lines)
        ratios.append((between - began) / (time.perf_counter() - between))
    cosines = np.sum(bare * own, axis=1)
    return {
        "encoder_over_st_fp32": statistics.median(ratios),
        "encoder_cosine": float(cosines.mean()),
        "encoder_cosine_min": float(cosines.min()),
    }


def _read_cpu_seconds() -> float:
    """Return the CPU seconds of this process and of the parser processes, which show the cost on a busy machine,
    too."""
    import psutil

    own = psutil.Process()
    return sum(own.cpu_times()[:2]) + sum(sum(child.cpu_times()[:4]) for child in own.children())


def print_progress(words: str) -> None:
    """Print a line of progress to stderr."""
    print(words, file=sys.stderr, flush=True)


def _make_files(data: Path, chunks: int, sets: Sequence[str]) -> Files:
    """Return files of several formats, made of real texts, with about `chunks` chunks."""
    there = [path.parent for path in sorted(data.glob("*/corpus.jsonl"))]
    chosen = [path for path in there if path.name in (sets or SETS)] or ([] if sets else there)
    texts = [json.loads(line) for path in reversed(chosen) for line in (path / "corpus.jsonl").open()]
    texts = texts[: round(chunks / CHUNKS_OF_A_TEXT)]
    files = []
    makers = cycle(((".txt", _text), (".pdf", _pdf), (".md", _markdown), (".html", _html)))
    for at in range(0, len(texts), TEXTS_OF_A_FILE):
        suffix, make = next(makers)
        parts = [(str(text["title"]), str(text["text"])) for text in texts[at : at + TEXTS_OF_A_FILE]]
        files.append((f"file {at}{suffix}", make(parts)))
    return files


def _text(parts: list[tuple[str, str]]) -> bytes:
    return "\n\n".join(f"{title}\n\n{text}" for title, text in parts).encode()


def _markdown(parts: list[tuple[str, str]]) -> bytes:
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts).encode()


def _html(parts: list[tuple[str, str]]) -> bytes:
    from html import escape

    body = "".join(f"<h2>{escape(title)}</h2><p>{escape(text)}</p>" for title, text in parts)
    return f"<!doctype html><html><body><main>{body}</main></body></html>".encode()


def _pdf(parts: list[tuple[str, str]]) -> bytes:
    from fpdf import FPDF

    document = FPDF()
    document.add_page()
    for title, text in parts:
        for words, size in ((title, 16), (text, 10)):
            document.set_font("helvetica", size=size)
            document.multi_cell(
                0, text=words.encode("latin-1", "replace").decode("latin-1"), new_x="LMARGIN", new_y="NEXT"
            )
    return bytes(document.output())


def ingest(files: Files, name: str, number: int = 0) -> tuple[Any, float]:
    """Ingest the files into a new collection of user `number`. Return it, and the seconds from the first upload until
    all is searchable."""
    from apps.documents.models import Collection, Document

    collection = Collection.objects.create(owner=create_user(number), name=name)
    began = time.perf_counter()
    with run_worker():
        for file, content in files:
            upload_file(collection, file, content, number=number)
    seconds = time.perf_counter() - began
    gc.collect()  # so that garbage of this round does not burden the encoder's
    failed = [f"{row.name}: {row.reason}" for row in collection.documents.exclude(status=Document.Status.READY)]
    if failed:
        raise SystemExit(f"Not everything became searchable: {failed}")
    return collection, seconds


def _measure_duplicates(files: Files, collection: Any, number: int) -> float:
    """Return the seconds to offer all files once more, each of which is refused as a duplicate."""
    from apps.documents.library.uploads import UploadRefused

    began = time.perf_counter()
    for file, content in files:
        try:
            upload_file(collection, file, content, number=number)
        except UploadRefused:
            continue
        raise SystemExit(f"{file} was taken a second time.")
    return time.perf_counter() - began


def create_user(number: int = 0) -> Any:
    """Return the test user of that number."""
    from apps.users.models import User

    return User.objects.get_or_create(email=f"bench{number}@example.org")[0]


def upload_file(collection: Any, name: str, content: bytes, path: str = "", number: int = 0) -> Any:
    """Upload a file to a collection of user `number` and return the document."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from apps.documents.library.uploads import store_upload

    return store_upload(create_user(number), collection, SimpleUploadedFile(name, content), path)


@contextmanager
def run_worker() -> Iterator[None]:
    """Run the worker's document threads during the block; on exit wait until the queue is empty."""
    from apps.documents.ingestion.worker import MAX_DOCUMENT_THREADS

    all_queued = Event()
    workers = [Thread(target=_work, args=(all_queued,)) for _ in range(MAX_DOCUMENT_THREADS)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        all_queued.set()
        for worker in workers:
            worker.join()


def _work(all_queued: Event) -> None:
    """Process queued documents, polling every 10 ms, until `all_queued` is set and the queue is empty."""
    from django.db import close_old_connections

    from apps.documents.ingestion.worker import process_queue
    from apps.documents.jobs.scheduler import list_next_documents

    last = False
    while not last:
        last = all_queued.wait(0.01)
        for document in list_next_documents(1):
            process_queue(document)
    close_old_connections()


def list_embedded_texts(collection: Any) -> list[str]:
    """Return the texts that were embedded for the collection's chunks, in order."""
    from apps.documents.models import Chunk
    from apps.reading.chunking.chunker import HEADING_SEPARATOR, compose_embedding_text

    chunks: Any = Chunk.objects.filter(document__collection=collection).select_related("document").order_by("pk")
    return [
        compose_embedding_text(HEADING_SEPARATOR.join(filter(None, [str(row.document), row.heading])), row.text)
        for row in chunks
    ]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "quick", sys.argv[5:])))
