"""Draw pictures as the worker does."""

from __future__ import annotations

from apps.images.generation import worker
from apps.images.models import Picture


def draw(row: Picture) -> Picture:
    """Draw the picture, whatever the result, and return its row."""
    worker.draw_picture(row.pk)
    row.refresh_from_db()
    return row


def draw_ready(row: Picture) -> Picture:
    """Draw the picture and return its row. Fails unless it becomes ready."""
    draw(row)
    assert row.status == "ready", row.reason
    return row
