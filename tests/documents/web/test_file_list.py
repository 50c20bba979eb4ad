"""Uploads and the tray: one row a file, refusals with their reason, verbs, and nobody else's files."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from apps.documents.models import Collection, Document, Membership, RefusedUpload, Role
from apps.users.models import User
from tests.factories import make_collection
from tests.support.pages import strip_layout

S = Document.Status


@pytest.fixture
def shelf(alice: User) -> Collection:
    return make_collection(alice, "Shelf")


@pytest.fixture
def owner(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


def a_file(name: str = "a.txt", content: bytes = b"Some words.") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def send(client: Client, shelf: Collection, *files: SimpleUploadedFile, **more: Any):
    return client.post(f"/collections/{shelf.pk}/upload/", {"files": list(files)}, **more)


def tray(client: Client, shelf: Collection, query: str = "") -> str:
    return client.get(f"/collections/{shelf.pk}/tray/{query}").content.decode()


def row(shelf: Collection, name: str = "a.txt", **fields: Any) -> Document:
    values = {"name": name, "file": "documents/none", "sha256": "0" * 64, "size": 1, "kind": "text", **fields}
    return Document.objects.create(collection=shelf, **values)


def test_several_files_at_once_without_a_script(owner: Client, shelf: Collection) -> None:
    response = send(owner, shelf, a_file("a.txt", b"one"), a_file("b.md", b"two"), a_file("c.csv", b"x,y\n1,2"))
    assert response["Location"] == f"/collections/{shelf.pk}/"
    assert sorted(shelf.documents.values_list("name", flat=True)) == ["a.txt", "b.md", "c.csv"]
    assert set(shelf.documents.values_list("status", flat=True)) == {S.QUEUED}


def test_one_refused_file_does_not_stop_the_others(owner: Client, shelf: Collection) -> None:
    send(owner, shelf, a_file("bad.exe"), a_file("empty.txt", b""), a_file("good.txt"))
    assert [document.name for document in shelf.documents.all()] == ["good.txt"]
    page = tray(owner, shelf)
    assert "bad.exe" in page and "cannot be read" in page
    assert "empty.txt" in page and "This file is empty" in page


def test_reasons_survive_a_reload_and_are_only_for_who_uploaded(owner: Client, shelf: Collection, bob: User) -> None:
    Membership.objects.create(collection=shelf, user=bob, role=Role.EDITOR)
    send(owner, shelf, a_file("bad.exe"))
    assert "bad.exe" in tray(owner, shelf)
    theirs = Client()
    theirs.force_login(bob)
    assert "bad.exe" not in tray(theirs, shelf)
    theirs.post(f"/collections/{shelf.pk}/dismiss/", {"refused": RefusedUpload.objects.get().pk})
    assert "bad.exe" in tray(owner, shelf)
    owner.post(f"/collections/{shelf.pk}/dismiss/", {"refused": RefusedUpload.objects.get().pk})
    assert "bad.exe" not in tray(owner, shelf)


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30, "1.5"])
def test_an_unclear_dismissal_is_no_error(owner: Client, shelf: Collection, value: str) -> None:
    send(owner, shelf, a_file("bad.exe"))
    assert owner.post(f"/collections/{shelf.pk}/dismiss/", {"refused": value}).status_code == 302


def test_a_script_hears_what_was_refused(owner: Client, shelf: Collection) -> None:
    taken = send(owner, shelf, a_file(), headers={"accept": "application/json"})
    refused = send(owner, shelf, a_file("bad.exe"), headers={"accept": "application/json"})
    assert (taken.status_code, taken.json()) == (201, {"refused": []})
    assert refused.status_code == 200
    assert "cannot be read" in refused.json()["refused"][0]


@override_settings(MAX_UPLOAD_BYTES=1024)
def test_a_file_that_is_too_large_is_only_announced(owner: Client, shelf: Collection) -> None:
    owner.post(f"/collections/{shelf.pk}/upload/", {"announced": "big.pdf", "size": "2048"})
    page = tray(owner, shelf)
    assert "big.pdf" in page and "larger than" in page
    assert not shelf.documents.exists()


@pytest.mark.parametrize("size", ["5", "-1", "x", "1e9", "9" * 40])
def test_an_announced_file_is_never_taken(owner: Client, shelf: Collection, size: str) -> None:
    owner.post(f"/collections/{shelf.pk}/upload/", {"announced": "a.txt", "size": size})
    assert not shelf.documents.exists()


def test_sending_nothing_says_so(owner: Client, shelf: Collection) -> None:
    page = owner.post(f"/collections/{shelf.pk}/upload/", follow=True).content.decode()
    assert "No file selected" in page


def test_names_are_shown_as_text_and_never_used_as_paths(owner: Client, shelf: Collection) -> None:
    send(
        owner,
        shelf,
        a_file("../../etc/<img src=x onerror=alert(1)>.txt", b"one"),
        a_file("..\\..\\x{{7*7}}.txt", b"two"),
    )
    page = tray(owner, shelf)
    assert "<img src=x" not in page and "&lt;img src=x" in page and "x{{7*7}}.txt" in page
    assert all(
        str(document.file).startswith("documents/") and ".." not in str(document.file)
        for document in shelf.documents.all()
    )


def test_a_reader_cannot_upload(shelf: Collection, bob: User) -> None:
    Membership.objects.create(collection=shelf, user=bob)
    theirs = Client()
    theirs.force_login(bob)
    assert send(theirs, shelf, a_file()).status_code == 404
    assert not shelf.documents.exists()


def test_stages_pages_and_reasons_are_in_words(owner: Client, shelf: Collection) -> None:
    row(shelf, "wait.txt")
    row(shelf, "read.pdf", status=S.WORKING, stage="parse", done=12, total=40, kind="pdf")
    row(shelf, "mean.pdf", status=S.WORKING, stage="embed", done=3, total=90, kind="pdf")
    row(shelf, "scan.pdf", status=S.WORKING, stage="scan", done=0, total=3, kind="pdf")
    row(shelf, "bad.pdf", status=S.FAILED, reason="This PDF is protected by a password.", kind="pdf")
    row(shelf, "crash.pdf", status=S.QUARANTINED, reason="It was set aside.", kind="pdf")
    row(shelf, "no.txt", status=S.CANCELLED)
    row(shelf, "yes.txt", status=S.READY, title="A <b>title</b>")
    page = strip_layout(tray(owner, shelf))
    for words in (
        "Waiting", "Reading pages", "12 of 40 pages", 'max="40" value="12"', "Embedding",
        "3 of 90 passages", "protected by a password", "set aside", "Cancelled", "A &lt;b&gt;title&lt;/b&gt;",
        "Recognising text", "0 of 3 pages", "1 of 8 ready", "2 failed", "1 cancelled", "Retry failed",
    ):  # fmt: skip
        assert words in page, words


def test_the_tray_asks_again_only_while_something_moves(owner: Client, shelf: Collection) -> None:
    moving = row(shelf)
    assert "every 1s" in tray(owner, shelf)
    Document.objects.filter(pk=moving.pk).update(status=S.READY)
    assert "every 1s" not in tray(owner, shelf)


def test_a_tray_in_which_nothing_moved_is_not_sent_again(owner: Client, shelf: Collection) -> None:
    moving = row(shelf, status=S.WORKING, stage="parse", done=1, total=9)
    (again,) = re.findall(r'hx-get="([^"]+)"', tray(owner, shelf))
    address = html.unescape(again)
    assert owner.get(address).status_code == 204
    Document.objects.filter(pk=moving.pk).update(done=2)
    assert "2 of 9 pages" in owner.get(address).content.decode()


def test_cancel_retry_and_delete(owner: Client, shelf: Collection) -> None:
    document = row(shelf)
    owner.post(f"/documents/{document.pk}/cancel/")
    assert "Cancelled" in tray(owner, shelf)
    owner.post(f"/documents/{document.pk}/retry/")
    document.refresh_from_db()
    assert document.status == S.QUEUED
    assert "can no longer be found" in owner.get(f"/documents/{document.pk}/delete/").content.decode()
    assert Document.objects.exists()
    owner.post(f"/documents/{document.pk}/delete/")
    assert not Document.objects.exists()


def test_retry_failed_retries_what_failed_and_nothing_else(owner: Client, shelf: Collection) -> None:
    failed, apart = row(shelf, status=S.FAILED, reason="x"), row(shelf, status=S.QUARANTINED, reason="x")
    cancelled, ready = row(shelf, status=S.CANCELLED), row(shelf, status=S.READY)
    owner.post(f"/collections/{shelf.pk}/retry/")
    found = dict(Document.objects.values_list("pk", "status"))
    assert [found[item.pk] for item in (failed, apart, cancelled, ready)] == [S.QUEUED, S.QUEUED, S.CANCELLED, S.READY]


def test_a_verb_asked_for_as_fragment_answers_with_the_tray(owner: Client, shelf: Collection) -> None:
    document = row(shelf)
    response = owner.post(f"/documents/{document.pk}/cancel/", headers={"hx-request": "true"})
    assert response.status_code == 200
    assert strip_layout(response.content.decode()).startswith('<section id="tray"')


def test_renaming_changes_the_title_only(owner: Client, shelf: Collection) -> None:
    document = row(shelf, "a.txt", status=S.READY)
    owner.post(f"/documents/{document.pk}/rename/", {"title": "New title", "status": "failed", "collection": "x"})
    document.refresh_from_db()
    assert (str(document), document.name, document.status) == ("New title", "a.txt", S.READY)


@pytest.mark.parametrize("title", ["x" * 256, "nul\0byte"])
def test_a_bad_title_is_told(owner: Client, shelf: Collection, title: str) -> None:
    document = row(shelf)
    assert owner.post(f"/documents/{document.pk}/rename/", {"title": title}).status_code == 400


@pytest.mark.parametrize("query", ["?page=99999", "?page=x", "?show=nonsense", "?show=failed&page=-1", "?page=%00"])
def test_an_odd_address_shows_the_nearest(owner: Client, shelf: Collection, query: str) -> None:
    row(shelf)
    assert owner.get(f"/collections/{shelf.pk}/tray/{query}").status_code == 200


def test_long_lists_have_pages_and_filters(owner: Client, shelf: Collection) -> None:
    for number in range(60):
        row(shelf, f"f{number}.txt", status=S.READY if number else S.FAILED, reason="" if number else "why")
    assert tray(owner, shelf).count('id="file-') == 50
    assert tray(owner, shelf, "?page=2").count('id="file-') == 10
    failed = tray(owner, shelf, "?show=failed")
    assert failed.count('id="file-') == 1 and "why" in failed


def test_the_tray_asks_few_questions(owner: Client, shelf: Collection, django_assert_max_num_queries) -> None:
    states = [S.WORKING, S.READY, S.FAILED, S.QUEUED]
    values = {"file": "documents/none", "sha256": "0" * 64, "size": 1, "kind": "text", "collection": shelf}
    Document.objects.bulk_create(Document(name=f"f{n}.txt", status=states[n % 4], **values) for n in range(1000))
    with django_assert_max_num_queries(9):
        tray(owner, shelf)


def test_the_page_works_without_a_script(owner: Client, shelf: Collection) -> None:
    page = owner.get(f"/collections/{shelf.pk}/").content.decode()
    assert 'enctype="multipart/form-data"' in page and 'name="files" multiple' in page
    assert 'accept=".pdf,.docx' in page
