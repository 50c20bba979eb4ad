"""Whoever adds a thousand files keeps nobody else waiting, and no worker from its other work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from apps.documents.ingestion import worker
from apps.documents.ingestion.pipeline import ingest
from apps.documents.jobs import scheduler
from apps.documents.jobs.ingest_job import IngestJob, WorkerStopping
from apps.documents.models import Collection, Document
from apps.users.models import User
from tests.factories import upload_file

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_was_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "_last_turns", {})


def rows(owner: User, count: int, **fields: object) -> list[Document]:
    """Documents that wait, without files."""
    collection, _ = Collection.objects.get_or_create(owner=owner, name="Library")
    made = (
        Document(collection=collection, uploaded_by=owner, name=f"{n}.txt", file="documents/none", size=1, **fields)
        for n in range(count)
    )
    return Document.objects.bulk_create(made)


def files(owner: User, count: int, first: int = 0) -> None:
    collection, _ = Collection.objects.get_or_create(owner=owner, name="Library")
    for n in range(first, first + count):
        upload_file(collection, f"{n}.txt", f"Text {n} of {owner.email}.")


def owners(ids: list[UUID]) -> list[int | None]:
    return [Document.objects.get(pk=pk).uploaded_by_id for pk in ids]


def test_first_document_of_each_user_goes_before_second_ones(alice: User, bob: User, charlie: User) -> None:
    rows(alice, 1000)
    rows(bob, 2)
    rows(charlie, 1)
    first = owners(scheduler.list_next_documents(6))
    assert first == [alice.pk, bob.pk, charlie.pk, alice.pk, bob.pk, alice.pk]


def test_short_files_pass_long_ones_of_the_same_user_and_long_ones_do_not_wait_for_ever(alice: User) -> None:
    files(alice, 3)
    big, early, late = Document.objects.order_by("name")
    Document.objects.filter(pk=big.pk).update(size=20 * 1024**2)
    Document.objects.filter(pk=late.pk).update(created=timezone.now() + timedelta(hours=1))
    assert scheduler.list_next_documents(3) == [early.pk, big.pk, late.pk]
    Document.objects.filter(pk=late.pk).update(created=timezone.now() + timedelta(minutes=3))
    assert scheduler.list_next_documents(3) == [early.pk, late.pk, big.pk]


def test_scheduler_puts_a_served_user_behind_an_unserved_one(alice: User, bob: User) -> None:
    rows(alice, 1000)
    rows(bob, 2)
    turns = []
    for _ in range(4):
        document = Document.objects.get(pk=scheduler.list_next_documents(1)[0])
        scheduler.record_turn(document)
        turns.append(document.uploaded_by_id)
        document.delete()
    assert turns == [alice.pk, bob.pk, alice.pk, bob.pk]


def test_scheduler_prefers_a_user_with_nothing_under_way(alice: User, bob: User) -> None:
    until = timezone.now() + timedelta(seconds=60)
    rows(alice, 2, status=Document.Status.WORKING, lease_token="held", lease_until=until)
    rows(alice, 10)
    rows(bob, 1)
    assert owners(scheduler.list_next_documents(1)) == [bob.pk]


def test_next_document_is_found_with_few_queries(alice: User, bob: User, django_assert_max_num_queries: object) -> None:
    rows(alice, 1000)
    rows(bob, 1000)
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        assert len(scheduler.list_next_documents(1)) == 1


@pytest.mark.parametrize("most", [1, 4])
def test_a_worker_makes_one_file_ready_while_a_thousand_wait(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    files(alice, 12)
    files(bob, 1)
    batches: list[list[int | None]] = []
    real = ingest

    def noted(*documents: UUID) -> None:
        real(*documents)
        batches.append(owners(list(documents)))

    monkeypatch.setattr(worker, "ingest", noted)
    monkeypatch.setattr(scheduler, "MAX_BATCH_DOCUMENTS", most)
    worker.process_queue(Document.objects.filter(uploaded_by=alice).order_by("created").values_list("pk", flat=True)[0])
    assert batches[1] == [bob.pk] and sum(map(len, batches)) == 13
    assert not Document.objects.exclude(status=Document.Status.READY).exists()


def test_a_batch_holds_the_files_of_one_person_only(alice: User, bob: User) -> None:
    files(alice, 8)
    files(bob, 2)
    scheduler.record_turn(Document.objects.filter(uploaded_by=alice)[0])
    with scheduler.next_batch() as first:
        assert set(owners(first)) == {bob.pk} and len(first) == 2
        Document.objects.filter(pk__in=first).update(status="ready")
    with scheduler.next_batch() as second:
        assert set(owners(second)) == {alice.pk} and len(second) == 8


def test_bulk_uploader_leaves_a_worker_desk_to_others(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred files of one person are read for as long as this test likes; another's two are ready meanwhile."""
    rows(alice, 200)
    at_work, go_on, done = threading.Semaphore(0), threading.Event(), list[int | None]()
    real = ingest

    def held(*documents: UUID) -> int:
        if owners(list(documents))[0] == bob.pk:
            done.extend(owners(list(documents)))
            return real(*documents)
        Document.objects.filter(pk__in=documents).update(status="ready")
        at_work.release()
        go_on.wait(60)
        return 0

    monkeypatch.setattr(worker, "ingest", held)
    monkeypatch.setattr(worker, "_document_slots", threading.Semaphore(worker.MAX_DOCUMENT_THREADS))
    bell = Document.objects.filter(uploaded_by=alice)[0].pk
    with ThreadPoolExecutor(worker.MAX_DOCUMENT_THREADS, initializer=close_old_connections) as desks:
        begun = [desks.submit(_drained, bell) for _ in range(worker.MAX_DOCUMENT_THREADS)]
        try:
            assert all(at_work.acquire(timeout=30) for _ in range(scheduler.MAX_THREADS_PER_USER))
            files(bob, 2)
            desks.submit(_drained, Document.objects.filter(uploaded_by=bob)[0].pk).result(30)
            assert set(Document.objects.filter(uploaded_by=bob).values_list("status", flat=True)) == {"ready"}
            assert len(done) == 2
        finally:
            go_on.set()
        wait(begun, 60)


