"""Durations as a person reads them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def duration(ms: float | None) -> str:
    """`740` is "740 ms", `1240` is "1.2 s"; an unknown one is empty."""
    if ms is None:
        return ""
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
