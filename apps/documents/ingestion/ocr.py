"""Recognise the text of scanned pages (OCR) in child processes of the lowest priority.

A page takes seconds. So one document of a process is recognised at a time, a few pages per child, and at most OCR_PAGES
pages of a document. Other scans go back to the queue meanwhile, so that their worker thread is free
(`jobs/scheduler.py`). The recogniser itself is in `parsing/ocr/`.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.documents.ingestion import ocr_checkpoint
from apps.documents.jobs import scheduler
from apps.documents.jobs.ingest_job import IngestJob, IngestPostponed
from apps.documents.models import Document
from apps.reading.parsing.protocol import BlockSpan, ParsedPage, ParseError
from apps.reading.sandbox import runner

log = logging.getLogger(__name__)

_APPS = Path(__file__).parents[2]
_OCR_SOURCES = (
    "documents/ingestion/ocr.py", "reading/parsing/ocr/recognizer.py", "reading/parsing/ocr/page_assembly.py",
)  # fmt: skip
PAGES_A_CHILD = 20  # pages per child: loading the models takes a second, and a crash costs at most one child
SECONDS_A_PAGE = 60  # processor seconds of a page at full size; half of that and less at smaller ones
WAIT_FACTOR = 4  # elapsed seconds for each of these: a child of the lowest priority waits for all other work
# Pixels of the longer side of a page's picture. A page that takes too long or too much memory is tried again smaller.
LONGEST_SIDES = (2000, 1400, 1000)
# Address space of a child beyond that of a parser: libraries and freed blocks, measured at 0.6 GiB after some pages.
# None of that is resident memory, of which the whole child takes 0.7 GiB.
ADDRESSES_BYTES = 1024**3
NOT_RECOGNISED = "could not be recognised."  # end of the note about pages that another attempt may read
MIN_TEXT_RATIO = 1.3  # length of recognised text, relative to a page's own text, from which it replaces that


def recognise_scans(job: IngestJob, path: Path, kind: str, pages: list[ParsedPage]) -> tuple[list[ParsedPage], str]:
    """Return the pages with the text and word boxes of scanned ones, and a note about pages left out, "" for none.

    The same is stored in the document's `pages_without_text`. Must not run inside a transaction. Raises
    IngestPostponed if this process recognises another document; LeaseLost or WorkerStopping.
    """
    scans = [page.number for page in pages if page.scan]
    numbers = scans[: settings.OCR_PAGES]
    if not numbers:
        job.document.pages_without_text = _summarise_unread(scans, [])
        return pages, _describe_unread(scans, [])
    if not scheduler.ocr_lock.acquire(blocking=False):
        scheduler.defer_ocr(job.document)
        raise IngestPostponed
    try:
        recognised = ocr_checkpoint.load_recognised(job.document, get_ocr_version(), numbers)
        job.report_progress(Document.Stage.RECOGNISE, len(recognised), len(numbers))
        recognised |= _recognise(
            job, path, kind, [number for number in numbers if number not in recognised], len(recognised)
        )
    finally:
        scheduler.ocr_lock.release()
    missed = [number for number in numbers if number not in recognised]
    job.document.pages_without_text = _summarise_unread(scans[len(numbers) :], missed)
    return [_with(page, recognised.get(page.number)) for page in pages], _describe_unread(scans[len(numbers) :], missed)


def _recognise(job: IngestJob, path: Path, kind: str, numbers: Sequence[int], before: int) -> dict[int, ParsedPage]:
    """Return the recognised pages by number; each is stored at once. `before` is the count of pages recognised earlier.

    A page at which its child fails is tried again alone, smaller each time, then skipped.
    """
    recognised: dict[int, ParsedPage] = {}
    remaining, total = list(numbers), before + len(numbers)
    tries = 0  # of the first of the remaining pages that failed
    while remaining:
        results = _stream_pages(path, kind, [remaining[0]] if tries else remaining[:PAGES_A_CHILD], tries)
        try:
            for answer in results:
                if answer and "page" in answer:
                    remaining.remove(answer["page"])
                    tries = 0
                    if "problem" not in answer:
                        recognised[answer["page"]] = _make_page(answer)
                        ocr_checkpoint.store_recognised(job, get_ocr_version(), recognised[answer["page"]])
                job.report_progress(Document.Stage.RECOGNISE, total - len(remaining), total)
        except (ParseError, runner.ParserCrashed) as error:
            tries += 1
            if tries == len(LONGEST_SIDES):
                tries, at = 0, remaining.pop(0)
                log.warning("Page %s of document %s was not recognised: %s", at, job.document.pk, error)
        finally:
            results.close()
    return recognised


def _stream_pages(
    path: Path, kind: str, numbers: Sequence[int], tries: int
) -> Generator[dict[str, Any] | None, None, None]:
    """Start a child that recognises these pages, the smaller the more `tries` failed before; see
    `runner.stream_task`."""
    longest = LONGEST_SIDES[tries]
    a_page = round(SECONDS_A_PAGE * (longest / LONGEST_SIDES[0]) ** 2)
    seconds = a_page * len(numbers)
    return runner.stream_task(
        "recognise", path,
        {
            "kind": kind, "numbers": numbers, "pages": settings.MAX_PAGES, "longest": longest, "cpu_seconds": seconds,
        },
        seconds=WAIT_FACTOR * seconds, silence_s=WAIT_FACTOR * a_page,
        memory_bytes=settings.PARSE_MEMORY_BYTES + ADDRESSES_BYTES,
    )  # fmt: skip


def _make_page(answer: dict[str, object]) -> ParsedPage:
    block_spans = tuple(BlockSpan(*piece) for piece in answer["block_spans"])  # type: ignore[attr-defined]
    boxes = tuple(tuple(word) for word in answer["boxes"])  # type: ignore[attr-defined]
    return ParsedPage(answer["page"], answer["text"], block_spans, boxes=boxes, recognised=True)  # type: ignore[arg-type]


def _with(page: ParsedPage, recognised: ParsedPage | None) -> ParsedPage:
    """Return the page with the recognised text, unless its own text is about as long: that is exact."""
    if recognised is None or len(recognised.text) <= MIN_TEXT_RATIO * len(page.text.strip()):
        return page
    return replace(
        page, text=recognised.text, block_spans=recognised.block_spans, boxes=recognised.boxes, recognised=True
    )


def can_retry_ocr(pages_without_text: Mapping[str, Any]) -> bool:
    """Return whether the present limit or recogniser may read pages that were left out, by the document's field."""
    beyond, missed = pages_without_text.get("beyond", 0), pages_without_text.get("missed", 0)
    more = beyond and pages_without_text.get("limit", 0) < settings.OCR_PAGES
    return bool(settings.OCR_PAGES and (more or (missed and pages_without_text.get("by") != get_ocr_version())))


