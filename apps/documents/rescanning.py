"""Documents of which scanned pages were left out are read again once these can be: OCR_PAGES was raised, or the
recogniser, which failed at them, is another one."""

from __future__ import annotations

from apps.documents.models import Document
from apps.documents.scans import could_be_read
from apps.documents.upload import retry
from apps.documents.versions import read_again

AT_ONCE = 4  # of one sweep: they take minutes each, and others wait too


def sweep() -> None:
    """Some of them wait. One that was ready stays so meanwhile; one that failed for want of text is tried again."""
    status = Document.Status
    rows = Document.objects.filter(unread__isnull=False, status__in=[status.READY, status.FAILED]).order_by("created")
    waiting = Document.objects.filter(replaces__isnull=False).values("replaces")  # also where that failed
    left = AT_ONCE
    for row in [row for row in rows.exclude(pk__in=waiting).iterator() if could_be_read(row.unread or {})]:
        left -= _again(row)
        if not left:
            return


def _again(row: Document) -> bool:
    """Whether it waits now."""
    if row.status == Document.Status.FAILED:
        retry(row)
        return True
    return read_again(row)
