"""Measures ingestion in an empty data directory; prints JSON.

DATA_DIR=… python -m apps.evaluation.bench._ingesting FOLDER_OF_DATA_SETS CHUNKS ROUNDS
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from itertools import cycle
from pathlib import Path
from threading import Thread
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

THREADS = 2  # of the worker
TEXTS_OF_A_FILE = 60  # some 60 to 90 chunks: a report of 20 to 30 pages
CHUNKS_OF_A_TEXT = 1.4


def main(data: Path, chunks: int, rounds: int) -> dict[str, float]:
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.engines import registry

    files = _files(data, chunks)
    _ingest(files[:1], "Warming up")
    registry.embed().warm()
    ratios, work, pipeline, encoder = [], [], [], []
    for number in range(rounds):
        started = _cpu()
        took, lines = _ingest(files, f"Round {number}")
        between, began = _cpu(), time.perf_counter()
        registry.embed().embed_passages(lines)
        pipeline.append(len(lines) / took)
        encoder.append(len(lines) / (time.perf_counter() - began))
        work.append((_cpu() - between) / (between - started))
        ratios.append(pipeline[-1] / encoder[-1])
        print(
            f"round {number + 1}: {len(lines)} chunks, {pipeline[-1]:.1f} and {encoder[-1]:.1f} a second",
            file=sys.stderr,
        )
    return {
        "pipeline_over_encoder": statistics.median(ratios),
        "encoder_share_of_pipeline_cpu": statistics.median(work),
        "pipeline_chunks_per_second": statistics.median(pipeline),
        "encoder_chunks_per_second": statistics.median(encoder),
        "chunks": len(lines),
        "documents": len(files),
    }


def _cpu() -> float:
    """Seconds of processor time of this process and its children, which tell the cost on a busy machine too."""
    return sum(os.times()[:4])


def _files(data: Path, chunks: int) -> list[tuple[str, bytes]]:
    """Files of all the formats, made of real texts, with as many chunks as wanted, more or less."""
    from apps.evaluation.library import read

    texts = [*read(data / "xquad").texts, *read(data / "cranfield").texts][: round(chunks / CHUNKS_OF_A_TEXT)]
    files = []
    makers = cycle(((".txt", _text), (".pdf", _pdf), (".md", _markdown), (".html", _html)))
    for at in range(0, len(texts), TEXTS_OF_A_FILE):
        suffix, make = next(makers)
        files.append(
            (f"file {at}{suffix}", make([(text.title, text.text) for text in texts[at : at + TEXTS_OF_A_FILE]]))
        )
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


def _ingest(files: list[tuple[str, bytes]], name: str) -> tuple[float, list[str]]:
    """Seconds from the first upload until everything is searchable, and what was embedded for it."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from apps.documents.models import Chunk, Collection, Document
    from apps.documents.upload import upload
    from apps.users.models import User

    user, _ = User.objects.get_or_create(email="bench@example.org")
    place = Collection.objects.create(owner=user, name=name)
    began = time.perf_counter()
    for file, content in files:
        upload(user, place, SimpleUploadedFile(file, content))
    workers = [Thread(target=_work) for _ in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - began
    bad = [f"{row.name}: {row.reason}" for row in place.documents.exclude(status=Document.Status.READY)]
    if bad:
        raise SystemExit(f"Not everything became searchable: {bad}")
    chunks: Any = Chunk.objects.filter(document__collection=place).select_related("document")
    return took, [_embedded(chunk) for chunk in chunks.order_by("pk")]


def _work() -> None:
    """A thread of the worker, from the bell on."""
    from django.db import close_old_connections

    from apps.documents import job
    from apps.documents.worker import drain

    for document in job.waiting(1):
        drain(document)
    close_old_connections()


def _embedded(chunk: Any) -> str:
    from apps.documents.chunking import JOIN, embedded

    return embedded(JOIN.join(filter(None, [str(chunk.document), chunk.heading])), chunk.text)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
