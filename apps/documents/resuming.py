"""What text recognition has read of a document is kept page by page, and not read twice: not after a worker ended, not
after the document was cancelled and is tried again, not for the version that only reads more pages of it.
"""

from __future__ import annotations

from collections.abc import Collection as Some

from django.db import transaction

from apps.documents.job import Job
from apps.documents.models import Document, Page
from apps.documents.parsers.base import ParsedPage, Piece


def mark(document: Document, recogniser: str) -> str:
    """Of pages of this content that were read by this recogniser."""
    return f"{recogniser}-{document.sha256[:32]}"


def so_far(document: Document, recogniser: str, numbers: Some[int]) -> dict[int, ParsedPage]:
    """Those of the pages that were read so, of this document or of the one that it will replace."""
    theirs = [pk for pk in (document.replaces_id, document.pk) if pk is not None]
    rows = Page.objects.filter(document__in=theirs, number__in=numbers, recognised=mark(document, recogniser))
    return {row.number: parsed(row) for row in rows}


def keep(job: Job, recogniser: str, page: ParsedPage) -> None:
    """The page is stored, unseen until the document is ready. Raises Lost."""
    told = {"text": page.text, "pieces": pieces(page), "boxes": page.boxes or None}
    with transaction.atomic():
        job.renew()
        told["recognised"] = mark(job.document, recogniser)
        Page.objects.update_or_create(document=job.document, number=page.number, defaults=told)


def parsed(row: Page) -> ParsedPage:
    return ParsedPage(
        row.number, row.text, tuple(Piece(*piece) for piece in row.pieces or ()), row.width, row.height,
        boxes=tuple(tuple(word) for word in row.boxes or ()), recognised=bool(row.recognised),
    )  # fmt: skip


def pieces(page: ParsedPage) -> list[tuple[str, int, int, int]]:
    return [(piece.kind, piece.level, piece.start, piece.end) for piece in page.pieces]
