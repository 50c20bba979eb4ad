"""Template library `heroicons` that renders each icon once per process; the package renders it at every use, twenty
times a page."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.safestring import SafeString
from heroicons.templatetags import heroicons as package

register = template.Library()


@register.simple_tag
def heroicon_outline(name: str, *, size: int = 24, **attributes: object) -> SafeString:
    """Render an outlined icon of `size` pixels with further HTML attributes."""
    return _drawn("outline", name, size, tuple((key, str(value)) for key, value in attributes.items()))


@register.simple_tag
def heroicon_solid(name: str, *, size: int = 24, **attributes: object) -> SafeString:
    """Render a solid icon of `size` pixels with further HTML attributes."""
    return _drawn("solid", name, size, tuple((key, str(value)) for key, value in attributes.items()))


@lru_cache(maxsize=1000)  # pages use some two hundred, with labels in three languages
def _drawn(style: str, name: str, size: int, attributes: tuple[tuple[str, str], ...]) -> SafeString:
    draw = {"outline": package.heroicon_outline, "solid": package.heroicon_solid}[style]
    drawn: SafeString = draw(name, size=size, **dict(attributes))
    return drawn
