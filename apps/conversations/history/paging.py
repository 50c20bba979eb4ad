"""Keyset pagination of conversations, the newest first.

A position is the time and id of the last row shown, so it stays valid when rows above change. Entry point: `get_page`.
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
    """Return at most `size` rows after the position, and the position of their end; "" if no row follows.

    An unreadable position means the beginning. `by` is the field of the order.
    """
    if at := parse_position(after):
        moment, pk = at
        rows = rows.filter(Q(**{f"{by}__lt": moment}) | Q(pk__lt=pk), **{f"{by}__lte": moment})
    found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
    return found[:size], encode_position(found[size - 1], by) if len(found) > size else ""


def encode_position(row: Conversation, by: str = "changed") -> str:
    """Return the position after this row."""
    return f"{getattr(row, by).isoformat()}~{row.pk}"


def parse_position(text: str) -> tuple[datetime, UUID] | None:
    """Return the time and id of the row before the position; None if it is unreadable."""
    moment, _, pk = text.partition("~")
    try:
        at = parse_datetime(moment)
        return (at, UUID(pk)) if at and at.tzinfo else None
    except ValueError:
        return None
