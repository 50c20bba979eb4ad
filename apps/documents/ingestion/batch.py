"""Documents on their way to being searchable, and what happens when one of them cannot go on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from apps.documents.chunking.chunker import ChunkDraft
from apps.documents.jobs.ingest_job import FaultKind, IngestError, IngestJob, WorkerStopping, report_jobs_progress
from apps.documents.parsing.protocol import ParsedPage, ParseError
from apps.documents.sandbox.runner import ParserCrashed
from apps.engines.types import EngineError
from apps.safety.gate.gate import Verdict
from apps.safety.policy.verdicts import SuspectSentences

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from apps.documents.models import Chunk, Document
    from apps.engines.types import Vectors


@dataclass(slots=True, eq=False)
class IngestItem:
    """One document and what the steps have made of it so far, each for the next."""

    job: IngestJob
    pages: list[ParsedPage] = field(default_factory=list)
    chunks: list[ChunkDraft] = field(default_factory=list)
    vectors: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # a row a chunk
    verdicts: list[Verdict] = field(default_factory=list)
    suspects: SuspectSentences | None = None  # of its chunks, which the gate will look at
    rows: list[Chunk] = field(default_factory=list)
    ready: bool = False
    known: bool = False  # its pages are there: the same content was read before
    embedded: bool = False  # likewise its chunks and their vectors

    @property
    def document(self) -> Document:
        return self.job.document


class IngestBatch:
    """Documents that go through the steps together. What goes wrong with one ends that one; the others go on."""

    def __init__(self, works: Sequence[IngestItem]) -> None:
        self._works = list(works)

    def __iter__(self) -> Iterator[IngestItem]:
        """Those that are still to be worked on."""
        return iter([work for work in self._works if not work.job.over])

    def __len__(self) -> int:
        return sum(not work.job.over for work in self._works)

    @property
    def done(self) -> list[IngestItem]:
        """Those that are ready."""
        return [work for work in self._works if work.ready]

    def close(self) -> None:
        """Nothing of it is held any more, whatever happened."""
        for work in self._works:
            work.job.release()

    @contextmanager
    def guard(self, works: Sequence[IngestItem]) -> Iterator[None]:
        """What goes wrong inside is the end of these."""
        try:
            yield
        except BaseException as error:
            reason = _reason(error)
            for work in works:
                if not work.job.over:
                    work.job.settle(reason)
            if not isinstance(reason, Exception):
                raise

    def each(self, step: Callable[[IngestItem], None]) -> None:
        """Each takes the step by itself."""
        for work in self:
            with self.guard([work]):
                step(work)

    def all(self, step: Callable[[Sequence[IngestItem]], None]) -> None:
        """All take the step at once; where that goes wrong each by itself, so that it ends only what it is due to."""
        works = list(self)
        if len(works) > 1 and self._went_well(step, works):
            return
        self.each(lambda work: step([work]))

    def _went_well(self, step: Callable[[Sequence[IngestItem]], None], works: Sequence[IngestItem]) -> bool:
        try:
            step(works)
        except WorkerStopping as error:
            with self.guard(works):
                raise error
        except Exception as error:  # noqa: BLE001 - it comes again for the one that it is due to
            log.info("%d documents are worked on one by one: %s", len(works), error)
            return False
        return True


def report_batch_progress(works: Sequence[IngestItem], stage: str, share: float) -> None:
    """A `share` of the chunks of each is done. Those that were lost are over; raises Lost where it is all of them."""
    counts = [(int(share * len(work.chunks)), len(work.chunks)) for work in works]
    report_jobs_progress([work.job for work in works], stage, counts)


def _reason(error: BaseException) -> BaseException:
    """The error in the words of a job."""
    if isinstance(error, ParseError):
        return IngestError(str(error), FaultKind.USER_FIXABLE)
    if isinstance(error, ParserCrashed):
        return IngestError(str(error), FaultKind.BUG)
    if isinstance(error, EngineError):
        return IngestError(str(error), FaultKind.RETRYABLE if error.retry else FaultKind.BUG)
    return error
