"""Reading a document: images with boxes, text with marks, the file itself, and access asked at each opening."""

from __future__ import annotations

import errno
import io
import os
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import AsyncRequestFactory, Client
from django.utils import timezone
from PIL import Image

from apps.documents import tasks
from apps.documents.library import trash
from apps.documents.models import Collection, Document, Membership, Page
from apps.documents.reader import page_view
from apps.documents.reader.word_boxes import has_same_offsets
from apps.documents.web import reader_views
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.documents.reader.conftest import FIRST_PAGE, MARK_TAG, SECOND_PAGE, get_page_text
from tests.documents.sample_files import pdf
from tests.factories import Section, ingest_file, make_client, make_collection, make_document, upload_file
from tests.support.pages import strip_layout
from tests.support.tiny_disk import tiny_disk


def test_a_passage_is_boxed_on_the_image_of_its_page(alice_client: Client, document: Document) -> None:
    start = SECOND_PAGE.index("It is free")
    page = strip_layout(
        get_page_text(alice_client.get(f"/documents/{document.pk}/passage/?page=2&spans={start}-{len(SECOND_PAGE)}"))
    )
    assert f"/documents/{document.pk}/pages/2.png" in page
    (box,) = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" data-here', page)
    x, y, width, height = map(float, box)
    assert 300 < x < 600 and 100 < width < 300 and y < 100 and height < 30  # behind the first sentence, near the top
    assert "Page 2 of 2" in page
    assert "style=" not in page


def test_page_image_has_no_box_without_spans(alice_client: Client, document: Document) -> None:
    assert "<rect" not in get_page_text(alice_client.get(f"/documents/{document.pk}/passage/?page=2"))


