"""Text recognition goes on where it was: what it has read is in the rows, page by page, until the document is ready."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from apps.documents.ingestion import ocr
from apps.documents.ingestion.pipeline import ingest
from apps.documents.jobs import ingest_job
from apps.documents.library.uploads import cancel_ingestion, requeue_document
from apps.documents.library.versions import reread_document
from apps.documents.models import Document, Page
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import runner
from apps.users.models import User
from tests.documents.sample_files import scan_pdf, text_picture
from tests.factories import make_collection, upload_file

pytestmark = pytest.mark.django_db(transaction=True)


class Reader:
    """In the place of the child that recognises text: what `halt` names is done before the page of that number."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[list[int]] = []
        self.sides: list[int] = []  # pixels, of each of these
        self.halt: dict[int, Any] = {}
        self._other = runner.stream_task
        monkeypatch.setattr(runner, "stream_task", self)

    def __call__(self, task: str, path: Path, options: dict[str, Any], **limits: Any) -> Iterator[Any]:
        if task != "recognise":
            return self._other(task, path, options, **limits)
        self.sides.append(options["longest"])
        return self._recognised(options["numbers"])

    def _recognised(self, numbers: Sequence[int]) -> Iterator[Any]:
        self.asked.append(list(numbers))
        for number in numbers:
            if number in self.halt:
                self.halt.pop(number)()
                yield None
            text = f"What stands on page {number} was drawn by hand."
            words = [[0, 4, 0.1, 0.1, 0.1, 0.1]]
            yield {"page": number, "text": text, "block_spans": [["paragraph", 0, 0, len(text)]], "boxes": words}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setattr(ingest_job, "TICK_S", 0)
    return Reader(monkeypatch)


@pytest.fixture
def document(alice: User) -> Document:
    content = scan_pdf(*(text_picture(f"Page {number}") for number in range(1, 4)))
    return upload_file(make_collection(alice), "scan.pdf", content)


def is_whole(document: Document) -> bool:
    """Whether it is ready, with all that was drawn and where that stands."""
    rows = list(Page.objects.filter(document=document))
    drawn_by_hand = all(f"page {row.number} was drawn by hand" in row.text and row.boxes for row in rows)
    return Document.objects.get(pk=document.pk).status == "ready" and len(rows) == 3 and drawn_by_hand


def test_ocr_continues_where_a_stopped_worker_left_off(reader: Reader, document: Document) -> None:
    reader.halt[3] = ingest_job.stop_requested.set
    try:
        ingest(document.pk)
    finally:
        ingest_job.stop_requested.clear()
    row = Document.objects.get(pk=document.pk)
    assert (row.status, row.attempts) == ("queued", 0)
    ingest(document.pk)
    assert reader.asked == [[1, 2, 3], [3]] and is_whole(document)


def test_ocr_continues_where_a_killed_worker_left_off(reader: Reader, document: Document) -> None:
    reader.halt[2] = raise_killed
    with pytest.raises(Killed):
        ingest(document.pk)
    Document.objects.update(lease_token="", lease_until=None)
    ingest(document.pk)
    assert reader.asked == [[1, 2, 3], [2, 3]] and is_whole(document)


class Killed(BaseException):
    """The process ends here."""


def raise_killed() -> None:
    raise Killed


def test_ocr_continues_where_a_cancelled_ingestion_left_off(reader: Reader, document: Document) -> None:
    reader.halt[3] = lambda: cancel_ingestion(document.collection.owner, document)
    ingest(document.pk)
    row = Document.objects.get(pk=document.pk)
    assert (row.status, row.stage, row.done) == ("cancelled", "", 0)
    requeue_document(row)
    ingest(document.pk)
    assert reader.asked == [[1, 2, 3], [3]] and is_whole(document)


def test_the_count_goes_on_from_what_was_read(reader: Reader, document: Document) -> None:
    seen: list[tuple[str, int, int]] = []

    def look() -> None:
        row = Document.objects.get(pk=document.pk)
        seen.append((row.stage, row.done, row.total))

    reader.halt[3] = lambda: cancel_ingestion(document.collection.owner, document)
    ingest(document.pk)
    requeue_document(Document.objects.get(pk=document.pk))
    reader.halt[3] = look
    ingest(document.pk)
    assert seen == [("scan", 2, 3)]


def test_changed_ocr_version_reads_all_pages_again(
    reader: Reader, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.halt[3] = lambda: cancel_ingestion(document.collection.owner, document)
    ingest(document.pk)
    requeue_document(Document.objects.get(pk=document.pk))
    monkeypatch.setattr(ocr, "get_ocr_version", lambda: "another")
    ingest(document.pk)
    assert reader.asked == [[1, 2, 3], [1, 2, 3]] and is_whole(document)


def test_a_version_that_reads_more_pages_takes_over_those_that_were_read(
    reader: Reader, document: Document, settings: Any
) -> None:
    settings.OCR_PAGES = 2
    ingest(document.pk)
    assert reader.asked == [[1, 2]]
    settings.OCR_PAGES = 9
    assert reread_document(Document.objects.get(pk=document.pk))
    ingest(Document.objects.get(replaces=document).pk)
    assert reader.asked == [[1, 2], [3]] and is_whole(document)


def test_a_page_that_takes_too_long_is_tried_again_smaller(reader: Reader, document: Document) -> None:
    def fail() -> None:
        raise ParseError(runner.TOO_SLOW)

    reader.halt[2] = fail
    ingest(document.pk)
    assert is_whole(document)
    assert reader.asked == [[1, 2, 3], [2], [3]] and reader.sides == [2000, 1400, 2000]


def test_a_page_that_fails_at_every_size_is_left_out(
    reader: Reader, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        reader.halt[2] = fail
        raise runner.ParserCrashed("The recogniser ended.")

    reader.halt[2] = fail
    ingest(document.pk)
    row = Document.objects.get(pk=document.pk)
    assert row.status == "ready" and row.note == "The text of page 2 could not be recognised."
    assert reader.sides == [2000, 1400, 1000, 2000]
