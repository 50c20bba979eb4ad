"""Parse files into pages in sandboxed child processes, several at a time; a slow file delays no other.

`parse_batch` is the entry point.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.documents.ingestion.batch import IngestBatch, IngestItem
from apps.documents.ingestion.content_reuse import get_parser_version
from apps.documents.ingestion.ocr import NOT_RECOGNISED, recognise_scans
from apps.documents.models import Document
from apps.lib.text.language_detection import detect_language_code
from apps.reading.parsing.formats import FORMATS
from apps.reading.parsing.protocol import MAX_CHARACTERS, BlockSpan, ParsedPage, ParseError
from apps.reading.sandbox import runner

MAX_PARALLEL_FILES = 4  # child processes of one batch; those that are slow are not counted
BINARY_SECONDS = 20, 40  # processor seconds, at least and per MB: packed formats may hold ten times their size
TEXT_SECONDS = 6, 8  # processor seconds, at least and per MB: a harmless MB takes 1 to 5 s
PATIENCE_S = 1.0  # seconds after which the parsed files continue without the others

NO_TEXT = {
    "pdf": "No text was found in this PDF, and none could be recognised in what its pages show.",
    "image": "The text of this picture was not recognised: at each of three sizes that took too long or failed. Retry.",
}
NO_RECOGNITION = "This site recognises no text in pictures. Upload the text itself, or ask an administrator."
NO_WORDS = "No words were recognised in this picture: it can be looked at here, and no answer will use it."
EMPTY_FILE = "No text was found in this file. Check that it is the right one."


def get_file_path(document: Document) -> Path:
    """Return the path of the document's stored file. A web page that was not fetched yet has none."""
    return Path(settings.MEDIA_ROOT) / str(document.file)


def parse_batch(batch: IngestBatch) -> Iterator[IngestBatch]:
    """Yield the documents that could be parsed, with all their pages, as they become available.

    Documents with known pages come first. Files parsed within PATIENCE_S come together, each slower one when it is
    done, scans last. A document gets the title that its file gives, unless it has one. Files that cannot be parsed are
    settled.
    """
    if known := [item for item in batch if item.reuses_pages]:
        yield IngestBatch(known)
    queue = _ParseQueue([item for item in batch if not item.reuses_pages], batch)
    scans: list[_Parse] = []
    try:
        while queue.left:
            parses = queue.next()
            scans += [parse for parse in parses if parse.scans]
            yield _finished(batch, [parse for parse in parses if not parse.scans])
    finally:
        queue.close()
    for parse in scans:  # last: OCR takes seconds per page, during which the output of other children would wait
        yield _finished(batch, [parse])


def _finished(batch: IngestBatch, parses: Sequence[_Parse]) -> IngestBatch:
    for parse in parses:
        with batch.guard([parse.item]):
            parse.finish()
    return IngestBatch([parse.item for parse in parses])


class _ParseQueue:
    """Queue of a batch's files with the child processes that parse them."""

    def __init__(self, items: Sequence[IngestItem], batch: IngestBatch) -> None:
        self._batch, self._waiting = batch, deque(items)
        self._running: list[_Parse] = []
        self._slow = 0  # children that have been running longer than PATIENCE_S

    @property
    def left(self) -> bool:
        return bool(self._waiting or self._running)

    def next(self) -> list[_Parse]:
        """Return the files that were parsed within PATIENCE_S, or, if there are none, the first that is."""
        patience, done = time.monotonic() + PATIENCE_S, list[_Parse]()
        while self.left and not (done and time.monotonic() > patience):
            while self._waiting and len(self._running) - self._slow < MAX_PARALLEL_FILES:
                self._begin(self._waiting.popleft())
            done += self._collect_finished()
            if time.monotonic() > patience:
                self._slow = len(self._running)
        return done

    def close(self) -> None:
        for parse in self._running:
            parse.process.close()

    def _begin(self, item: IngestItem) -> None:
        with self._batch.guard([item]):
            self._running.append(_Parse(item))

    def _collect_finished(self) -> list[_Parse]:
        """Read the output of all children; return those that ended well. Children that failed are settled and
        dropped."""
        runner.wait_for_output([parse.process for parse in self._running])
        for parse in self._running:
            with self._batch.guard([parse.item]):
                parse.read_output()
        ended = [parse for parse in self._running if parse.process.ended or parse.item.job.ended]
        self._running = [parse for parse in self._running if parse not in ended]
        for parse in ended:
            parse.process.close()
        return [parse for parse in ended if not parse.item.job.ended]


class _Parse:
    """Child process that parses one file, and its output so far."""

    def __init__(self, item: IngestItem) -> None:
        self.item, self.document = item, item.document
        item.job.set_fields(kind=self.document.kind)
        item.job.report_progress(Document.Stage.PARSE)
        options = {
            "kind": self.document.kind, "name": self.document.name,
            "pages": settings.MAX_PAGES, "characters": MAX_CHARACTERS,
        }  # fmt: skip
        path = get_file_path(self.document)
        options["cpu_seconds"] = limit_cpu_seconds(path.stat().st_size, FORMATS[self.document.kind].binary)
        limits = {"seconds": settings.PARSE_SECONDS, "memory_bytes": settings.PARSE_MEMORY_BYTES}
        self.process = runner.SandboxProcess("parse", path, options, **limits)
        self._title, self._total, self._notes = "", 0, list[str]()

    @property
    def scans(self) -> bool:
        return any(page.scan for page in self.item.pages)

    def read_output(self) -> None:
        for result in self.process.read_results():
            if "page" in result:
                self.item.pages.append(_make_page(result))
            else:
                self._title, self._total = result.get("title", self._title), result.get("total", self._total)
                self._notes += [result["note"]] if "note" in result else []
        self.item.job.report_progress(Document.Stage.PARSE, len(self.item.pages), self._total)

    def finish(self) -> None:
        """Store the results in the document and recognise scanned pages.

        Raises ParseError if there is no text but should be: a photograph may have none.
        """
        job, document = self.item.job, self.document
        pages, unread = recognise_scans(job, get_file_path(document), document.kind, self.item.pages)
        if not any(page.text.strip() for page in pages):
            job.set_fields(pages_without_text=document.pages_without_text)
            if document.kind != "image" or unread or not settings.OCR_PAGES:
                unavailable = document.kind == "image" and not settings.OCR_PAGES
                raise ParseError(NO_RECOGNITION if unavailable else NO_TEXT.get(document.kind, EMPTY_FILE))
            unread = NO_WORDS
        self.item.pages = pages
        document.parser_version, document.embedded_title = (
            "" if NOT_RECOGNISED in unread else get_parser_version(),
            self._title[:255],
        )
        document.title = document.title or self._title
        document.note = " ".join(dict.fromkeys(filter(None, [*self._notes, unread])))[:400]
        document.language = detect_language_code(page.text for page in pages)


def limit_cpu_seconds(size: int, binary: bool) -> int:
    """Return the processor seconds that parsing a file of `size` bytes may take; `binary` as of its Format.

    A small hostile file must not occupy a worker thread for long, however busy the machine is.
    """
    least, more = BINARY_SECONDS if binary else TEXT_SECONDS
    return min(settings.PARSE_SECONDS, least + more * size // 1024**2)


def _make_page(result: dict[str, Any]) -> ParsedPage:
    width, height = result["size"]
    block_spans = tuple(BlockSpan(*piece) for piece in result["block_spans"])
    return ParsedPage(result["page"], result["text"], block_spans, width, height, result["scan"])
