"""What is taken, what is refused at once, and under which name."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from celery import current_app
from django.conf import settings as live
from django.core.files.uploadedfile import SimpleUploadedFile
from kombu.exceptions import OperationalError

from apps.documents.library import deletion, uploads
from apps.documents.library.uploads import UploadRefused, clean_file_name
from apps.documents.models import Collection, Document
from apps.users.models import User
from tests.factories import make_collection, upload_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Mock:
    bell = Mock()
    monkeypatch.setattr(current_app, "send_task", bell)
    return bell


def upload(collection: Collection, name: str = "leave.txt", content: bytes = b"Thirty days.") -> Document:
    return upload_file(collection, name, content)


def get_stored_files() -> set[Path]:
    return set((Path(live.MEDIA_ROOT) / "documents").glob("*"))


def test_a_file_is_stored_under_a_name_that_tells_nothing(alice: User, collection: Collection) -> None:
    document = upload(collection, "salaries.txt")
    path = Path(document.file.path)
    assert path.read_bytes() == b"Thirty days."
    assert "salaries" not in str(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (document.size, document.sha256) == (12, sha256(b"Thirty days.").hexdigest())
    assert (document.status, document.uploaded_by, document.name) == ("queued", alice, "salaries.txt")


def test_the_bell_rings_once_the_row_is_committed(
    alice: User, collection: Collection, sent: Mock, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        document = upload(collection)
        assert not sent.called
    assert sent.call_args.kwargs["args"] == [str(document.pk)]


def test_a_broker_that_is_away_costs_nobody_their_upload(
    alice: User, collection: Collection, sent: Mock, django_capture_on_commit_callbacks: Any
) -> None:
    sent.side_effect = OperationalError("connection refused")
    with django_capture_on_commit_callbacks(execute=True):
        document = upload(collection)
    assert Document.objects.get(pk=document.pk).status == "queued"


def get_refusal(collection: Collection, *file: Any) -> str:
    before = get_stored_files()
    with pytest.raises(UploadRefused) as caught:
        upload(collection, *file)
    assert get_stored_files() == before  # nothing of it stays on the disk
    return str(caught.value)


def test_an_empty_file_is_refused(alice: User, collection: Collection) -> None:
    assert "empty" in get_refusal(collection, "a.txt", b"")


def test_a_file_above_the_limit_is_refused(alice: User, collection: Collection, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1024**2
    assert "larger than the limit of 1 MB" in get_refusal(collection, "a.txt", b"x" * (1024**2 + 1))


def test_a_file_that_lies_about_its_size_is_refused(alice: User, collection: Collection, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1024**2
    file = SimpleUploadedFile("a.txt", b"x" * (1024**2 + 1))
    file.size = 10
    with pytest.raises(UploadRefused, match="larger than the limit of 1 MB"):
        uploads.store_upload(alice, collection, file)


def test_a_kind_that_cannot_be_read_is_refused_with_what_can(alice: User, collection: Collection) -> None:
    words = get_refusal(collection, "drawing.dwg", b"AC1032")
    assert ".dwg" in words
    assert "PDF" in words


def test_a_full_disk_stops_uploads(alice: User, collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(live.MEDIA_ROOT)._replace(total=10**12, free=10**8)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert "nearly full" in get_refusal(collection, "a.txt", b"x")


def test_the_same_content_is_taken_once_in_a_collection(alice: User, collection: Collection) -> None:
    upload(collection, "leave.txt")
    assert get_refusal(collection, "copy.txt", b"Thirty days.") == "Already in Library as leave.txt."
    upload(make_collection(alice, "Other"))


def test_a_failed_document_makes_room_for_the_same_content(alice: User, collection: Collection) -> None:
    first = upload(collection)
    Document.objects.update(status="failed")
    second = upload(collection, "again.txt")
    assert list(collection.documents.all()) == [second]
    assert first.pk != second.pk


def test_a_repaired_file_takes_the_place_of_the_failed_one(alice: User, collection: Collection) -> None:
    failed, elsewhere, ready = upload(collection), store_elsewhere(collection), upload(collection, "ready.txt", b"Yes.")
    Document.objects.filter(pk__in=[failed.pk, elsewhere.pk]).update(status=Document.Status.FAILED)
    Document.objects.filter(pk=ready.pk).update(status=Document.Status.READY)
    repaired = upload(collection, content=b"Thirty-one days.")
    version = upload(collection, "ready.txt", b"No.")
    assert set(collection.documents.all()) == {elsewhere, ready, repaired, version}
    assert (repaired.replaces, version.replaces) == (None, ready)


def store_elsewhere(collection: Collection) -> Document:
    file = SimpleUploadedFile("leave.txt", b"Elsewhere.")
    return uploads.store_upload(collection.owner, collection, file, "board")


def test_deleting_takes_the_file_away(
    alice: User, collection: Collection, sent: Mock, django_capture_on_commit_callbacks: Any
) -> None:
    document = upload(collection)
    with django_capture_on_commit_callbacks(execute=True):
        deletion.remove_document(document)
    assert not Path(document.file.path).exists()
    assert not Document.objects.exists()
    assert sent.call_args.args == ("documents.merge",)


def test_retry_gives_all_attempts_back(alice: User, collection: Collection) -> None:
    document = upload(collection)
    Document.objects.update(status="quarantined", attempts=3, reason="It stopped the worker.")
    uploads.requeue_document(document)
    document.refresh_from_db()
    assert (document.status, document.attempts, document.reason) == ("queued", 0, "")


def test_a_ready_document_is_neither_cancelled_nor_retried(alice: User, collection: Collection) -> None:
    document = upload(collection)
    Document.objects.update(status="ready")
    uploads.cancel_ingestion(alice, document)
    uploads.requeue_document(document)
    document.refresh_from_db()
    assert document.status == "ready"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\evil.pdf", "evil.pdf"),
        ("/etc/x", "x"),
        ("a\0b.pdf", "a b.pdf"),
        ("CON", "CON"),
        (".htaccess", ".htaccess"),
        ("invoice\u202efdp.exe", "invoice fdp.exe"),
        ("line\nSet-Cookie: x.pdf", "line Set-Cookie: x.pdf"),
        ("<img src=x onerror=alert(1)>.pdf", "<img src=x onerror=alert(1)>.pdf"),
        ("😀 report.pdf", "😀 report.pdf"),
        ("=cmd|'.A1.csv", "=cmd|'.A1.csv"),
        ("", "Unnamed file"),
        ("..", "Unnamed file"),
        ("\u200b", "Unnamed file"),
        ("dir/", "Unnamed file"),
    ],
)
def test_a_name_is_shown_and_never_used(name: str, shown: str) -> None:
    assert clean_file_name(name) == shown


def test_a_long_name_keeps_its_ending() -> None:
    shown = clean_file_name("x" * 300 + ".pdf")
    assert len(shown) <= 255
    assert shown.endswith("….pdf")


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_answers_nonsense_costs_nobody_their_upload(
    alice: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_app, "send_task", Mock(side_effect=RuntimeError("OOM command not allowed")))
    document = upload(collection)
    assert Document.objects.get(pk=document.pk).status == Document.Status.QUEUED
    assert (Path(live.MEDIA_ROOT) / document.file.name).is_file()
