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
from tests.factories import make_client
from tests.support.pages import strip_layout

S = Document.Status


def make_file(name: str = "a.txt", content: bytes = b"Some words.") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def upload(client: Client, collection: Collection, *files: SimpleUploadedFile, **more: Any):
    return client.post(f"/collections/{collection.pk}/upload/", {"files": list(files)}, **more)


def get_file_list(client: Client, collection: Collection, query: str = "") -> str:
    return client.get(f"/collections/{collection.pk}/tray/{query}").content.decode()


def get_row(collection: Collection, name: str = "a.txt", **fields: Any) -> Document:
    values = {"name": name, "file": "documents/none", "sha256": "0" * 64, "size": 1, "kind": "text", **fields}
    return Document.objects.create(collection=collection, **values)


def test_upload_takes_several_files_without_a_script(alice_client: Client, collection: Collection) -> None:
    response = upload(
        alice_client, collection, make_file("a.txt", b"one"), make_file("b.md", b"two"), make_file("c.csv", b"x,y\n1,2")
    )
    assert response["Location"] == f"/collections/{collection.pk}/"
    assert sorted(collection.documents.values_list("name", flat=True)) == ["a.txt", "b.md", "c.csv"]
    assert set(collection.documents.values_list("status", flat=True)) == {S.QUEUED}


def test_refused_file_does_not_stop_the_others(alice_client: Client, collection: Collection) -> None:
    upload(alice_client, collection, make_file("bad.exe"), make_file("empty.txt", b""), make_file("good.txt"))
    assert [document.name for document in collection.documents.all()] == ["good.txt"]
    page = get_file_list(alice_client, collection)
    assert "bad.exe" in page and "cannot be read" in page
    assert "empty.txt" in page and "This file is empty" in page


def test_reasons_survive_a_reload_and_are_only_for_who_uploaded(
    alice_client: Client, collection: Collection, bob: User
) -> None:
    Membership.objects.create(collection=collection, user=bob, role=Role.EDITOR)
    upload(alice_client, collection, make_file("bad.exe"))
    assert "bad.exe" in get_file_list(alice_client, collection)
    theirs = make_client(bob)
    assert "bad.exe" not in get_file_list(theirs, collection)
    theirs.post(f"/collections/{collection.pk}/dismiss/", {"refused": RefusedUpload.objects.get().pk})
    assert "bad.exe" in get_file_list(alice_client, collection)
    alice_client.post(f"/collections/{collection.pk}/dismiss/", {"refused": RefusedUpload.objects.get().pk})
    assert "bad.exe" not in get_file_list(alice_client, collection)


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30, "1.5"])
def test_an_unclear_dismissal_is_no_error(alice_client: Client, collection: Collection, value: str) -> None:
    upload(alice_client, collection, make_file("bad.exe"))
    assert alice_client.post(f"/collections/{collection.pk}/dismiss/", {"refused": value}).status_code == 302


def test_a_script_hears_what_was_refused(alice_client: Client, collection: Collection) -> None:
    taken = upload(alice_client, collection, make_file(), headers={"accept": "application/json"})
    refused = upload(alice_client, collection, make_file("bad.exe"), headers={"accept": "application/json"})
    assert (taken.status_code, taken.json()) == (201, {"refused": []})
    assert refused.status_code == 200
    assert "cannot be read" in refused.json()["refused"][0]


@override_settings(MAX_UPLOAD_BYTES=1024)
def test_a_file_that_is_too_large_is_only_announced(alice_client: Client, collection: Collection) -> None:
    alice_client.post(f"/collections/{collection.pk}/upload/", {"announced": "big.pdf", "size": "2048"})
    page = get_file_list(alice_client, collection)
    assert "big.pdf" in page and "larger than" in page
    assert not collection.documents.exists()


@pytest.mark.parametrize("size", ["5", "-1", "x", "1e9", "9" * 40])
def test_an_announced_file_is_never_taken(alice_client: Client, collection: Collection, size: str) -> None:
    alice_client.post(f"/collections/{collection.pk}/upload/", {"announced": "a.txt", "size": size})
    assert not collection.documents.exists()


def test_sending_nothing_says_so(alice_client: Client, collection: Collection) -> None:
    page = alice_client.post(f"/collections/{collection.pk}/upload/", follow=True).content.decode()
    assert "No file selected" in page


def test_names_are_shown_as_text_and_never_used_as_paths(alice_client: Client, collection: Collection) -> None:
    upload(
        alice_client,
        collection,
        make_file("../../etc/<img src=x onerror=alert(1)>.txt", b"one"),
        make_file("..\\..\\x{{7*7}}.txt", b"two"),
    )
    page = get_file_list(alice_client, collection)
    assert "<img src=x" not in page and "&lt;img src=x" in page and "x{{7*7}}.txt" in page
    assert all(
        str(document.file).startswith("documents/") and ".." not in str(document.file)
        for document in collection.documents.all()
    )


