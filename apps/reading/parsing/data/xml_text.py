"""Parser of XML in general, including feeds and FictionBook: the text of the elements, one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lxml.etree

from apps.reading.parsing.protocol import (
    ParsedBlock,
    ParsedItem,
    ParseError,
    ParseLimits,
    paginate_with_title,
    strip_invisible,
)
from apps.reading.parsing.text.plain_text import split_paragraphs

_HEADS = re.compile(r"(?:.*-)?(?:title|heading|head|h[1-6])", re.IGNORECASE)
_PASSED = {"binary", "script", "style", "stylesheet", "guid"}
_TAG = re.compile(r"<[a-zA-Z/!][^>]*>")
_INLINE = frozenset(
    ["b", "i", "em", "strong", "emphasis", "a", "sub", "sup", "span", "code", "bold", "italic", "style", "tt", "u"]
)
BROKEN = "This XML file is not well formed, so it cannot be read. Correct it and upload it again."


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title and pages of an XML file. Raises ParseError."""
    data = Path(path).read_bytes()
    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, recover=True, remove_comments=True)
    try:
        root = lxml.etree.fromstring(data, parser)
    except (lxml.etree.XMLSyntaxError, ValueError) as error:
        raise ParseError(BROKEN) from error
    if root is None:
        raise ParseError(BROKEN)
    yield from paginate_with_title(list(_blocks(root)), limits)


def _blocks(root: Any) -> Iterator[ParsedBlock]:
    """Yield the text between two element borders as a block; inline elements are no borders."""
    parts: list[str] = []
    name, passed = "", 0
    for event, element in lxml.etree.iterwalk(root, events=("start", "end")):
        tag = lxml.etree.QName(element).localname if isinstance(element.tag, str) else ""
        if tag in _PASSED and tag not in _INLINE:
            passed += 1 if event == "start" else -1
        if tag not in _INLINE:
            yield from _block("".join(parts), name)
            parts, name = [], tag
        if not passed:
            parts.append((element.text if event == "start" and tag else element.tail if event == "end" else "") or "")
    yield from _block("".join(parts), name)


def _block(text: str, name: str) -> Iterator[ParsedBlock]:
    words = strip_invisible(text).strip()
    if not words:
        return
    if words.count("<") > 2 and _TAG.search(words):  # HTML inside XML, as in feeds
        from apps.reading.parsing.html.parser import read_page

        yield from read_page(words).blocks
    elif _HEADS.fullmatch(name) and len(words) <= 300:
        yield ParsedBlock("heading", " ".join(words.split()), 2)
    else:
        yield from (ParsedBlock("paragraph", " ".join(block.text.split())) for block in split_paragraphs(words))
