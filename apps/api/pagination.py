"""Paginate lists by `limit` and `offset`, with a bound that every database takes (`NINJA_PAGINATION_CLASS`)."""

from __future__ import annotations

from django.conf import settings
from ninja import Field
from ninja.pagination import LimitOffsetPagination


class BoundedPagination(LimitOffsetPagination):
    """Pagination that refuses an offset above `NINJA_PAGINATION_MAX_OFFSET`; a huge one overflows in the database."""

    class Input(LimitOffsetPagination.Input):
        offset: int = Field(0, ge=0, le=settings.NINJA_PAGINATION_MAX_OFFSET)