@cache
def get_ocr_version() -> str:
    """Return a digest of the source and packages that recognise text."""
    sources = [(_APPS / name).read_bytes() for name in _OCR_SOURCES]
    packages = [metadata.version(name).encode() for name in ("rapidocr", "onnxruntime")]
    return sha256(b"\0".join(sources + packages)).hexdigest()[:16]


def _summarise_unread(over_limit: Sequence[int], failed: Sequence[int]) -> dict[str, Any] | None:
    """Return the counts of pages beyond the limit and of failed pages, with the limit and recogniser used; None for
    none."""
    if not over_limit and not failed:
        return None
    return {"beyond": len(over_limit), "missed": len(failed), "limit": settings.OCR_PAGES, "by": get_ocr_version()}


def _describe_unread(over_limit: Sequence[int], failed: Sequence[int]) -> str:
    words = []
    if over_limit:
        words.append(
            f"The text of {len(over_limit):,} scanned pages, from page {over_limit[0]:,} on, was not recognised: "
            f"at most {settings.OCR_PAGES:,} of a document are."
        )
    if failed:
        listed = ", ".join(f"{number:,}" for number in failed[:10]) + (" …" if len(failed) > 10 else "")
        words.append(f"The text of page {listed} {NOT_RECOGNISED}")
    return " ".join(words)
