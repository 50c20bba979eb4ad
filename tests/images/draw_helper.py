"""Helper that draws a queued picture at once."""

from __future__ import annotations

from apps.images.generation import worker
from apps.images.models import Picture


def drawn(row: Picture) -> Picture:
    """Draw the picture and return its row. Fails unless it becomes ready."""
    worker.draw_picture(row.pk)
    row.refresh_from_db()
    assert row.status == "ready", row.reason
    return row
