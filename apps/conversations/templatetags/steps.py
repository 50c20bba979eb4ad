"""Template filter for durations."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def duration(ms: float | None) -> str:
    """Return milliseconds in readable form: 740 gives "740 ms", 1240 gives "1.2 s", None gives ""."""
    if ms is None:
        return ""
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