def test_a_reader_cannot_upload(collection: Collection, bob: User) -> None:
    Membership.objects.create(collection=collection, user=bob)
    theirs = make_client(bob)
    assert upload(theirs, collection, make_file()).status_code == 404
    assert not collection.documents.exists()


def test_stages_pages_and_reasons_are_in_words(alice_client: Client, collection: Collection) -> None:
    get_row(collection, "wait.txt")
    get_row(collection, "read.pdf", status=S.WORKING, stage="parse", done=12, total=40, kind="pdf")
    get_row(collection, "mean.pdf", status=S.WORKING, stage="embed", done=3, total=90, kind="pdf")
    get_row(collection, "scan.pdf", status=S.WORKING, stage="scan", done=0, total=3, kind="pdf")
    get_row(collection, "bad.pdf", status=S.FAILED, reason="This PDF is protected by a password.", kind="pdf")
    get_row(collection, "crash.pdf", status=S.QUARANTINED, reason="It was set aside.", kind="pdf")
    get_row(collection, "no.txt", status=S.CANCELLED)
    get_row(collection, "yes.txt", status=S.READY, title="A <b>title</b>")
    page = strip_layout(get_file_list(alice_client, collection))
    for words in (
        "Waiting", "Reading pages", "12 of 40 pages", 'max="40" value="12"', "Embedding",
        "3 of 90 passages", "protected by a password", "set aside", "Cancelled", "A &lt;b&gt;title&lt;/b&gt;",
        "Recognising text", "0 of 3 pages", "1 of 8 ready", "2 failed", "1 cancelled", "Retry failed",
    ):  # fmt: skip
        assert words in page, words


def test_single_failed_file_is_retried_in_one_place(alice_client: Client, collection: Collection) -> None:
    get_row(collection, "bad.pdf", status=S.FAILED)
    page = strip_layout(get_file_list(alice_client, collection))
    assert "1 failed" in page and "Retry failed" not in page and page.count("/retry/") == 2  # with and without a script


def test_the_tray_asks_again_only_while_something_moves(alice_client: Client, collection: Collection) -> None:
    moving = get_row(collection)
    assert "every 1s" in get_file_list(alice_client, collection)
    Document.objects.filter(pk=moving.pk).update(status=S.READY)
    assert "every 1s" not in get_file_list(alice_client, collection)


def test_a_tray_in_which_nothing_moved_is_not_sent_again(alice_client: Client, collection: Collection) -> None:
    moving = get_row(collection, status=S.WORKING, stage="parse", done=1, total=9)
    (again,) = re.findall(r'hx-get="([^"]+)"', get_file_list(alice_client, collection))
    address = html.unescape(again)
    assert alice_client.get(address).status_code == 204
    Document.objects.filter(pk=moving.pk).update(done=2)
    assert "2 of 9 pages" in alice_client.get(address).content.decode()


def test_cancel_retry_and_delete(alice_client: Client, collection: Collection) -> None:
    document = get_row(collection)
    alice_client.post(f"/documents/{document.pk}/cancel/")
    assert "Cancelled" in get_file_list(alice_client, collection)
    alice_client.post(f"/documents/{document.pk}/retry/")
    document.refresh_from_db()
    assert document.status == S.QUEUED
    assert "can no longer be found" in alice_client.get(f"/documents/{document.pk}/delete/").content.decode()
    assert Document.objects.exists()
    alice_client.post(f"/documents/{document.pk}/delete/")
    assert not Document.objects.exists()


def test_retry_failed_retries_what_failed_and_nothing_else(alice_client: Client, collection: Collection) -> None:
    failed, apart = (
        get_row(collection, status=S.FAILED, reason="x"),
        get_row(collection, status=S.QUARANTINED, reason="x"),
    )
    cancelled, ready = get_row(collection, status=S.CANCELLED), get_row(collection, status=S.READY)
    alice_client.post(f"/collections/{collection.pk}/retry/")
    found = dict(Document.objects.values_list("pk", "status"))
    assert [found[item.pk] for item in (failed, apart, cancelled, ready)] == [S.QUEUED, S.QUEUED, S.CANCELLED, S.READY]


def test_a_verb_asked_for_as_fragment_answers_with_the_tray(alice_client: Client, collection: Collection) -> None:
    document = get_row(collection)
    response = alice_client.post(f"/documents/{document.pk}/cancel/", headers={"hx-request": "true"})
    assert response.status_code == 200
    assert strip_layout(response.content.decode()).startswith('<section id="tray"')


