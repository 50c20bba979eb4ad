"""Template filters that translate texts stored in English, and fit labels into sentences."""

from __future__ import annotations

from django import template

from apps.users.i18n import lower_label, translate_stored

register = template.Library()
register.filter("inside", lower_label)  # label inside a sentence


@register.filter
def said(words: object) -> str:
    """Return a stored English text in the active language; unchanged if it has no translation."""
    return translate_stored(words)
