"""The same content is read once for everybody who may read it, and again for everybody else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.documents.indexing.shadow_build import begin, run, swap
from apps.documents.ingestion import content_reuse, file_parsing
from apps.documents.ingestion.pipeline import ingest
from apps.documents.models import Chunk, Collection, Document, Membership, Page
from apps.documents.retrieval.search import search
from apps.documents.settings import CollectionSettings
from apps.engines import registry
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import ingest_file, make_collection, upload_file

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = b"# Ferries\n\nThe ferry leaves at nine.\n\n## Winter\n\nIn winter the ferry leaves at ten.\n"


class Done:
    """What was done for the documents since: files read, texts embedded."""

    def __init__(self) -> None:
        self.read = self.embedded = 0

    @property
    def both(self) -> tuple[int, int]:
        found = self.read, self.embedded
        self.forget()
        return found

    def forget(self) -> None:
        self.read = self.embedded = 0


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Done:
    made, own, embed = Done(), file_parsing.runner.SandboxProcess, registry.get_embedder()
    passages = embed.embed_passages

    def reading(*args: Any, **limits: Any) -> Any:
        made.read += 1
        return own(*args, **limits)

    def embedded(texts: Any) -> Any:
        made.embedded += len(texts)
        return passages(texts)

    monkeypatch.setattr(file_parsing.runner, "SandboxProcess", reading)
    monkeypatch.setattr(embed, "embed_passages", embedded)
    return made


def upload(collection: Collection, name: str = "ferries.md", content: bytes = TEXT) -> Document:
    document = ingest_file(collection, name, content)
    assert document.status == "ready", document.reason
    return document


def held(document: Document) -> tuple[list[Any], list[Any]]:
    """Pages and chunks as rows, but for their keys."""
    pages = Page.objects.filter(document=document).order_by("number")
    chunks = Chunk.objects.filter(document=document).order_by("position")
    return (
        list(pages.values_list("number", "text", "block_spans", "boxes", "width", "height")),
        list(chunks.values_list("position", "page_number", "char_start", "char_end", "heading", "text", "tokens")),
    )


async def test_content_of_the_same_file_in_another_collection_is_reused(alice: User, done: Done) -> None:
    def both() -> tuple[Document, Document]:
        first = upload(make_collection(alice, "One"))
        assert done.both == (1, first.chunks.count())
        second = upload(make_collection(alice, "Two"))
        assert done.both == (0, 0)
        return first, second

    first, second = await in_db(both)
    assert await in_db(held, first) == await in_db(held, second)
    vectors = [
        np.frombuffer(bytes(v), np.float32) async for v in Chunk.objects.order_by("pk").values_list("vector", flat=True)
    ]
    assert np.array_equal(np.stack(vectors[: len(vectors) // 2]), np.stack(vectors[len(vectors) // 2 :]))
    assert (second.title, second.language, second.pages_count) == (first.title, first.language, first.pages_count)
    found = await search(alice, "When does the ferry leave?", collections=[second.collection_id])
    assert {passage.document_id for passage in found.passages} == {second.pk}


def test_content_of_an_unreadable_collection_is_not_reused(alice: User, bob: User, done: Done) -> None:
    theirs = upload(make_collection(alice, "Private"))
    assert done.both[0] == 1
    own = upload(make_collection(bob, "Own"))
    assert done.both == (1, own.chunks.count()), "it takes as long as if it were nowhere"

    Membership.objects.create(collection=theirs.collection, user=bob)
    upload(make_collection(bob, "After it was shared"))
    assert done.both == (0, 0)


def test_a_document_that_nobody_uploaded_is_read(alice: User, done: Done) -> None:
    upload(make_collection(alice, "One"))
    done.forget()
    document = upload_file(make_collection(alice, "Two"), "ferries.md", TEXT)
    Document.objects.filter(pk=document.pk).update(uploaded_by=None)
    ingest(document.pk)
    assert done.both[0] == 1


def test_renamed_copy_reuses_only_the_pages(alice: User, done: Done) -> None:
    content = b"The ferry leaves at nine."
    first = upload(make_collection(alice, "One"), "ferries.txt", content)
    done.forget()
    second = upload(make_collection(alice, "Two"), "timetable.txt", content)
    assert done.both == (0, 1), "its name is part of what is embedded"
    assert held(first)[0] == held(second)[0] and str(second) == "timetable.txt"
    upload(make_collection(alice, "Three"), "ferries.md", content)
    assert done.both[0] == 1, "another ending may be another format"


def test_passages_of_another_size_are_cut_anew(alice: User, done: Done) -> None:
    upload(make_collection(alice, "One"))
    done.forget()
    other = make_collection(alice, "Two")
    Collection.objects.filter(pk=other.pk).update(search_settings=CollectionSettings(chunk_tokens=60).stored)
    document = upload(other)
    assert done.both == (0, document.chunks.count())


def test_title_and_passage_switches_are_not_reused_with_the_content(alice: User, done: Done) -> None:
    first = upload(make_collection(alice, "One"))
    Document.objects.filter(pk=first.pk).update(title="My ferries")
    Chunk.objects.filter(document=first).update(enabled=False, keywords="secret words")
    second = upload(make_collection(alice, "Two"))
    assert second.title == "Ferries"
    assert set(second.chunks.values_list("enabled", "keywords")) == {(True, "")}


def test_a_reader_that_changed_reads_again(
    alice: User, done: Done, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    upload(make_collection(alice, "One"))
    done.forget()
    settings.OCR_PAGES += 1
    upload(make_collection(alice, "Two"))
    assert done.both[0] == 1
    monkeypatch.setattr(content_reuse, "_fingerprint_code", lambda: "another version")
    upload(make_collection(alice, "Three"))
    assert done.both[0] == 1
    upload(make_collection(alice, "Four"))
    assert done.both == (0, 0)


def test_a_collection_that_was_cut_otherwise_serves_with_its_pages_alone(alice: User, done: Done) -> None:
    first = upload(make_collection(alice, "One"))
    build = begin(first.collection, CollectionSettings(chunk_tokens=60), alice)
    run(build.pk)
    assert swap(build)
    done.forget()
    second = upload(make_collection(alice, "Two"))
    assert done.both == (0, second.chunks.count())


@pytest.mark.parametrize("gone", [Page, Chunk])
def test_incomplete_document_is_not_reused(alice: User, done: Done, gone: Any) -> None:
    first = upload(make_collection(alice, "One"))
    gone.objects.filter(document=first).first().delete()
    done.forget()
    second = upload(make_collection(alice, "Two"))
    assert done.both == (int(gone is Page), second.chunks.count())


def test_document_changed_during_the_lookup_is_not_reused(
    alice: User, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(make_collection(alice, "One"))
    done.forget()
    monkeypatch.setattr(content_reuse, "_is_unchanged", lambda known: False)
    upload(make_collection(alice, "Two"))
    assert done.both[0] == 1