def test_the_image_is_a_png_of_the_width_asked_for(alice_client: Client, document: Document) -> None:
    response = alice_client.get(f"/documents/{document.pk}/pages/1.png?w=700")
    assert response["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(response.content)).width == 800  # the nearest of a fixed few


def test_an_image_is_drawn_once_and_asked_about_each_time(
    alice_client: Client, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/documents/{document.pk}/pages/1.png?w=800"
    first = alice_client.get(address)
    monkeypatch.setattr("apps.reading.sandbox.runner.render_page", None)  # drawing again would fail
    assert alice_client.get(address).content == first.content
    assert first["Cache-Control"] == "private, no-cache"
    again = alice_client.get(address, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_warm_cache_lets_nobody_in(alice_client: Client, document: Document, bob: User, charlie: User) -> None:
    address = f"/documents/{document.pk}/pages/1.png"
    tag = alice_client.get(address)["ETag"]
    for user in (bob, charlie):
        theirs = make_client(user)
        assert theirs.get(address).status_code == 404
        assert theirs.get(address, headers={"if-none-match": tag}).status_code == 404


def test_access_that_ended_shows_nothing_more(alice_client: Client, document: Document, bob: User) -> None:
    share = Membership.objects.create(collection=document.collection, user=bob)
    theirs = make_client(bob)
    assert theirs.get(f"/documents/{document.pk}/pages/1.png").status_code == 200
    share.delete()
    for tail in ("", "passage/", "pages/1.png", "file/"):
        assert theirs.get(f"/documents/{document.pk}/{tail}").status_code == 404


def test_a_page_that_cannot_be_drawn_says_so_and_shows_its_text(alice_client: Client, document: Document) -> None:
    (Path(settings.MEDIA_ROOT) / str(document.file)).write_bytes(b"%PDF-1.4 damaged")
    page = get_page_text(alice_client.get(f"/documents/{document.pk}/?page=2&spans=0-34"))
    assert "This page cannot be shown as an image" in page and "Here is its text" in page
    assert re.search(MARK_TAG + r"The second page speaks of parking\.</mark>", page)


def test_a_missing_file_says_so_and_shows_the_text(alice_client: Client, document: Document) -> None:
    (Path(settings.MEDIA_ROOT) / str(document.file)).unlink()
    page = get_page_text(alice_client.get(f"/documents/{document.pk}/?page=1"))
    assert "missing on the server" in page and "bicycles" in page
    assert alice_client.get(f"/documents/{document.pk}/file/").status_code == 404
    assert alice_client.get(f"/documents/{document.pk}/pages/1.png").status_code == 404


def test_a_full_disk_keeps_no_page_from_being_shown(
    alice_client: Client, document: Document, settings: Any, tmp_path: Path
) -> None:
    with tiny_disk(tmp_path / "tiny", 4) as full:
        settings.DATA_DIR = full.path
        (full.path / "filler").write_bytes(bytes(4096))
        page = get_page_text(alice_client.get(f"/documents/{document.pk}/passage/?page=2&spans=0-34"))
        assert f"/documents/{document.pk}/pages/2.png" in page and "<rect" in page
        image = alice_client.get(f"/documents/{document.pk}/pages/2.png?w=800")
        assert Image.open(io.BytesIO(image.content)).width == 800
        assert [path.name for path in full.files] == ["filler"]


def test_page_text_is_shown_when_the_disk_is_full(
    alice_client: Client, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("apps.reading.sandbox.runner.tempfile.TemporaryDirectory", full)
    page = get_page_text(alice_client.get(f"/documents/{document.pk}/?page=1"))
    assert "disk of this server is full" in page and "bicycles" in page


@pytest.mark.parametrize(
    ("asked", "shown"), [("0", 1), ("-3", 1), ("2", 2), ("99", 2), ("x", 1), ("", 1), ("9" * 40, 1)]
)
def test_a_page_that_is_not_there_shows_the_nearest(
    alice_client: Client, document: Document, asked: str, shown: int
) -> None:
    assert f"Page {shown} of 2" in get_page_text(alice_client.get(f"/documents/{document.pk}/?page={asked}"))


def test_images_exist_for_pages_only(alice_client: Client, document: Document) -> None:
    for number in (0, 3, 999999):
        assert alice_client.get(f"/documents/{document.pk}/pages/{number}.png").status_code == 404


def test_pages_are_turned_both_ways(alice_client: Client, document: Document) -> None:
    first, second = (get_page_text(alice_client.get(f"/documents/{document.pk}/?page={number}")) for number in (1, 2))
    assert 'rel="next"' in first and 'rel="prev"' not in first
    assert 'rel="prev"' in second and 'rel="next"' not in second


def test_images_of_a_deleted_document_are_shown_to_nobody_and_go_with_it_after_an_hour(
    alice_client: Client, document: Document, tmp_path: Path
) -> None:
    alice_client.get(f"/documents/{document.pk}/pages/1.png")
    assert list(tmp_path.rglob("*.png"))
    alice_client.post(f"/documents/{document.pk}/delete/")
    assert alice_client.get(f"/documents/{document.pk}/pages/1.png").status_code == 404
    Document.all_objects.update(deleted=timezone.now() - trash.UNDELETE_PERIOD)
    tasks.empty_trash()
    assert not list(tmp_path.rglob("*.png"))


def test_images_stay_while_another_document_has_the_same_content(
    alice_client: Client, document: Document, alice: User, tmp_path: Path
) -> None:
    upload_file(make_collection(alice, "Other"), "same.pdf", pdf(FIRST_PAGE, SECOND_PAGE))
    Document.objects.filter(name="same.pdf").update(sha256=document.sha256)
    alice_client.get(f"/documents/{document.pk}/pages/1.png")
    alice_client.post(f"/documents/{document.pk}/delete/")
    assert list(tmp_path.rglob("*.png"))


def test_the_cache_gives_way_when_it_is_full(tmp_path: Path) -> None:
    for number in range(10):
        path = tmp_path / f"{number}.png"
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))
    page_view.trim_cache(tmp_path, 350)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7.png", "8.png", "9.png"]


def test_page_text_is_shown_when_too_many_pages_are_drawn(
    alice_client: Client, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_view, "_renders", threading.BoundedSemaphore(1))
    monkeypatch.setattr(page_view, "_WAIT_S", 0.01)
    with page_view._renders:
        page = get_page_text(alice_client.get(f"/documents/{document.pk}/?page=1"))
    assert "The server is busy" in page and "bicycles" in page


def test_text_is_shown_with_the_passage_marked(alice_client: Client, collection: Collection) -> None:
    row = make_document(collection, "Notes", [Section("Rules\n\nKeep <b>calm</b> & read. Then write.", "Rules")])
    text = Page.objects.get().text
    start, end = text.index("Keep"), text.index(" Then")
    page = get_page_text(alice_client.get(f"/documents/{row.pk}/?spans={start}-{end}"))
    assert re.search(MARK_TAG + r"Keep &lt;b&gt;calm&lt;/b&gt; &amp; read\.</mark> Then write\.", page)


def test_the_panel_shows_a_window_around_the_passage(alice_client: Client, collection: Collection) -> None:
    row = make_document(
        collection, "Long", ["\n\n".join(f"Paragraph {number} of a long text." for number in range(800))]
    )
    at = Page.objects.get().text.index("Paragraph 400 ")
    page = get_page_text(alice_client.get(f"/documents/{row.pk}/passage/?spans={at}-{at + 13}"))
    assert "Paragraph 399 " in page and "Paragraph 401 " in page
    assert "Paragraph 100 " not in page and "Paragraph 700 " not in page
    assert f"/documents/{row.pk}/?page=1&amp;spans={at}-{at + 13}" in page


@pytest.mark.parametrize(
    "spans", ["", "x", "5-2", "1-1", "-", "1-2-3", "99999999-999999999", "%00", "1-2," * 900, "١-٢"]
)
def test_odd_spans_mark_nothing_and_break_nothing(alice_client: Client, collection: Collection, spans: str) -> None:
    row = make_document(collection, "Notes", ["Some words in it."])
    assert "Some words" in re.sub(
        r"</?mark[^>]*>", "", get_page_text(alice_client.get(f"/documents/{row.pk}/passage/?spans={spans}"))
    )


def test_a_document_that_is_not_ready_says_so(alice_client: Client, collection: Collection) -> None:
    row = Document.objects.create(collection=collection, name="a.txt", file="documents/x", sha256="0" * 64, size=1)
    assert "not ready: waiting" in get_page_text(alice_client.get(f"/documents/{row.pk}/"))


def test_a_file_is_saved_and_never_opened_in_place(alice_client: Client, collection: Collection, alice: User) -> None:
    evil = b"<script>alert(1)</script>"
    row = upload_file(collection, 'x"; filename="y.html', evil)
    response = alice_client.get(f"/documents/{row.pk}/file/")
    assert b"".join(response.streaming_content) == evil
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment;")
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
async def test_a_file_is_streamed_under_asgi(collection: Collection, alice: User) -> None:
    row = await in_db(upload_file, collection, "übung.txt", b"x" * 600_000)
    request = AsyncRequestFactory().get(f"/documents/{row.pk}/file/")
    request.user = alice
    response = await in_db(reader_views.download_file, request, pk=row.pk)
    assert response.is_async
    assert sum([len(part) async for part in response.streaming_content]) == 600_000
    assert response["Content-Length"] == "600000"
    assert "filename*=utf-8''%C3%BCbung.txt" in response["Content-Disposition"]


def test_opening_a_passage_asks_few_questions(
    alice_client: Client, collection: Collection, django_assert_max_num_queries: Any
) -> None:
    row = make_document(collection, "Notes", ["Some words in it."] * 30)
    with django_assert_max_num_queries(6):
        alice_client.get(f"/documents/{row.pk}/passage/?spans=0-10")


def test_ingest_and_viewer_mean_the_same_characters(
    alice_client: Client, alice: User, collection: Collection, settings: Any, tmp_path: Path
) -> None:
    """A span found in the stored text is boxed where its words stand."""
    settings.DATA_DIR = tmp_path
    row = ingest_file(collection, "real.pdf", pdf(FIRST_PAGE, SECOND_PAGE))
    text = Page.objects.get(document=row, number=2).text
    start = text.index("parking")
    shown = page_view.build_page_view(row, 2, f"{start}-{start + 7}")
    assert shown.image is not None
    ((left, top, width, _),) = shown.image.boxes
    assert 250 < left < 400 and top < 100 and 40 < width < 120
    both = page_view.build_page_view(shown.document, 2, f"{start - 4}-{start + 7}", f"{start}-{start + 7}")
    assert both.image is not None and both.image.boxes == shown.image.boxes and len(both.image.other_boxes) == 1


def test_page_image_marks_nothing_when_the_stored_text_differs(
    collection: Collection, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    row = ingest_file(collection, "real.pdf", pdf(FIRST_PAGE, SECOND_PAGE))
    stored = Page.objects.get(document=row, number=2)
    assert page_view.get_page_image(row, 2, [(0, 20)]).boxes
    Page.objects.filter(pk=stored.pk).update(text=f"Name: {stored.text}")
    assert page_view.get_page_image(row, 2, [(0, 20)]).boxes == []
    monkeypatch.setattr(page_view.document_redaction, "list_redacted_spans", lambda *_: [(0, 20)])
    with pytest.raises(page_view.PageImageError):
        page_view.get_page_png(row, 2, 800)


@pytest.mark.parametrize(
    ("stored", "same"),
    [("DHCP\u00adServer 3", True), ("████-Server ³", True), ("DHCP Server: 3", False), ("DHCP-Servre 3", False)],
)
def test_places_are_the_same_if_only_marks_and_redactions_differ(stored: str, same: bool) -> None:
    assert has_same_offsets("DHCP-Server 3", stored) is same
