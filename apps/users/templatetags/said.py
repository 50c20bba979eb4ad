"""What was stored in English, shown in the language of its reader."""

from __future__ import annotations

from django import template

from apps.users.i18n import translate_stored

register = template.Library()


@register.filter
def said(words: object) -> str:
    """The translation of a sentence that a worker stored; the sentence itself where it holds something of its own."""
    return translate_stored(words)
