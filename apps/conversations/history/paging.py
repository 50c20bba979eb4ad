"""Long lists of conversations, a part at a time, the newest first: where a part ends says where the next one begins.

A place is written as the time and the id of the last conversation shown, so that it holds whatever comes or goes above.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from apps.conversations.models import Conversation, ConversationQuerySet


def get_page(
    rows: ConversationQuerySet, size: int, after: str = "", by: str = "changed"
) -> tuple[list[Conversation], str]:
    """At most `size` of the rows from a place on, and the place where they end; "" where nothing follows.

    A place that cannot be read is the beginning.
    """
    if at := _read(after):
        moment, pk = at
        rows = rows.filter(Q(**{f"{by}__lt": moment}) | Q(pk__lt=pk), **{f"{by}__lte": moment})
    found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
    return found[:size], encode_position(found[size - 1], by) if len(found) > size else ""


def encode_position(row: Conversation, by: str = "changed") -> str:
    return f"{getattr(row, by).isoformat()}~{row.pk}"


def _read(text: str) -> tuple[datetime, UUID] | None:
    moment, _, pk = text.partition("~")
    try:
        at = parse_datetime(moment)
        return (at, UUID(pk)) if at and at.tzinfo else None
    except ValueError:
        return None
