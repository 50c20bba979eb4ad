"""Template filter that translates texts stored in English."""

from __future__ import annotations

from django import template

from apps.users.i18n import translate_stored

register = template.Library()


@register.filter
def said(words: object) -> str:
    """Return a stored English text in the active language; unchanged if it has no translation."""
    return translate_stored(words)
