"""Navigate a document from passage to passage, and by thumbnails of its pages."""

from __future__ import annotations

from dataclasses import dataclass

from apps.documents.models import Chunk, Document, Page

MAX_THUMBNAILS = 40  # thumbnails around the open page; the browser loads only those near the view
_WIDTH = 100  # of a thumbnail, the unit of its height


@dataclass(frozen=True, slots=True)
class PassageStop:
    """Page and span of a chunk, for a URL."""

    page: int  # from 1
    spans: str  # "start-end" in characters of the page, end exclusive


@dataclass(frozen=True, slots=True)
class PassageNavigation:
    """Position of the reader among the passages of a document. `position` counts from 1; 0: between two."""

    position: int
    count: int
    before: PassageStop | None
    after: PassageStop | None


@dataclass(frozen=True, slots=True)
class PageThumbnail:
    """Thumbnail of a page; `height` is for a width of 100."""

    number: int
    height: int


def find_neighbour_passages(document: Document, number: int, spans: list[tuple[int, int]]) -> PassageNavigation:
    """Return the passages before and after the one shown; without spans, the last before this page and the first on or
    after it."""
    rows = Chunk.objects.filter(document=document).order_by("position")
    count = rows.count()
    if not spans:
        before, after = rows.filter(page_number__lt=number).last(), rows.filter(page_number__gte=number).first()
        return PassageNavigation(0, count, _stop(before), _stop(after))
    here = rows.filter(page_number=number, char_end__gt=spans[0][0]).first()
    position = here.position if here else count
    by_position = {row.position: row for row in rows.filter(position__in=[position - 1, position + 1])}
    return PassageNavigation(
        position + 1 if here else 0, count, _stop(by_position.get(position - 1)), _stop(by_position.get(position + 1))
    )


def _stop(chunk: Chunk | None) -> PassageStop | None:
    return PassageStop(chunk.page_number, f"{chunk.char_start}-{chunk.char_end}") if chunk else None


def list_thumbnails(document: Document, number: int) -> list[PageThumbnail]:
    """Return thumbnails of the pages around this one; [] if the document has no page images, or one page."""
    if not document.has_pages or document.pages_count < 2:
        return []
    first = max(1, min(number - MAX_THUMBNAILS // 2, document.pages_count - MAX_THUMBNAILS + 1))
    sizes = Page.objects.filter(document=document, number__range=(first, first + MAX_THUMBNAILS - 1)).order_by("number")
    return [
        PageThumbnail(page, round(_WIDTH * height / width) if width else round(_WIDTH * 1.414))
        for page, width, height in sizes.values_list("number", "width", "height")
    ]
