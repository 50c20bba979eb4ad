"""Pages of a list: `limit` and `offset`, both within what every database takes (`NINJA_PAGINATION_CLASS`)."""

from __future__ import annotations

from django.conf import settings
from ninja import Field
from ninja.pagination import LimitOffsetPagination


class BoundedPagination(LimitOffsetPagination):
    """Pagination that refuses an offset beyond `NINJA_PAGINATION_MAX_OFFSET`: no integer of a database holds any."""

    class Input(LimitOffsetPagination.Input):
        offset: int = Field(0, ge=0, le=settings.NINJA_PAGINATION_MAX_OFFSET)
