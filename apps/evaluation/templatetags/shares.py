"""Template filters for shares and differences of measures."""

from __future__ import annotations

from django import template

from apps.lib.proportions import format_percent

register = template.Library()
register.filter("percent", format_percent)


@register.filter
def change(value: float | None) -> str:
    """Return a difference of shares in percentage points as "+3" or "−12"; "" below half a point."""
    points = round(100 * value) if value is not None else 0
    return "" if not points else f"+{points}" if points > 0 else f"−{-points}"
