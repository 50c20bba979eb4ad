"""Batch of documents on their way through ingestion; a failure ends only the document that caused it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from apps.documents.jobs.ingest_job import FaultKind, IngestError, IngestJob, WorkerStopping, report_jobs_progress
from apps.engines.types import EngineError
from apps.reading.chunking.chunker import ChunkDraft
from apps.reading.parsing.protocol import ParsedPage, ParseError
from apps.reading.sandbox.runner import ParserCrashed
from apps.safety.gate.gate import Verdict
from apps.safety.policy.verdicts import SuspectSentences

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from apps.documents.models import Chunk, Document
    from apps.engines.types import Vectors


@dataclass(slots=True, eq=False)
class IngestItem:
    """Document in ingestion with the results of its steps so far, each of which is input of the next."""

    job: IngestJob
    pages: list[ParsedPage] = field(default_factory=list)
    chunks: list[ChunkDraft] = field(default_factory=list)
    vectors: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (chunks, dimension), unit rows
    verdicts: list[Verdict] = field(default_factory=list)  # of the gate, one per chunk
    suspects: SuspectSentences | None = None  # sentences that the gate screens by themselves; None: not prepared
    rows: list[Chunk] = field(default_factory=list)
    ready: bool = False
    reuses_pages: bool = False  # True if the pages were taken from a document of the same content
    reuses_chunks: bool = False  # True if chunks and vectors were, too

    @property
    def document(self) -> Document:
        return self.job.document


class IngestBatch:
    """Documents that go through the steps together. An error of one document ends that one; the others continue."""

    def __init__(self, items: Sequence[IngestItem]) -> None:
        self._items = list(items)

    def __iter__(self) -> Iterator[IngestItem]:
        """Iterate over the documents that are not over yet."""
        return iter([item for item in self._items if not item.job.ended])

    def count_ready(self) -> int:
        """Return how many of the documents became ready."""
        return sum(item.ready for item in self._items)

    def close(self) -> None:
        """Release all jobs in this process, whatever happened."""
        for item in self._items:
            item.job.release()

    @contextmanager
    def guard(self, items: Sequence[IngestItem]) -> Iterator[None]:
        """Settle the jobs of `items` with any error raised inside; only errors that are no `Exception` are raised
        again."""
        try:
            yield
        except BaseException as error:
            reason = _to_ingest_error(error)
            for item in items:
                if not item.job.ended:
                    item.job.end_with_error(reason)
            if not isinstance(reason, Exception):
                raise

    def run_each(self, step: Callable[[IngestItem], None]) -> None:
        """Apply the step to each document by itself."""
        for item in self:
            with self.guard([item]):
                step(item)

    def run_all(self, step: Callable[[Sequence[IngestItem]], None]) -> None:
        """Apply the step to all documents at once; if that fails, to each by itself, so that only the faulty one
        ends."""
        items = list(self)
        if len(items) > 1 and self._went_well(step, items):
            return
        self.run_each(lambda item: step([item]))

    def _went_well(self, step: Callable[[Sequence[IngestItem]], None], items: Sequence[IngestItem]) -> bool:
        try:
            step(items)
        except WorkerStopping as error:
            with self.guard(items):
                raise error
        except Exception as error:  # noqa: BLE001 - raised again for the document that causes it
            log.info("%d documents are worked on one by one: %s", len(items), error)
            return False
        return True


def report_batch_progress(items: Sequence[IngestItem], stage: str, share: float) -> None:
    """Store that a `share`, 0 to 1, of each document's chunks is done.

    Documents that lost their lease are ended. Raises LeaseLost if all of them did, and WorkerStopping.
    """
    counts = [(int(share * len(item.chunks)), len(item.chunks)) for item in items]
    report_jobs_progress([item.job for item in items], stage, counts)


def _to_ingest_error(error: BaseException) -> BaseException:
    """Return the error as an IngestError if it is one of a parser or an engine, else unchanged."""
    if isinstance(error, ParseError):
        return IngestError(str(error), FaultKind.USER_FIXABLE)
    if isinstance(error, ParserCrashed):
        return IngestError(str(error), FaultKind.BUG)
    if isinstance(error, EngineError):
        return IngestError(str(error), FaultKind.RETRYABLE if error.retry else FaultKind.BUG)
    return error
