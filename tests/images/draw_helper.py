"""A picture that is drawn at once, for tests."""

from __future__ import annotations

from apps.images.generation import worker
from apps.images.models import Picture


def drawn(row: Picture) -> Picture:
    worker.draw_picture(row.pk)
    row.refresh_from_db()
    assert row.status == "ready", row.reason
    return row
