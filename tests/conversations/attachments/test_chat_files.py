"""Files attached to a chat: searched for its questions only, first of all, and deleted with it."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.conversations.attachments import chat_files
from apps.conversations.errors import RequestRefused
from apps.conversations.history.conversation_actions import delete_conversations, delete_permanently, undelete_batch
from apps.conversations.models import Conversation, Message, Source
from apps.documents.indexing import chunk_reindexing
from apps.documents.ingestion.pipeline import ingest
from apps.documents.library.uploads import UploadRefused
from apps.documents.models import Collection, Document, PendingMembership
from apps.lib.concurrency.threads import in_db
from apps.users.api_tokens import create_token
from apps.users.models import ApiToken, User
from tests.factories import make_client, make_collection

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = b"The lease of the boathouse ends on 30 June 2031. The rent of the boathouse is 700 euros a month."
QUESTION = "When does the lease of the boathouse end?"


def send(user: User, content: bytes = LEASE, name: str = "lease.txt", **where: Any) -> Any:
    return make_client(user).post("/files/", {"files": SimpleUploadedFile(name, content), **where})


def draft(user: User, content: bytes = LEASE, name: str = "lease.txt", *, ready: bool = True) -> Collection:
    """Attach a file to a new chat."""
    before = set(Collection.all_objects.values_list("pk", flat=True))
    response = send(user, content, name)
    assert response.status_code == 200, response.content
    files = Collection.all_objects.exclude(pk__in=before).get()
    if ready:
        ingest(Document.objects.get(collection=files).pk)
    return files


def cited(answer: Message) -> set[str]:
    """Return the names of the documents whose passages the answer was given."""
    rows = Source.objects.filter(retrievals__answer=answer, document__isnull=False)
    return set(rows.values_list("document__name", flat=True))


async def test_a_file_is_asked_about_in_a_new_chat_and_found_in_no_other(open_page, alice, library, chat) -> None:
    files = await in_db(draft, alice)
    page = await open_page(alice)
    answer = await page.get_answer(QUESTION, files=str(files.pk))
    assert await in_db(cited, answer) == {"lease.txt"}
    assert answer.conversation.files_id == files.pk
    again = await page.get_answer("And how much is the rent?", conversation=str(answer.conversation_id))
    assert await in_db(cited, again) == {"lease.txt"}
    other = await page.get_answer(QUESTION)
    assert await in_db(cited, other) <= {"Lighthouses.md", "Bees.md"}


async def test_file_of_a_chat_is_searched_first_and_with_the_chosen_collections(
    open_page, alice, library, chat
) -> None:
    files = await in_db(draft, alice)
    page = await open_page(alice)
    answer = await page.get_answer("How high was the lighthouse of Alexandria?", files=str(files.pk))
    assert "Lighthouses.md" in await in_db(cited, answer)  # the file does not say
    both = await page.get_answer(
        "How long does the queen bee live, and when does the lease of the boathouse end?",
        conversation=str(answer.conversation_id), collections=[str(library.pk)],
    )  # fmt: skip
    assert {"Bees.md", "lease.txt"} <= await in_db(cited, both)


async def test_a_question_asked_at_once_waits_for_the_file(open_page, alice, library, chat) -> None:
    files = await in_db(draft, alice, ready=False)
    page = await open_page(alice)
    accepted = await page.ask(QUESTION, files=str(files.pk))
    step = await page.hear("step")
    assert (step["name"], step["text"]) == ("wait", "lease.txt: Waiting")
    await in_db(ingest, (await Document.objects.aget(collection=files)).pk)
    await page.events()
    assert await in_db(cited, await Message.objects.aget(pk=accepted["turn"])) == {"lease.txt"}


async def test_the_answer_that_waits_for_a_file_shows_the_progress_of_its_reading(
    open_page, alice, library, chat
) -> None:
    files = await in_db(draft, alice, ready=False)
    page = await open_page(alice)
    accepted = await page.ask(QUESTION, files=str(files.pk))
    await page.hear("step")
    rows = Document.objects.filter(collection=files)
    for done, words in ((12, "Reading lease.txt: 12 of 40 pages"), (13, "Reading lease.txt: 13 of 40 pages")):
        await rows.aupdate(status=Document.Status.WORKING, stage=Document.Stage.PARSE, done=done, total=40)
        assert (await page.hear("step"))["text"] == words
    await page.tell(do="answer_now", turn=accepted["turn"])
    await asyncio.wait_for(page.events(), 20)


def test_the_words_on_reading_count_the_other_files_and_are_empty_once_all_are_read(alice: User) -> None:
    files = draft(alice, ready=False)
    send(alice, b"North is up.", "map.txt", draft=str(files.pk))
    assert chat_files.describe_reading(files.pk) == "lease.txt: Waiting · 1 more file"
    second = Document.objects.get(name="map.txt")
    second.status = Document.Status.WORKING
    second.save()
    assert chat_files.describe_reading(files.pk) == "Reading map.txt · 1 more file"
    Document.objects.filter(collection=files).update(status=Document.Status.READY)
    assert chat_files.describe_reading(files.pk) == ""


async def test_the_wait_ends_when_the_user_wants_an_answer_now(open_page, alice, library, chat) -> None:
    files = await in_db(draft, alice, ready=False)
    page = await open_page(alice)
    accepted = await page.ask(QUESTION, files=str(files.pk))
    await page.hear("step")
    await page.tell(do="answer_now", turn=accepted["turn"])
    await asyncio.wait_for(page.events(), 20)
    assert "lease.txt" not in await in_db(cited, await Message.objects.aget(pk=accepted["turn"]))


async def test_a_summary_is_of_the_attached_file(open_page, alice, library, chat) -> None:
    files = await in_db(draft, alice, b"# Lease\n\n" + LEASE, "lease.md")
    answer = await (await open_page(alice)).get_answer("Summarise this document", files=str(files.pk))
    assert await in_db(cited, answer) == {"lease.md"}


async def test_files_of_another_chat_or_user_are_refused(open_page, alice, bob, library, chat) -> None:
    files, foreign = await in_db(draft, alice), await in_db(draft, bob)
    page = await open_page(alice)
    await page.get_answer(QUESTION, files=str(files.pk))
    for pk in (files.pk, foreign.pk, library.pk):
        said = await page.ask(QUESTION, files=str(pk))
        assert said["type"] == "refused" and "no longer available" in said["text"]
        said = await page.ask(QUESTION, collections=[str(pk)]) if pk != library.pk else said
        assert said["type"] == "refused"


async def test_temporary_chats_take_no_files(open_page, alice, library, chat) -> None:
    files = await in_db(draft, alice)
    said = await (await open_page(alice)).ask(QUESTION, files=str(files.pk), temporary=True)
    assert said["type"] == "refused" and "temporary chats cannot have any" in said["text"]


def test_files_are_refused_as_in_collections(alice: User, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1024**2
    for name, content, words in (
        ("run.exe", b"MZ", "cannot be read"), ("empty.txt", b"", "This file is empty"),
        ("big.txt", bytes(1024**2 + 1), "larger than the limit of 1 MB"),
    ):  # fmt: skip
        response = send(alice, content, name)
        assert response.status_code == 400 and words in response.content.decode(), response.content
    assert not Collection.all_objects.exists()
    assert send(alice, b"x", "a.txt").status_code == 200
    files = Collection.all_objects.get()
    same = send(alice, b"x", "b.txt", draft=files.pk)
    assert same.status_code == 400 and "Already in Files of a chat as a.txt." in same.content.decode()


def test_a_chat_has_a_limited_number_of_files(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_files, "MAX_FILES", 1)
    files = draft(alice, ready=False)
    more = send(alice, b"more", "more.txt", draft=files.pk)
    assert more.status_code == 400 and "Remove one" in more.content.decode()


def test_uploads_at_one_moment_keep_the_limit_of_a_chat(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_files, "MAX_FILES", 2)
    files = draft(alice, ready=False)

    def upload_meanwhile(*_: object) -> str:
        monkeypatch.setattr("apps.safety.detectors.malware.scan_file", lambda *_: "")
        assert send(alice, b"second", "second.txt", draft=files.pk).status_code == 200
        return ""

    monkeypatch.setattr("apps.safety.detectors.malware.scan_file", upload_meanwhile)
    third = send(alice, b"third", "third.txt", draft=files.pk)
    assert third.status_code == 400 and "Remove one" in third.content.decode()
    assert files.documents.count() == 2


def test_draft_deleted_during_its_upload_is_refused_in_words(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def delete_draft(*_: object) -> str:
        Collection.all_objects.filter(of_chat=True).delete()
        return ""

    monkeypatch.setattr("apps.safety.detectors.malware.scan_file", delete_draft)
    response = send(alice)
    assert response.status_code == 400 and "no longer available" in response.content.decode()


def test_files_join_the_chat_that_is_named_and_no_other(alice: User, bob: User) -> None:
    chat = Conversation.objects.create(owner=alice)
    files = draft(alice, ready=False)
    assert send(alice, b"one", "one.txt", conversation=chat.pk, draft=files.pk).status_code == 200
    chat.refresh_from_db()
    assert chat.files is not None and chat.files.documents.get().name == "one.txt"
    assert send(alice, b"two", "two.txt", draft=chat.files.pk).status_code == 200  # of a chat that was begun: a new one
    assert chat.files.documents.count() == 1
    assert send(bob, b"three", "three.txt", conversation=chat.pk).status_code == 400
    assert make_client(alice).get(f"/files/?of={files.pk}&draft").status_code == 200
    assert make_client(alice).get(f"/files/?of={chat.files.pk}&draft").status_code == 404
    assert make_client(bob).get(f"/files/?of={files.pk}").status_code == 404


def test_the_page_of_the_chat_shows_its_files_and_nobody_else_opens_them(alice: User, bob: User) -> None:
    chat = Conversation.objects.create(owner=alice, files=draft(alice))
    document = Document.objects.get()
    page = make_client(alice).get(f"/c/{chat.pk}/").content.decode()
    assert "lease.txt" in page and "Other chats cannot see these files." in page
    assert make_client(alice).get(f"/documents/{document.pk}/").status_code == 200
    assert make_client(alice).get(f"/collections/{chat.files_id}/")["Location"] == f"/c/{chat.pk}/"
    assert make_client(bob).get(f"/documents/{document.pk}/").status_code == 404
    assert make_client(bob).get(f"/collections/{chat.files_id}/").status_code == 404


def test_a_search_of_a_program_finds_them_in_no_way(alice: User, library: Collection) -> None:
    files = draft(alice)
    token = create_token(alice, "test", [scope.value for scope in ApiToken.Scope], 30)
    told = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    for wish, status in (({}, 200), ({"collections": [str(files.pk)]}, 404)):
        said = Client().post("/api/search", {"question": QUESTION, **wish}, "application/json", **told)
        assert said.status_code == status and b"lease.txt" not in said.content, said.content


def test_removing_deletes_the_file(alice: User) -> None:
    draft(alice)
    document = Document.objects.get()
    path = Path(document.file.path)
    assert path.exists()
    assert "lease.txt" not in make_client(alice).post(f"/files/{document.pk}/remove/").content.decode()
    assert not path.exists() and not Document.all_objects.exists()


def test_a_file_that_could_not_be_read_comes_first_with_its_reason(alice: User) -> None:
    files = draft(alice)
    send(alice, b"Other words.", "broken.txt", draft=files.pk)
    Document.objects.filter(name="broken.txt").update(status="failed", reason="This file is damaged.")
    names = [row.document.name for row in chat_files.build_chip_context(files)["file_rows"]]
    assert names == ["broken.txt", "lease.txt"]
    assert "This file is damaged." in make_client(alice).get(f"/files/?of={files.pk}").content.decode()


def test_a_file_that_waits_says_so(alice: User) -> None:
    files = draft(alice, ready=False)
    assert ">Waiting<" in make_client(alice).get(f"/files/?of={files.pk}").content.decode()


def test_files_of_a_chat_are_deleted_with_their_chat(alice: User) -> None:
    chat = Conversation.objects.create(owner=alice, files=draft(alice))
    document = Document.objects.get()
    path = Path(document.file.path)
    at, _ = delete_conversations(alice, [chat.pk])
    assert make_client(alice).get(f"/documents/{document.pk}/").status_code == 404
    assert make_client(alice).get(f"/files/?of={chat.files_id}").status_code == 404
    undelete_batch(alice, at)
    assert make_client(alice).get(f"/documents/{document.pk}/").status_code == 200
    delete_permanently([chat.pk])
    assert not path.exists() and not Collection.all_objects.exists() and not Document.all_objects.exists()


def test_drafts_that_nobody_asked_about_go_after_a_week(alice: User) -> None:
    old, new, kept = draft(alice), draft(alice, b"other"), draft(alice, b"third")
    Conversation.objects.create(owner=alice, files=kept)
    weeks = timezone.now() - timedelta(days=8)
    Collection.all_objects.filter(pk__in=[old.pk, kept.pk]).update(created=weeks)
    Document.all_objects.filter(collection__in=[old.pk, kept.pk]).update(created=weeks)
    assert chat_files.delete_forgotten_drafts() == 1
    assert set(Collection.all_objects.all()) == {new, kept}


async def test_a_moved_file_is_found_everywhere_and_in_its_chat(open_page, alice, bob, library, chat) -> None:
    page = await open_page(alice)
    answer = await page.get_answer(QUESTION, files=str((await in_db(draft, alice)).pk))
    collection = await in_db(make_collection, alice, "Contracts")

    def move() -> None:
        document = Document.objects.get(name="lease.txt")
        foreign = make_collection(bob, "Foreign")
        assert "Contracts" in make_client(alice).get(f"/files/{document.pk}/move/").content.decode()
        assert make_client(alice).post(f"/files/{document.pk}/move/", {"collection": foreign.pk}).status_code == 400
        said = make_client(alice).post(f"/files/{document.pk}/move/", {"collection": collection.pk}).content.decode()
        assert "is now in" in said and "data-file=" not in said
        assert chunk_reindexing.reindex_chunks(collection.pk) > 0
        document.refresh_from_db()
        assert document.collection_id == collection.pk

    await in_db(move)
    assert await in_db(cited, answer) == {"lease.txt"}
    for chat_fields in ({}, {"conversation": str(answer.conversation_id)}):
        assert "lease.txt" in await in_db(cited, await page.get_answer(QUESTION, **chat_fields))


def test_a_file_that_is_being_read_or_is_there_already_is_not_moved(alice: User) -> None:
    draft(alice, ready=False)
    document, collection = Document.objects.get(), make_collection(alice)
    with pytest.raises(UploadRefused, match="still being read"):
        chat_files.move_to_collection(alice, document, collection)
    ingest(document.pk)
    other = Document.objects.create(
        collection=collection, name="same.txt", sha256=document.sha256, size=1, status="ready"
    )
    response = make_client(alice).post(f"/files/{document.pk}/move/", {"collection": collection.pk})
    assert response.status_code == 400 and str(other) in response.content.decode()


def list_targets(user: User, document: Document) -> list[str]:
    """Return the collections that the dialog offers; the one that is chosen has an asterisk."""
    page = make_client(user).get(f"/files/{document.pk}/move/").content.decode()
    options = re.findall(r"<option value=\"[^\"]*\"( selected)?>([^<]*)</option>", page)
    return [words + "*" * bool(chosen) for chosen, words in options]


def test_shared_collections_are_not_the_default_target_of_a_chat_file(alice: User, bob: User) -> None:
    draft(alice)
    document = Document.objects.get()
    energy = make_collection(bob, "Energy")
    energy.members.add(alice, through_defaults={"role": "editor"})
    Collection.objects.create(owner=alice, name="Atlas", everyone=True)
    PendingMembership.objects.create(collection=make_collection(alice, "Crew"), email="dana@example.org")
    shared = ["Atlas (shared with everyone)", "Crew (shared)", "Energy (by Bob, shared)"]
    assert list_targets(alice, document) == ["New collection*", *shared]
    make_collection(alice, "Zoo")
    assert list_targets(alice, document) == ["Zoo*", "New collection", *shared]


def test_a_file_is_moved_to_a_new_collection(alice: User) -> None:
    draft(alice)
    document = Document.objects.get()
    make_collection(alice, "Leases")
    path = f"/files/{document.pk}/move/"
    assert 'value="lease.txt"' in make_client(alice).get(path).content.decode()
    taken = make_client(alice).post(path, {"collection": "new", "name": "leases"})
    assert taken.status_code == 400 and "already exists" in taken.content.decode()
    make_client(alice).post(path, {"collection": "new", "name": "Boathouse"})
    document.refresh_from_db()
    assert (document.collection.name, document.collection.owner) == ("Boathouse", alice)


def test_a_file_that_cannot_be_moved_leaves_no_new_collection(alice: User) -> None:
    draft(alice, ready=False)
    response = make_client(alice).post(f"/files/{Document.objects.get().pk}/move/", {"collection": "new"})
    assert response.status_code == 400 and not Collection.objects.exists()


def test_a_draft_is_only_taken_once(alice: User) -> None:
    files = draft(alice, ready=False)
    assert chat_files.get_draft(alice, files.pk) == files and chat_files.get_draft(alice, None) is None
    Conversation.objects.create(owner=alice, files=files)
    with pytest.raises(RequestRefused):
        chat_files.get_draft(alice, files.pk)
