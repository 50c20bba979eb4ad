"""Read pages by their tags and texts, however their templates are laid out."""

from __future__ import annotations

import re


def strip_layout(html: str) -> str:
    """Return the page with whitespace reduced to one space, and with none next to a tag."""
    words = " ".join(html.split())
    return re.sub(r" ?(<[^>]*?) ?(>) ?", r"\1\2", words)