def test_renaming_changes_the_title_only(alice_client: Client, collection: Collection) -> None:
    document = get_row(collection, "a.txt", status=S.READY)
    alice_client.post(
        f"/documents/{document.pk}/rename/", {"title": "New title", "status": "failed", "collection": "x"}
    )
    document.refresh_from_db()
    assert (str(document), document.name, document.status) == ("New title", "a.txt", S.READY)


@pytest.mark.parametrize("title", ["x" * 256, "nul\0byte"])
def test_a_bad_title_is_told(alice_client: Client, collection: Collection, title: str) -> None:
    document = get_row(collection)
    assert alice_client.post(f"/documents/{document.pk}/rename/", {"title": title}).status_code == 400


@pytest.mark.parametrize("query", ["?page=99999", "?page=x", "?show=nonsense", "?show=failed&page=-1", "?page=%00"])
def test_an_odd_address_shows_the_nearest(alice_client: Client, collection: Collection, query: str) -> None:
    get_row(collection)
    assert alice_client.get(f"/collections/{collection.pk}/tray/{query}").status_code == 200


def test_long_lists_have_pages_and_filters(alice_client: Client, collection: Collection) -> None:
    for number in range(60):
        get_row(collection, f"f{number}.txt", status=S.READY if number else S.FAILED, reason="" if number else "why")
    assert get_file_list(alice_client, collection).count('id="file-') == 50
    assert get_file_list(alice_client, collection, "?page=2").count('id="file-') == 10
    failed = get_file_list(alice_client, collection, "?show=failed")
    assert failed.count('id="file-') == 1 and "why" in failed


def test_the_tray_asks_few_questions(
    alice_client: Client, collection: Collection, django_assert_max_num_queries
) -> None:
    states = [S.WORKING, S.READY, S.FAILED, S.QUEUED]
    values = {"file": "documents/none", "sha256": "0" * 64, "size": 1, "kind": "text", "collection": collection}
    Document.objects.bulk_create(Document(name=f"f{n}.txt", status=states[n % 4], **values) for n in range(1000))
    with django_assert_max_num_queries(12):
        get_file_list(alice_client, collection)


def test_a_row_weighs_at_most_two_kilobytes(alice_client: Client, collection: Collection) -> None:
    states = [S.WORKING, S.READY, S.FAILED, S.QUEUED]
    for number in range(40):
        get_row(collection, f"Report of the year {number}.pdf", title=f"Report {number}", kind="pdf", pages_count=40,
                status=states[number % 4], done=3, total=9, path="2026/spring", sha256=str(number))  # fmt: skip
    page = get_file_list(alice_client, collection)
    rows = page[page.index("<tbody>") : page.index("</tbody>")]
    assert rows.count('id="file-') == 40
    assert len(rows.encode()) / 40 <= 2000


def test_the_list_is_sorted_by_name_state_date_and_size(alice_client: Client, collection: Collection) -> None:
    get_row(collection, "b.txt", status=S.READY, size=3)
    get_row(collection, "a.txt", status=S.FAILED, reason="why", size=2)
    get_row(collection, "z.txt", title="aa", status=S.QUEUED, size=1)

    def list_names(sort: str) -> str:
        page = get_file_list(alice_client, collection, f"?sort={sort}")
        return " ".join(re.findall(r'aria-label="Select ([^"]+)"', page[page.index("<tbody>") :]))

    assert list_names("name") == "a.txt aa b.txt" and list_names("-name") == "b.txt aa a.txt"
    assert list_names("state") == "a.txt aa b.txt"
    assert list_names("size") == "aa a.txt b.txt"
    assert list_names("added") == "b.txt a.txt aa" and list_names("") == list_names("-added") == "aa a.txt b.txt"


def test_the_page_works_without_a_script(alice_client: Client, collection: Collection) -> None:
    page = alice_client.get(f"/collections/{collection.pk}/").content.decode()
    assert 'enctype="multipart/form-data"' in page and 'name="files" multiple' in page
    assert 'accept=".pdf,.docx' in page


def test_a_waiting_file_says_how_many_files_of_its_user_go_first(
    alice_client: Client, alice: User, bob: User, collection: Collection
) -> None:
    get_row(collection, "first.pdf", status=S.WORKING, uploaded_by=alice)
    get_row(collection, "big.pdf", status=S.QUEUED, uploaded_by=alice, size=20 * 1024**2)
    get_row(collection, "small.pdf", status=S.QUEUED, uploaded_by=alice)
    get_row(collection, "of-bob.pdf", status=S.QUEUED, uploaded_by=bob)
    page = strip_layout(get_file_list(alice_client, collection))
    assert page.count("Waiting for 2 files") == page.count("Waiting for 1 file<") == page.count("Waiting<") == 1
