"""Whoever adds a thousand files keeps nobody else waiting, and no worker from its other work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.documents import queue, upload, worker
from apps.documents.ingest import ingest
from apps.documents.job import Job, Stopping
from apps.documents.models import Collection, Document
from apps.users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_was_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_served", {})


def rows(owner: User, count: int, **fields: object) -> list[Document]:
    """Documents that wait, without files."""
    place, _ = Collection.objects.get_or_create(owner=owner, name="Library")
    made = (
        Document(collection=place, uploaded_by=owner, name=f"{n}.txt", file="documents/none", size=1, **fields)
        for n in range(count)
    )
    return Document.objects.bulk_create(made)


def files(owner: User, count: int, first: int = 0) -> None:
    place, _ = Collection.objects.get_or_create(owner=owner, name="Library")
    for n in range(first, first + count):
        upload.upload(owner, place, SimpleUploadedFile(f"{n}.txt", f"Text {n} of {owner.email}.".encode()))


def owners(ids: list[UUID]) -> list[int | None]:
    return [Document.objects.get(pk=pk).uploaded_by_id for pk in ids]


def test_everybodys_first_goes_before_anybodys_second(alice: User, bob: User, charlie: User) -> None:
    rows(alice, 1000)
    rows(bob, 2)
    rows(charlie, 1)
    first = owners(queue.waiting(6))
    assert first == [alice.pk, bob.pk, charlie.pk, alice.pk, bob.pk, alice.pk]


def test_who_was_served_goes_behind_who_was_not(alice: User, bob: User) -> None:
    rows(alice, 1000)
    rows(bob, 2)
    turns = []
    for _ in range(4):
        document = Document.objects.get(pk=queue.waiting(1)[0])
        queue.served(document)
        turns.append(document.uploaded_by_id)
        document.delete()
    assert turns == [alice.pk, bob.pk, alice.pk, bob.pk]


def test_who_has_much_under_way_waits_for_who_has_nothing(alice: User, bob: User) -> None:
    until = timezone.now() + timedelta(seconds=60)
    rows(alice, 2, status=Document.Status.WORKING, lease_token="held", lease_until=until)
    rows(alice, 10)
    rows(bob, 1)
    assert owners(queue.waiting(1)) == [bob.pk]


def test_the_next_is_found_with_few_questions(alice: User, bob: User, django_assert_max_num_queries: object) -> None:
    rows(alice, 1000)
    rows(bob, 1000)
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        assert len(queue.waiting(1)) == 1


@pytest.mark.parametrize("most", [1, 4])
def test_a_worker_makes_one_file_ready_while_a_thousand_wait(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    files(alice, 12)
    files(bob, 1)
    ready: list[int | None] = []
    real = ingest

    def noted(*documents: UUID) -> None:
        real(*documents)
        ready.extend(owners(list(documents)))

    monkeypatch.setattr(worker, "ingest", noted)
    monkeypatch.setattr(queue, "TOGETHER", most)
    worker.drain(Document.objects.filter(uploaded_by=alice).order_by("created").values_list("pk", flat=True)[0])
    assert len(ready) == 13 and ready.index(bob.pk) == 1
    assert not Document.objects.exclude(status=Document.Status.READY).exists()


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """All desks are taken, until it is called."""
    desks = threading.Semaphore(worker.DESKS)
    monkeypatch.setattr(worker, "_desks", desks)
    for _ in range(worker.DESKS):
        desks.acquire()
    yield lambda: desks.release(worker.DESKS)


def test_a_bell_that_nobody_has_time_for_holds_no_thread(alice: User, busy: Callable[[], None]) -> None:
    files(alice, 1)
    document = Document.objects.get()
    worker.drain(document.pk)
    document.refresh_from_db()
    assert document.status == "queued"
    busy()
    worker.drain(document.pk)
    document.refresh_from_db()
    assert document.status == "ready"


def test_what_is_loaded_is_left_to_itself_once_a_document_is_ready_and_not_before(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[int] = []
    monkeypatch.setattr(worker, "_settle", lambda: settled.append(1))
    files(alice, 1)
    document = Document.objects.get()
    held = Job.claim(document.pk)
    worker.drain(document.pk)  # another thread has it and is still loading
    assert held is not None and not settled
    held.settle(Stopping())
    worker.drain(document.pk)
    document.refresh_from_db()
    assert document.status == "ready" and settled


def test_what_came_while_a_worker_was_leaving_is_taken_up(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    class Desks:
        """One that lets a file come in the moment in which it is given back."""

        free = True

        def acquire(self, blocking: bool) -> bool:
            return not blocking

        def release(self) -> None:
            if self.free:
                self.free = False
                files(alice, 2, 1)

    files(alice, 1)
    monkeypatch.setattr(worker, "_desks", Desks())
    worker.drain(Document.objects.get().pk)
    assert [row.status for row in Document.objects.all()] == 3 * ["ready"]
