"""Scanned pages that could not be read that time are read once they can be; nothing else is read twice."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from apps.documents.ingestion import ocr, ocr_retry, worker
from apps.documents.ingestion.ocr import can_retry_ocr, get_ocr_version
from apps.documents.ingestion.pipeline import ingest
from apps.documents.models import Chunk, Document
from apps.users.models import User
from tests.documents.sample_files import scan_pdf, text_picture
from tests.factories import ingest_file, make_collection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.OCR_PAGES = tmp_path, 0


def swept() -> list[Document]:
    ocr_retry.retry_scans()
    return list(Document.objects.filter(status=Document.Status.QUEUED))


def test_a_document_read_without_recognition_is_read_again_and_stays_until_then(alice: User, settings: Any) -> None:
    row = ingest_file(make_collection(alice), "scan.pdf", scan_pdf(text_picture("Thirty days of leave")))
    assert (row.status, row.pages_without_text["beyond"]) == ("ready", 1) and "was not recognised" in row.note
    before = list(Chunk.objects.filter(document=row).searchable().values_list("text", flat=True))
    assert before and swept() == []

    settings.OCR_PAGES = 300
    (waiting,) = swept()
    assert swept() == [waiting]  # and no second one
    assert list(Chunk.objects.filter(document=row).searchable().values_list("text", flat=True)) == before
    ingest(waiting.pk)

    row.refresh_from_db()
    assert (row.status, row.version, row.pages_without_text, row.note) == ("ready", 2, None, "")
    assert "Thirty days of leave" in Chunk.objects.get(document=row).text
    earlier = Document.all_objects.get(replaces=row)
    assert earlier.pages_count == 1 and earlier.file != row.file and Path(row.file.path).exists()
    assert swept() == []


def test_a_picture_that_failed_without_recognition_is_tried_again(alice: User, settings: Any) -> None:
    row = ingest_file(make_collection(alice), "leave.png", text_picture("Thirty days of leave"))
    assert row.status == "failed" and row.pages_without_text["beyond"] == 1

    settings.OCR_PAGES = 300
    assert swept() == [row]
    ingest(row.pk)
    row.refresh_from_db()
    assert (row.status, row.pages_without_text) == ("ready", None)


def test_a_page_at_which_the_recogniser_failed_waits_for_another_one(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OCR_PAGES = 300
    monkeypatch.setattr(ocr, "_recognise", lambda *_: {})
    row = ingest_file(make_collection(alice), "scan.pdf", scan_pdf(text_picture("Thirty days of leave")))
    assert row.pages_without_text == {"beyond": 0, "missed": 1, "limit": 300, "by": get_ocr_version()}
    assert swept() == []
    Document.objects.filter(pk=row.pk).update(pages_without_text={**row.pages_without_text, "by": "an earlier one"})
    assert [waiting.replaces for waiting in swept()] == [row]


@pytest.mark.parametrize(("limit", "again"), [(0, False), (2, False), (3, False), (4, True)])
def test_ocr_retry_is_possible_only_with_a_higher_page_limit(settings: Any, limit: int, again: bool) -> None:
    settings.OCR_PAGES = limit
    assert can_retry_ocr({"beyond": 5, "missed": 0, "limit": 3, "by": "anything"}) is again


def test_unreadable_scans_do_not_block_the_ocr_retry_of_others(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        ingest_file(make_collection(alice), f"{number}.pdf", scan_pdf(text_picture(f"Thirty {number} days")))
        for number in range(3)
    ]
    settings.OCR_PAGES = 300
    monkeypatch.setattr(ocr_retry, "AT_ONCE", 1)
    Path(rows[0].file.path).unlink()  # nothing to read
    (waiting,) = swept()
    assert waiting.replaces == rows[1]
    Document.objects.filter(pk=waiting.pk).update(status=Document.Status.FAILED)
    assert [row.replaces for row in swept()] == [rows[2]]


@pytest.mark.parametrize("links", [True, False])
def test_file_waiting_for_ocr_retry_is_no_orphan_even_before_its_row_exists(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    settings.MEDIA_ROOT = settings.DATA_DIR / "files"
    row = ingest_file(make_collection(alice), "scan.pdf", scan_pdf(text_picture("Thirty days of leave")))
    os.utime(row.file.path, (0, 0))
    settings.OCR_PAGES = 300
    if not links:
        monkeypatch.setattr(os, "link", Mock(side_effect=PermissionError(errno.EPERM, "no links here")))
    monkeypatch.setattr(Document.objects, "create", Mock(side_effect=InterruptedError))  # the moment before
    with pytest.raises(InterruptedError):
        ocr_retry.retry_scans()
    assert worker.remove_orphans() == 0 and len(list(Path(row.file.path).parent.iterdir())) == 2
