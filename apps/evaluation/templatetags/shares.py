"""Shares and scores as a page says them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def percent(value: float | None) -> str:
    """A share of 1 as "87 %"; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.0f} %"


@register.filter
def change(value: float | None) -> str:
    """A difference of two shares as "+3" or "−12" points; nothing where it is below half a point."""
    points = round(100 * value) if value is not None else 0
    return "" if not points else f"+{points}" if points > 0 else f"−{-points}"
