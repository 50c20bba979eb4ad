"""Documents on their way to being searchable, and what happens when one of them cannot go on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from apps.documents.chunking import Draft
from apps.documents.job import Fault, IngestError, Job, Stopping, tick_all
from apps.documents.parsers.base import ParsedPage, Unreadable
from apps.documents.sandbox import ReaderBroke
from apps.engines.base import EngineError
from apps.safety.check import Suspects
from apps.safety.gate import Verdict

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from apps.documents.models import Chunk, Document
    from apps.engines.base import Vectors


@dataclass(slots=True, eq=False)
class Work:
    """One document and what the steps have made of it so far, each for the next."""

    job: Job
    pages: list[ParsedPage] = field(default_factory=list)
    chunks: list[Draft] = field(default_factory=list)
    vectors: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # a row a chunk
    verdicts: list[Verdict] = field(default_factory=list)
    suspects: Suspects | None = None  # of its chunks, which the gate will look at
    rows: list[Chunk] = field(default_factory=list)
    ready: bool = False
    known: bool = False  # its pages are there: the same content was read before
    embedded: bool = False  # likewise its chunks and their vectors

    @property
    def document(self) -> Document:
        return self.job.document


class Group:
    """Documents that go through the steps together. What goes wrong with one ends that one; the others go on."""

    def __init__(self, works: Sequence[Work]) -> None:
        self._works = list(works)

    def __iter__(self) -> Iterator[Work]:
        """Those that are still to be worked on."""
        return iter([work for work in self._works if not work.job.over])

    def __len__(self) -> int:
        return sum(not work.job.over for work in self._works)

    @property
    def done(self) -> list[Work]:
        """Those that are ready."""
        return [work for work in self._works if work.ready]

    def close(self) -> None:
        """Nothing of it is held any more, whatever happened."""
        for work in self._works:
            work.job.release()

    @contextmanager
    def guard(self, works: Sequence[Work]) -> Iterator[None]:
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

    def each(self, step: Callable[[Work], None]) -> None:
        """Each takes the step by itself."""
        for work in self:
            with self.guard([work]):
                step(work)

    def all(self, step: Callable[[Sequence[Work]], None]) -> None:
        """All take the step at once; where that goes wrong each by itself, so that it ends only what it is due to."""
        works = list(self)
        if len(works) > 1 and self._went_well(step, works):
            return
        self.each(lambda work: step([work]))

    def _went_well(self, step: Callable[[Sequence[Work]], None], works: Sequence[Work]) -> bool:
        try:
            step(works)
        except Stopping as error:
            with self.guard(works):
                raise error
        except Exception as error:  # noqa: BLE001 - it comes again for the one that it is due to
            log.info("%d documents are worked on one by one: %s", len(works), error)
            return False
        return True


def tick(works: Sequence[Work], stage: str, share: float) -> None:
    """A `share` of the chunks of each is done. Those that were lost are over; raises Lost where it is all of them."""
    counts = [(int(share * len(work.chunks)), len(work.chunks)) for work in works]
    tick_all([work.job for work in works], stage, counts)


def _reason(error: BaseException) -> BaseException:
    """The error in the words of a job."""
    if isinstance(error, Unreadable):
        return IngestError(str(error), Fault.USER_FIXABLE)
    if isinstance(error, ReaderBroke):
        return IngestError(str(error), Fault.BUG)
    if isinstance(error, EngineError):
        return IngestError(str(error), Fault.RETRYABLE if error.retry else Fault.BUG)
    return error