def _drained(bell: UUID) -> None:
    try:
        worker.process_queue(bell)
    finally:
        connection.close()


def test_a_bell_gives_its_document_no_better_place_in_the_queue(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(alice, 2)
    files(bob, 1)
    scheduler.record_turn(Document.objects.filter(uploaded_by=alice)[0])
    begun: list[int | None] = []
    real = ingest

    def noted(*documents: UUID) -> int:
        begun.extend(owners(list(documents)))
        return real(*documents)

    monkeypatch.setattr(worker, "ingest", noted)
    worker.process_queue(Document.objects.filter(uploaded_by=alice)[0].pk)
    assert begun == [bob.pk, alice.pk, alice.pk]


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """All desks are taken, until it is called."""
    desks = threading.Semaphore(worker.MAX_DOCUMENT_THREADS)
    monkeypatch.setattr(worker, "_document_slots", desks)
    for _ in range(worker.MAX_DOCUMENT_THREADS):
        desks.acquire()
    yield lambda: desks.release(worker.MAX_DOCUMENT_THREADS)


def test_a_bell_that_nobody_has_time_for_holds_no_thread(alice: User, busy: Callable[[], None]) -> None:
    files(alice, 1)
    document = Document.objects.get()
    worker.process_queue(document.pk)
    document.refresh_from_db()
    assert document.status == "queued"
    busy()
    worker.process_queue(document.pk)
    document.refresh_from_db()
    assert document.status == "ready"


def test_worker_memory_is_frozen_once_a_document_is_ready_and_not_before(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[int] = []
    monkeypatch.setattr(worker, "_freeze_memory", lambda: settled.append(1))
    files(alice, 1)
    document = Document.objects.get()
    [job] = IngestJob.claim_all([document.pk])
    worker.process_queue(document.pk)  # another thread has it and is still loading
    assert not settled
    job.end_with_error(WorkerStopping())
    worker.process_queue(document.pk)
    document.refresh_from_db()
    assert document.status == "ready" and settled


def test_document_that_came_while_a_worker_was_leaving_is_taken_up(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    monkeypatch.setattr(worker, "_document_slots", Desks())
    worker.process_queue(Document.objects.get().pk)
    assert [row.status for row in Document.objects.all()] == 3 * ["ready"]
