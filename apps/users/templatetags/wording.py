"""Template filters that translate texts stored in English, and fit labels into sentences."""

from __future__ import annotations

import re

from django import template

from apps.users.i18n import lower_label, translate_stored

register = template.Library()
register.filter(lower_label)
register.filter(translate_stored)


@register.filter
def unbroken(text: str) -> str:
    """Return the text with "e-mail" and "E-Mail" joined, so that no line breaks at the hyphen."""
    return re.sub("(?<![a-z])(e-)(mail)", "\\1\u2060\\2", text, flags=re.IGNORECASE)
