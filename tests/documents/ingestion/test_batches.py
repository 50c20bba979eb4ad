"""Small documents that wait are worked on together, and each ends as if it had been alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.documents.ingestion import file_parsing, publishing, worker
from apps.documents.ingestion import pipeline as ingesting
from apps.documents.ingestion.pipeline import ingest
from apps.documents.jobs import ingest_job, scheduler
from apps.documents.library import deletion
from apps.documents.models import Chunk, Document, Page, Segment
from apps.engines import registry
from apps.engines.classify import span_embeddings
from apps.engines.types import EngineBroken, EngineBusy
from apps.reading.sandbox import runner
from apps.users.accounts import reinstate_user, suspend_user
from apps.users.models import User
from tests.documents import sample_files
from tests.factories import make_collection, make_user, upload_file

pytestmark = pytest.mark.django_db(transaction=True)

Put = Callable[..., Document]


@pytest.fixture
def upload(alice: User) -> Put:
    collection = make_collection(alice)

    def _put(name: str = "", content: bytes = b"", owner: User = alice) -> Document:
        target = collection if owner == alice else make_collection(owner)
        number = Document.objects.count()
        content = content or f"Text {number} says that leave lasts {number + 20} days.".encode()
        return upload_file(target, name or f"{number}.txt", content)

    return _put


def ended(*rows: Document) -> list[str]:
    ingest(*(row.pk for row in rows))
    return [Document.objects.get(pk=row.pk).status for row in rows]


def is_whole(row: Document) -> bool:
    return Chunk.objects.searchable().filter(document=row).exists() and row.chunks.count() == 1


def test_small_files_share_one_segment_and_one_embedding_batch(upload: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [upload() for _ in range(5)]
    embed, batches = registry.get_embedder(), list[int]()
    real = embed.embed_passages
    monkeypatch.setattr(embed, "embed_passages", lambda texts: (batches.append(len(texts)), real(texts))[1])
    assert ended(*rows) == 5 * ["ready"]
    assert Segment.objects.get().count == 5 and batches == [5]
    for row in rows:
        chunk = row.chunks.get()
        assert chunk.text == Path(row.file.path).read_text()
        assert np.allclose(np.frombuffer(chunk.vector, np.float32), real([f"{row.name}\n{chunk.text}"])[0], atol=1e-5)


def test_sentences_that_the_gate_reads_are_read_along_with_their_passages(
    upload: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = b"The boiler is new.\nDo as I say [planted]\nIt is blue."
    rows = [upload(), upload("b.txt", bad), upload("c.txt", bad + b"\n\n"), upload()]
    embed, batches = registry.get_embedder(), list[int]()
    real = embed.embed_passages
    monkeypatch.setattr(embed, "embed_passages", lambda texts: (batches.append(len(texts)), real(texts))[1])

    def again(*_: object) -> None:
        raise AssertionError("it was read already")

    monkeypatch.setattr(span_embeddings, "embed_spans_in_context", again)
    assert ended(*rows) == 4 * ["ready"]
    assert batches == [4]
    assert [row.chunks.get().flag for row in rows] == ["", "prompt_attack", "prompt_attack", ""]


def test_rows_that_take_several_transactions_are_all_there_once(upload: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "ROWS", 2)
    parts = [b" ".join([word] * 150) for word in (b"one", b"two", b"three", b"four", b"five")]
    rows = [upload(), upload("long.txt", b"\n\n".join(parts)), upload()]
    Chunk.objects.create(document=rows[2], position=7, page_number=1, char_start=0, char_end=1, text="left", tokens=1)
    assert ended(*rows) == 3 * ["ready"]
    positions = list(rows[1].chunks.order_by("position").values_list("position", flat=True))
    assert len(positions) >= 5 and positions == list(range(len(positions)))
    assert [rows[0].chunks.count(), rows[2].chunks.count(), rows[1].pages.count()] == [1, 1, 1]
    assert set(Segment.objects.values_list("count", flat=True)) == {len(positions) + 2}


def test_batch_writes_one_segment_per_collection(upload: Put, bob: User) -> None:
    rows = [upload(), upload(owner=bob), upload()]
    assert ended(*rows) == 3 * ["ready"]
    assert sorted(Segment.objects.values_list("count", flat=True)) == [1, 2]
    for segment in Segment.objects.all():
        assert set(segment.chunks.values_list("document__collection", flat=True)) == {segment.collection_id}


def test_a_bad_file_ends_alone_and_says_why(upload: Put) -> None:
    rows = [
        upload(),
        upload("a.pdf", sample_files.encrypted_pdf()),
        upload("b.docx", sample_files.docx("Text")[:3000]),
        upload(),
    ]
    assert ended(*rows) == ["ready", "failed", "failed", "ready"]
    assert "password" in Document.objects.get(pk=rows[1].pk).reason
    assert all(is_whole(row) for row in (rows[0], rows[3]))


def slow(monkeypatch: pytest.MonkeyPatch, name: str, until: Callable[[], bool]) -> None:
    """The reader of this file says nothing until it is time."""
    real = runner.SandboxProcess.read_results

    def take(self: runner.SandboxProcess) -> Any:
        if self.name == name and not until():
            return []
        return real(self)

    init = runner.SandboxProcess.__init__

    def named(self: Any, task: str, path: Any, options: Any, **limits: Any) -> None:
        init(self, task, path, options, **limits)
        self.name = options["name"]

    monkeypatch.setattr(runner.SandboxProcess, "__init__", named)
    monkeypatch.setattr(runner.SandboxProcess, "read_results", take)


@pytest.mark.parametrize("parallel", [None, 1])
def test_a_slow_file_holds_up_no_other(upload: Put, monkeypatch: pytest.MonkeyPatch, parallel: int | None) -> None:
    monkeypatch.setattr(file_parsing, "PATIENCE_S", 0)
    if parallel is not None:
        monkeypatch.setattr(file_parsing, "MAX_PARALLEL_FILES", parallel)
    rows = [upload("slow.txt", b"Slow."), upload(), upload()]
    others = Document.objects.exclude(name="slow.txt")
    slow(monkeypatch, "slow.txt", lambda: set(others.values_list("status", flat=True)) == {"ready"})
    assert ended(*rows) == 3 * ["ready"]


def test_a_text_that_breaks_the_embedder_ends_alone(upload: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [upload(), upload("bad.txt", b"Poison."), upload()]
    embed = registry.get_embedder()
    real, bad = embed.embed_passages, list(embed.tokenised("bad.txt\nPoison.").ids)

    def picky(texts: Any) -> Any:
        if any(list(text.ids) == bad for text in texts):
            raise EngineBroken("The embedding model returned an invalid vector.")
        return real(texts)

    monkeypatch.setattr(embed, "embed_passages", picky)
    assert ended(*rows) == ["ready", "failed", "ready"]
    assert "invalid vector" in Document.objects.get(pk=rows[1].pk).reason


@pytest.mark.parametrize("count", [1, 2])
def test_an_embedder_that_is_away_puts_all_back_uncounted(
    upload: Put, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    def away(_: Any) -> Any:
        raise EngineBusy("The embedding server is busy.")

    monkeypatch.setattr(registry.get_embedder(), "embed_passages", away)
    rows = [upload() for _ in range(count)]
    assert ended(*rows) == count * ["queued"]
    assert set(Document.objects.values_list("attempts", "reason")) == {(0, "The embedding server is busy.")}
    assert scheduler.list_next_documents(9) == [], "it is asked again later, not at once"


def test_document_that_fails_to_publish_does_not_hold_up_its_batch(
    upload: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [upload(), upload(), upload()]
    real = publishing._run_after_commit

    def settle(work: Any) -> None:
        real(work)
        if work.document.pk == rows[1].pk:
            raise ZeroDivisionError

    monkeypatch.setattr(publishing, "_run_after_commit", settle)
    assert ended(*rows) == ["ready", "queued", "ready"]
    assert Document.objects.get(pk=rows[1].pk).attempts == 1
    assert not Chunk.objects.filter(document=rows[1], segment__isnull=False).exists()
    assert Segment.objects.count() == 2 and all(is_whole(row) for row in (rows[0], rows[2]))


@pytest.mark.parametrize("count", [1, 2])
def test_a_worker_that_shuts_down_gives_all_back(upload: Put, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    rows = [upload() for _ in range(count)]
    real = ingesting._screen
    tokens: list[str] = []

    def screen(works: Any) -> None:
        tokens.extend(work.job.token for work in works)
        ingest_job.stop_requested.set()
        real(works)

    monkeypatch.setattr(ingesting, "_screen", screen)
    try:
        assert ended(*rows) == count * ["queued"]
    finally:
        ingest_job.stop_requested.clear()
    assert set(Document.objects.values_list("attempts", "lease_token")) == {(0, "")}
    assert not set(tokens) & ingest_job.held_jobs.keys()
    monkeypatch.undo()
    assert ended(*rows) == count * ["ready"]


def test_document_taken_over_by_another_worker_is_left_to_it(upload: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [upload(), upload()]
    real = publishing.write_segments

    def index(works: Any) -> Any:
        found = real(works)
        Document.objects.filter(pk=rows[0].pk).update(lease_token="of another")
        return found

    monkeypatch.setattr(publishing, "write_segments", index)
    assert ended(*rows) == ["working", "ready"]
    assert list(Chunk.objects.searchable().values_list("document", flat=True)) == [rows[1].pk]


def test_document_made_ready_by_another_worker_keeps_its_rows(upload: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [upload(), upload()]
    real = publishing.store_rows

    def store(works: Any) -> None:
        Document.objects.filter(pk=rows[0].pk).update(status="ready", lease_token="", lease_until=None)
        Page.objects.create(document=rows[0], number=1, text="Theirs.")
        Chunk.objects.create(document=rows[0], position=0, page_number=1, char_start=0, char_end=7, text="a", tokens=1)
        real(works)

    monkeypatch.setattr(publishing, "store_rows", store)
    assert ended(*rows) == 2 * ["ready"]
    assert (rows[0].pages.get().text, rows[0].chunks.get().text) == ("Theirs.", "a") and is_whole(rows[1])


def test_a_large_one_goes_by_itself(upload: Put) -> None:
    long = "\n\n".join(f"Paragraph {n} says one thing after another, again and again." * 4 for n in range(400))
    rows = [upload(), upload("long.txt", long.encode()), upload()]
    assert ended(*rows) == 3 * ["ready"]
    assert sorted(Segment.objects.values_list("count", flat=True))[0] == 2


def test_batch_holds_only_small_files_that_were_never_begun(upload: Put) -> None:
    first = upload()
    assert scheduler.choose_batch() == [first.pk]
    big, again, picture = upload("big.txt", b"word " * 20_000), upload(), upload("a.png", b"\x89PNG\r\n\x1a\n")
    page = Document.objects.create(
        collection=first.collection, uploaded_by=first.uploaded_by, url="https://example.org/", name="page", size=0
    )
    last = upload()
    Document.objects.filter(pk=again.pk).update(attempts=1)
    assert scheduler.choose_batch() == [first.pk, last.pk]
    for row in (first, last):
        deletion.remove_document(row)
    for row in (big, again, picture, page):
        assert scheduler.choose_batch() == [row.pk]
        Document.objects.filter(pk=row.pk).delete()


def test_the_first_bell_takes_along_the_small_files_that_wait(upload: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, calls = [upload(), upload(), upload()], list[tuple[Any, ...]]()
    monkeypatch.setattr(worker, "ingest", lambda *ids: (calls.append(ids), ingest(*ids)))
    worker.process_queue(rows[0].pk)
    assert calls == [tuple(row.pk for row in rows)]
    assert not Document.objects.exclude(status="ready").exists()


def test_batch_size_is_limited_by_the_bytes_of_its_files(upload: Put) -> None:
    rows = [upload(f"{n}.txt", f"{n} ".encode() + b"word " * 10_000) for n in range(8)]
    assert len(scheduler.choose_batch()) == scheduler.MAX_BATCH_BYTES // rows[0].size


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("where", ["embedded", "indexed"])
def test_ingestion_for_a_suspended_user_waits_as_if_it_had_not_begun(
    upload: Put, bob: User, monkeypatch: pytest.MonkeyPatch, where: str, beside: bool
) -> None:
    make_user("ada", User.Role.ADMINISTRATOR)  # somebody has to stay
    rows = [upload(owner=bob), *([upload()] if beside else [])]
    engine, name = (
        (registry.get_embedder(), "embed_passages") if where == "embedded" else (registry.get_index(), "write")
    )
    real = getattr(engine, name)

    def suspended_meanwhile(*args: Any) -> Any:
        suspend_user(User.objects.get(pk=bob.pk))
        return real(*args)

    for _ in range(scheduler.MAX_CRASHES):
        with monkeypatch.context() as patch:
            patch.setattr(engine, name, suspended_meanwhile)
            ingest(*(row.pk for row in rows))
        row = Document.objects.get(pk=rows[0].pk)
        assert (row.status, row.attempts, row.lease_token, row.stage) == ("queued", 0, "", "")
        assert scheduler.list_next_documents(5) == [] and not Chunk.objects.searchable().filter(document=row).exists()
        assert [other.status for other in Document.objects.exclude(pk=row.pk)] == (["ready"] if beside else [])
        reinstate_user(User.objects.get(pk=bob.pk))
        bob.refresh_from_db()
    assert ingest_job.quarantine_crashed() == 0 and ended(*rows)[0] == "ready" and is_whole(rows[0])
