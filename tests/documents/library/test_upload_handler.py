"""Files on their way in lie in the data folder, and a disk that fills up meanwhile refuses them in words."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.conf import settings as configured
from django.core.files import uploadhandler
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.documents.ingestion import worker
from apps.documents.library import uploads as uploading
from apps.documents.library.upload_handler import DiskFullPlaceholder, DiskFullUploadHandler
from apps.documents.models import Document
from apps.users.models import User
from tests.factories import make_collection
from tests.support.tiny_disk import TinyDisk, tiny_disk

BIG = 1_500 * 1024  # bytes; larger than what is kept in memory


@pytest.fixture
def small(settings: Any, tmp_path: Path) -> Any:
    """A megabyte for what arrives; what is stored lies elsewhere."""
    with tiny_disk(tmp_path / "arriving", 1024) as disk:
        settings.FILE_UPLOAD_TEMP_DIR = disk.path
        yield disk


def test_arriving_uploads_lie_in_the_data_folder() -> None:
    assert Path(configured.FILE_UPLOAD_TEMP_DIR) == Path(configured.DATA_DIR) / "arriving"


@pytest.mark.django_db
def test_a_file_without_room_is_refused_by_name_and_the_others_go_on(
    alice_client: Client, alice: User, small: TinyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "KEEP_FREE_BYTES", 0)
    monkeypatch.setattr(uploading, "KEEP_FREE_SHARE", 0)
    collection = make_collection(alice)
    files = [SimpleUploadedFile("big.txt", b"x" * BIG), SimpleUploadedFile("small.txt", b"Foxes hunt at night.")]
    alice_client.post(reverse("documents:upload", args=[collection.pk]), {"files": files})

    assert [row.name for row in Document.objects.all()] == ["small.txt"]
    refused = collection.refused_uploads.get()
    assert refused.name == "big.txt" and "disk of this server is nearly full" in refused.reason
    assert small.files == []


@pytest.mark.django_db
def test_a_disk_that_is_full_when_a_file_is_stored_refuses_it(
    alice: User, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    monkeypatch.setattr(uploading, "KEEP_FREE_BYTES", 0)
    monkeypatch.setattr(uploading, "KEEP_FREE_SHARE", 0)
    with tiny_disk(tmp_path / "files", 512) as disk:
        settings.MEDIA_ROOT = disk.path
        monkeypatch.setattr(uploading, "_refuse_size", lambda _: None)  # the last space went a moment later
        with pytest.raises(uploading.UploadRefused, match="nearly full"):
            uploading.store_upload(alice, make_collection(alice), SimpleUploadedFile("big.txt", b"x" * BIG))
        assert disk.files == [] and not Document.objects.exists()


@pytest.mark.django_db
def test_orphaned_uploads_are_removed_after_a_while(settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    for name, age in (("old.upload", worker.ORPHAN_S + 60), ("new.upload", 0)):
        path = tmp_path / name
        path.write_bytes(b"half")
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    assert worker.remove_orphans() == 1
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["new.upload"]


def test_orphan_sweep_survives_a_file_that_vanishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived, left = tmp_path / "arrived.upload", tmp_path / "left.upload"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    monkeypatch.setattr(Path, "iterdir", lambda _: iter([arrived, left]))
    assert worker._list_orphans(tmp_path) == [left]


def test_a_file_that_cannot_begin_takes_none_that_came_before_it(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    handler = DiskFullUploadHandler()
    handler.new_file("files", "first.txt", "text/plain", 5, None)
    handler.receive_data_chunk(b"Foxes", 0)
    first = handler.file_complete(5)
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(uploadhandler, "TemporaryUploadedFile", Mock(side_effect=full))
    handler.new_file("files", "second.txt", "text/plain", 5, None)
    handler.receive_data_chunk(b"Foxes", 0)
    assert isinstance(handler.file_complete(5), DiskFullPlaceholder)
    handler.upload_interrupted()
    assert first is not None and first.read() == b"Foxes"
