"""Texts of a page, and English sentences that a translated page must not have."""

from __future__ import annotations

import re
from functools import cache
from html import unescape

from babel.messages.pofile import read_po

from tests.words import sources


@cache
def get_english(language: str) -> frozenset[str]:
    """Return the sentences without values whose translation differs from them."""
    with sources.kept(language, "django").open("rb") as source:
        catalogue = read_po(source, locale=language)
    return frozenset(
        message.id
        for message in catalogue
        if isinstance(message.id, str) and message.id != message.string and " " in message.id and "%" not in message.id
    )


def find_texts(page: str) -> set[str]:
    """Return the texts between tags, and those of attributes that are read aloud."""
    page = re.sub(r"<(script|style|code|kbd)\b.*?</\1>", "", page, flags=re.DOTALL)
    found = re.findall(r">([^<>]+)<", page) + re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', page)
    return {" ".join(unescape(text).split()) for text in found}
