"""Documents of which scanned pages were left out are read again once these can be: OCR_PAGES was raised, or the
recogniser, which failed at them, is another one."""

from __future__ import annotations

from apps.documents.ingestion.ocr import can_retry_ocr
from apps.documents.library.uploads import retry_ingestion
from apps.documents.library.versions import reread_document
from apps.documents.models import Document

AT_ONCE = 4  # of one sweep: they take minutes each, and others wait too


def retry_scans() -> None:
    """Some of them wait. One that was ready stays so meanwhile; one that failed for want of text is tried again."""
    status = Document.Status
    rows = Document.objects.filter(unread__isnull=False, status__in=[status.READY, status.FAILED]).order_by("created")
    waiting = Document.objects.filter(replaces__isnull=False).values("replaces")  # also where that failed
    left = AT_ONCE
    for row in [row for row in rows.exclude(pk__in=waiting).iterator() if can_retry_ocr(row.unread or {})]:
        left -= _again(row)
        if not left:
            return


def _again(row: Document) -> bool:
    """Whether it waits now."""
    if row.status == Document.Status.FAILED:
        retry_ingestion(row)
        return True
    return reread_document(row)
