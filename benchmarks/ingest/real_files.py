"""Real files, normal and hostile, through the whole ingestion pipeline: results, reasons, memory."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.ingest import worker as bench

NAME, MANIFEST = "ingest_docs", "MANIFEST.jsonl"
SAMPLE_S = 0.5  # seconds between two samples, each of which takes a hundredth of that

Ends = dict[str, tuple[str, str]]  # path -> ("read" | "refused" | "failed", reason)


def find_folder(data: Path, sets: Sequence[str]) -> Path | None:
    """Return the folder of the files: of the first of `sets` that has a manifest; without sets `data` itself, or the
    usual set in it. None if there is none."""
    places = [data / name for name in sets] if sets else [data, data / NAME]
    return next((place for place in places if (place / MANIFEST).is_file()), None)


def survey_files(place: Path, quick: bool) -> tuple[dict[str, float], list[str]]:
    """Return the shares of the files by result and the speed on those with text, and the texts that were embedded.

    First all files are read and timed without OCR; then those without text are read again with it, unless `quick`.
    """
    from django.conf import settings

    from apps.documents.models import Collection
    from apps.engines import registry

    rows = [json.loads(line) for line in (place / MANIFEST).read_text().splitlines()]
    rows = [row for row in rows if (place / row["path"]).is_file()]
    library = Collection.objects.create(owner=bench.create_user(), name="Real files")
    recognised, settings.OCR_PAGES = settings.OCR_PAGES, 0
    with ReaderPeak() as peak:
        began = time.perf_counter()
        with bench.run_worker():
            contents, ends = _upload_files(library, place, rows)
        took = time.perf_counter() - began
    lines, pages = bench.list_embedded_texts(library), sum(library.documents.values_list("pages_count", flat=True))
    began = time.perf_counter()
    registry.get_embedder().embed_passages(lines)
    alone = time.perf_counter() - began
    settings.OCR_PAGES = recognised
    with ReaderPeak() as recogniser:
        if not quick:
            _retry_with_ocr(library)
    ends |= {path: _get_outcome(library, sha256) for path, sha256 in contents.items()}
    numbers = {
        "pipeline_over_encoder": alone / took, "real_files_over_encoder": alone / took,
        "real_files_pages_per_second": pages / took, "real_files_chunks": float(len(lines)), "reader_peak_mb": peak.mb,
        "recogniser_peak_mb": recogniser.mb,
    }  # fmt: skip
    return {**numbers, **_compute_shares(rows, ends)}, lines


def _upload_files(library: Any, place: Path, rows: list[dict[str, Any]]) -> tuple[dict[str, str], Ends]:
    """Upload the files. Return the SHA-256 of each accepted file by its path, and the results of the refused ones. Two
    files of equal content are one document."""
    from apps.documents.library.uploads import UploadRefused

    contents: dict[str, str] = {}
    ends: Ends = {}
    for row in rows:
        path = Path(row["path"])
        content = (place / path).read_bytes()
        try:
            bench.upload_file(library, path.name, content, str(path.parent))
        except UploadRefused as error:
            if error.duplicate_of is None:
                ends[row["path"]] = ("refused", str(error))
                continue
        contents[row["path"]] = hashlib.sha256(content).hexdigest()
    return contents, ends


def _retry_with_ocr(library: Any) -> None:
    """Read documents without text once more, with OCR."""
    from apps.documents.ingestion.file_parsing import NO_TEXT
    from apps.documents.library.uploads import requeue_document

    began = time.perf_counter()
    with bench.run_worker():
        for document in library.documents.filter(reason__in=NO_TEXT.values()):
            requeue_document(document)
    bench.print_progress(f"text recognition took {time.perf_counter() - began:.0f} s")


def _get_outcome(library: Any, sha256: str) -> tuple[str, str]:
    from apps.documents.models import Document

    row = Document.all_objects.filter(collection=library, sha256=sha256).first()
    if row is not None and row.status in (Document.Status.READY, Document.Status.REPLACED):
        return "read", ""
    if row is not None and row.status == Document.Status.FAILED and row.reason.endswith("."):
        return "refused", row.reason
    return "failed", f"{row.status}: {row.reason}" if row is not None else "gone"


def _compute_shares(rows: list[dict[str, Any]], ends: Ends) -> dict[str, float]:
    """Return the shares over all files and over normal ones; print normal files that were not read, and failures."""
    numbers: dict[str, float] = {}
    for prefix, part in (("", rows), ("normal_", [row for row in rows if row["kind"] == "normal"])):
        counts = Counter(ends[row["path"]][0] for row in part)
        numbers |= {f"{prefix}files_{end}": counts[end] / max(1, len(part)) for end in ("read", "refused", "failed")}
    for row in rows:
        end, why = ends[row["path"]]
        if end == "failed" or (end == "refused" and row["kind"] == "normal"):
            bench.print_progress(f"{row['kind']} {row['path']} {end}: {why}")
    return {**numbers, "files": float(len(rows))}


class ReaderPeak:
    """Context that records in `mb` the highest memory use of a child process."""

    def __init__(self) -> None:
        self.mb = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ReaderPeak:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        import psutil

        while not self._over.wait(SAMPLE_S):
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess):  # a parser process ends with its file
                    self.mb = max(self.mb, process.memory_info().rss / 1024**2)
