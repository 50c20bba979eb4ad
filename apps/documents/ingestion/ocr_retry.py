"""Retry OCR of documents whose scanned pages were left out, once OCR_PAGES was raised or the recogniser changed."""

from __future__ import annotations

from apps.documents.ingestion.ocr import can_retry_ocr
from apps.documents.library.uploads import requeue_document
from apps.documents.library.versions import reread_document
from apps.documents.models import Document

AT_ONCE = 4  # documents per sweep: each takes minutes, and other documents wait too


def retry_scans() -> None:
    """Queue up to AT_ONCE documents for another OCR; a periodic job.

    A ready document stays searchable meanwhile, as the retry is its next version. A failed one is queued again, without
    a new version.
    """
    status = Document.Status
    rows = Document.objects.filter(pages_without_text__isnull=False, status__in=[status.READY, status.FAILED]).order_by(
        "created"
    )
    waiting = Document.objects.filter(replaces__isnull=False).values("replaces")  # also if that version failed
    left = AT_ONCE
    for row in [row for row in rows.exclude(pk__in=waiting).iterator() if can_retry_ocr(row.pages_without_text or {})]:
        left -= _retry(row)
        if not left:
            return


def _retry(row: Document) -> bool:
    """Queue the document, and return whether it is queued now."""
    if row.status == Document.Status.FAILED:
        requeue_document(row)
        return True
    return reread_document(row)
