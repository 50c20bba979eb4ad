"""Text of a template that people see and that is not marked for translation.

Not looked at: what stands in `code`, `kbd` and `svg`, or in an element with `translate="no"`; the name of the product;
single letters and numbers; comments; values of attributes that nobody reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.words.markup import Part, bare, parts

_ALSO_READ = {"aria-label", "title", "placeholder", "alt", "data-name", "data-panel-name", "data-announcement", "label"}
_NEVER_SHOWN = {"code", "kbd", "svg", "script", "style"}
_VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr", "area", "base", "col"}
_ENTITY, _NAME, _WORD = re.compile(r"&#?\w+;"), re.compile(r"\bOpenbook\b"), re.compile(r"[^\W\d_]{2,}")
_ADDRESS = re.compile(r"https?://\S+")
_FILTERED = re.compile(r"""\|(?:default|default_if_none|yesno|pluralize)(?::("[^"]*"|'[^']*'))?""")


def found(source: str) -> Iterator[str]:
    """Each such text, as it stands in the template."""
    hidden: list[str] = []  # elements around, from the first that is not looked at
    for part in parts(source):
        if part.kind == "tag":
            yield from _in_attributes(part)
            _step(part, hidden)
        elif part.kind == "text" and not hidden and _says(part.source):
            yield part.source.strip()
        elif part.kind in {"variable", "block"}:
            yield from _in_filters(part.source)


def _step(part: Part, hidden: list[str]) -> None:
    if part.source.startswith("</"):
        if hidden and hidden[-1] == part.name:
            hidden.pop()
    elif part.name not in _VOID and not part.source.endswith("/>"):
        starts = part.name in _NEVER_SHOWN or ("translate", "no") in list(part.attributes())
        if starts or hidden:
            hidden.append(part.name)


def _in_attributes(part: Part) -> Iterator[str]:
    for name, value in part.attributes():
        if name in _ALSO_READ and _says(bare(value)):
            yield f'{name}="{value}"'


def _in_filters(source: str) -> Iterator[str]:
    for match in _FILTERED.finditer(source):
        words = match.group(1)
        if "pluralize" in match.group() or (words and "yesno" not in match.group() and _says(words)):
            yield match.group()


def _says(text: str) -> bool:
    return bool(_WORD.search(_NAME.sub("", _ADDRESS.sub("", _ENTITY.sub("", text)))))
