"""Text is recognised in one document at a time; who adds several keeps no desk, and nobody's other files, waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from django.db import connections

from apps.documents.ingestion import file_parsing, ocr, pipeline, worker
from apps.documents.jobs import scheduler
from apps.documents.jobs.ingest_job import IngestJob
from apps.documents.models import Collection, Document
from apps.reading.parsing.protocol import BlockSpan, ParsedPage
from apps.users.models import User
from tests.documents.sample_files import scan_pdf, text_picture
from tests.factories import make_collection, upload_file

pytestmark = pytest.mark.django_db(transaction=True)

LONG_S = 120  # far more than anything here takes


class Recogniser:
    """In the place of text recognition: it takes until `goes_on` is set."""

    def __init__(self) -> None:
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self.others: list[set[tuple[str, str]]] = []  # names and states whenever one began

    def __call__(
        self, job: IngestJob, path: Path, kind: str, wanted: Sequence[int], before: int
    ) -> dict[int, ParsedPage]:
        self.others.append(set(Document.objects.values_list("name", "status")))
        self.begun.set()
        assert self.goes_on.wait(LONG_S)
        text = f"What stands in {job.document.name} was drawn by hand."
        return {number: ParsedPage(number, text, (BlockSpan("paragraph", 0, 0, len(text)),)) for number in wanted}


@pytest.fixture
def recogniser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recogniser]:
    made = Recogniser()
    monkeypatch.setattr(ocr, "_recognise", made)
    monkeypatch.setattr(scheduler, "_last_turns", {})
    yield made
    made.goes_on.set()


def upload(owner: User, name: str, content: bytes) -> Document:
    collection = Collection.objects.filter(owner=owner).first() or make_collection(owner)
    return upload_file(collection, name, content)


def states() -> dict[str, str]:
    return dict(Document.objects.values_list("name", "status"))


def test_a_persons_further_scans_wait_in_the_queue_while_one_is_recognised(
    alice: User, bob: User, recogniser: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "MAX_BATCH_DOCUMENTS", 1)
    papers = [upload(alice, f"{n}.pdf", scan_pdf(text_picture(f"Page {n}"))) for n in range(3)]

    def work() -> None:
        try:
            worker.process_queue(papers[0].pk)
        finally:
            connections.close_all()

    desk = threading.Thread(target=work)
    desk.start()
    try:
        assert recogniser.begun.wait(LONG_S)
        upload(bob, "bob.txt", b"A text of Bob's, which takes a moment.")
        for paper in papers[1:]:
            worker.process_queue(paper.pk)  # comes back at once, and on its way does what can be done
        assert states() == {"0.pdf": "working", "1.pdf": "queued", "2.pdf": "queued", "bob.txt": "ready"}
        assert set(Document.objects.filter(status="queued").values_list("attempts", "reason")) == {(0, "")}
        assert scheduler.list_next_documents(4) == []
    finally:
        recogniser.goes_on.set()
        desk.join(LONG_S)
    assert set(states().values()) == {"ready"}  # the same desk went on with them


def test_pictures_are_not_taken_up_while_one_is_recognised(alice: User, recogniser: Recogniser) -> None:
    photo, text = upload(alice, "Photo.JPG", text_picture("Harbour", form="JPEG")), upload(alice, "a.txt", b"A text.")
    with scheduler.ocr_lock:
        assert scheduler.list_next_documents(4) == [text.pk]
    assert scheduler.list_next_documents(4) == [photo.pk, text.pk]


def test_files_of_the_same_group_are_ready_before_a_scan_is_recognised(
    alice: User, recogniser: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_parsing, "PATIENCE_S", 0)
    monkeypatch.setattr(file_parsing, "MAX_PARALLEL_FILES", 1)
    recogniser.goes_on.set()
    rows = [
        upload(alice, "0.pdf", scan_pdf(text_picture("Page"))),
        upload(alice, "1.txt", b"A text."),
        upload(alice, "2.txt", b"Two."),
    ]
    pipeline.ingest(*(row.pk for row in rows))
    assert recogniser.others == [{("0.pdf", "working"), ("1.txt", "ready"), ("2.txt", "ready")}]
    assert set(states().values()) == {"ready"}
