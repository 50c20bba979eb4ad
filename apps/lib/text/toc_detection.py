"""Detect tables of contents, indexes and noise such as rulers or misrecognised stains, by their shape alone. Pure.

Text is tested when it is searched and quoted, not at ingestion: documents ingested by earlier versions need not be read
again. Such text stays searchable, but no answer quotes it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from apps.lib.text.text_normalization import shorten_leaders

_LEADERS_TO_PAGE = re.compile(  # from the begin of a run only and without going back in it, in linear time
    r"(?:(?<!\.)(?<!\.[ \t])(?:\.[ \t]?){5,}+|(?<![·…])(?<![·…][ \t])(?:[·…][ \t]?){3,}+|(?<!_)_{6,}+)"
    r"[\s|]*+(?:\d{1,4}|[ivxlc]{1,6})\b"
)
_SECTION = re.compile(  # "4.2.1 Builtin commands 17"
    r"(?<!\S)\d{1,2}(?:\.\d{1,3})*\.? [^\d\s.!?;:][^.!?;:\n]{1,90}? (?:\d{1,4}|[ivxlc]{1,6})(?!\S)"
)
_DEEP_SECTION = re.compile(r"\d{1,2}(?:\.\d{1,3})+\.? [^\d\s.!?;:][^.!?;:]{1,90} \d{1,4}")
_INDEX_ENTRY = re.compile(r"[^\W\d_][^,;.!?:\n]{1,50}(?:, ?\d{1,4}(?:[-–]\d{1,4})?)+(?!\S)")  # "crane, 12, 45-47"
_PAGES = re.compile(r", ?\d{1,4}(?:[-–]\d{1,4})?")
_REFERENCE = re.compile(  # "Facing p. 32", "between pp. 22 and 23", "Seite 7"
    r"\b(?:pp?\.|pages?|S\.|Seiten?|págs?\.|páginas?) ?\d{1,4}(?:(?: ?[-–] ?| (?:and|und|y) )\d{1,4})?(?![\w)])"
)
_ENTRY_CHARS = 150  # characters of an entry with leaders in a table of contents, at most
_REFERENCE_CHARS = 110  # characters of an entry in a list of plates, at most
_ENTRY_SHARE = 0.6  # of the characters that entries must cover
_MIN_ENTRIES = 4  # entries from which a passage that they cover is a list
_LETTER_SHARE = 0.4  # of the characters must be letters or digits, else the text is noise
_MIN_WORDS = 8  # words from which a text of single letters is noise


@lru_cache(maxsize=4_000)  # passages recur between searches
def is_toc_or_noise(text: str) -> bool:
    """Return whether most of a text of one or several lines is a table of contents, an index or noise."""
    plain = " ".join(text.replace("|", " ").split())
    if len(plain) < 4:
        return True
    shortened = shorten_leaders(plain)
    entries = len(_LEADERS_TO_PAGE.findall(shortened))
    if len(" ".join(shortened.split())) <= _ENTRY_CHARS * (2 * entries - 1):  # some entries may have no leaders
        return True
    return _is_noise(plain) or _lists_pages(plain) or _lists_plates(text, plain)


def has_page_leader(line: str) -> bool:
    """Return whether a line has leaders and a page number, so that its dots end no sentence."""
    return _LEADERS_TO_PAGE.search(line) is not None


def _is_noise(plain: str) -> bool:
    """Return whether a text, with single spaces, has hardly any letters or digits, or only single letters."""
    signs = plain.replace(" ", "")
    if sum(map(str.isalnum, signs)) < _LETTER_SHARE * len(signs):
        return True
    words = plain.split()
    single = sum(len(word.strip(".,-–:;|'’")) <= 1 and not word.isdigit() for word in words)
    return len(words) >= _MIN_WORDS and single >= _ENTRY_SHARE * len(words)


def _lists_plates(text: str, plain: str) -> bool:
    """Return whether a text is a table row that ends with a page reference, or consists mostly of page references."""
    references = list(_REFERENCE.finditer(plain))
    if not references or len(plain) > _REFERENCE_CHARS * (len(references) + 1):
        return False
    return len(references) >= _MIN_ENTRIES or ("|" in text and references[-1].end() >= len(plain) - 2)


def _lists_pages(plain: str) -> bool:
    """Return whether entries that end with page numbers cover most of a text."""
    if not plain[-1].isalnum():
        return False
    if _DEEP_SECTION.fullmatch(plain):
        return True
    for entry in (_SECTION, _INDEX_ENTRY):
        entries = [match.group() for match in entry.finditer(plain)]
        if sum(map(len, entries)) < _ENTRY_SHARE * len(plain):
            continue
        if len(entries) >= _MIN_ENTRIES or (entry is _INDEX_ENTRY and len(_PAGES.findall(plain)) > len(entries)):
            return True
    return False
