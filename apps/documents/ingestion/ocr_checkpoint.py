"""Store recognised pages one by one, so that none is recognised twice.

They survive the end of a worker and a cancelled document that is tried again. The next version that only recognises
more pages uses them too.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.documents.indexing.document_chunking import make_parsed_page
from apps.documents.jobs.ingest_job import IngestJob
from apps.documents.models import Document, Page
from apps.reading.parsing.protocol import ParsedPage


def make_ocr_key(document: Document, recogniser: str) -> str:
    """Return the key of pages with this content that this recogniser read."""
    return f"{recogniser}-{document.sha256[:32]}"


def load_recognised(document: Document, recogniser: str, numbers: Sequence[int]) -> dict[int, ParsedPage]:
    """Return, by number, those of the pages that were recognised before, of this document or of the one it will
    replace."""
    documents = [pk for pk in (document.replaces_id, document.pk) if pk is not None]
    rows = Page.objects.filter(document__in=documents, number__in=numbers, ocr_key=make_ocr_key(document, recogniser))
    return {row.number: make_parsed_page(row) for row in rows}


def store_recognised(job: IngestJob, recogniser: str, page: ParsedPage) -> None:
    """Store a recognised page and renew the lease, in one transaction. Invisible until the document is ready.

    Raises LeaseLost.
    """
    changes = {"text": page.text, "block_spans": list_block_span_rows(page), "boxes": page.boxes or None}
    with transaction.atomic():
        job.renew()
        changes["ocr_key"] = make_ocr_key(job.document, recogniser)
        Page.objects.update_or_create(document=job.document, number=page.number, defaults=changes)


def list_block_span_rows(page: ParsedPage) -> list[tuple[str, int, int, int]]:
    """Return the block spans of a page as stored in `Page.block_spans`: (kind, level, start, end)."""
    return [(piece.kind, piece.level, piece.start, piece.end) for piece in page.block_spans]
