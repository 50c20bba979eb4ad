"""A template cut into its parts: block tags, variables, comments, HTML tags, and the text between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_DJANGO = r"{%.*?%}|{{.*?}}|{#.*?#}"
_TAG = rf"""<[/!]?[a-zA-Z](?:{_DJANGO}|"(?:{_DJANGO}|[^"])*"|'(?:{_DJANGO}|[^'])*'|[^>"'])*>"""
_PARTS = re.compile(
    rf"(?P<comment>{{#.*?#}}|<!--.*?-->|{{%\s*comment\b.*?endcomment\s*%}})"
    rf"|(?P<marked>{{%\s*blocktrans(?:late)?\b.*?endblocktrans(?:late)?\s*%}})"
    rf"|(?P<block>{{%.*?%}})|(?P<variable>{{{{.*?}}}})|(?P<tag>{_TAG})",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(rf"""([\w:-]+)=("(?:{_DJANGO}|[^"])*"|'(?:{_DJANGO}|[^'])*')""", re.DOTALL)
_INSIDE = re.compile(rf"{{%\s*blocktrans(?:late)?\b.*?endblocktrans(?:late)?\s*%}}|{_DJANGO}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """`kind` is comment, marked, block, variable, tag or text."""

    kind: str
    source: str
    start: int

    @property
    def name(self) -> str:
        """Of a tag: its element."""
        found = re.match(r"</?!?([a-zA-Z][\w-]*)", self.source)
        return found.group(1).lower() if found else ""

    def attributes(self) -> Iterator[tuple[str, str]]:
        """Of a tag: names and values, without their quotes."""
        for name, value in _ATTRIBUTE.findall(self.source):
            yield name.lower(), value[1:-1]


def parts(source: str) -> Iterator[Part]:
    """All of it, in order."""
    at = 0
    for found in _PARTS.finditer(source):
        if found.start() > at:
            yield Part("text", source[at : found.start()], at)
        yield Part(str(found.lastgroup), found.group(), found.start())
        at = found.end()
    if at < len(source):
        yield Part("text", source[at:], at)


def bare(value: str) -> str:
    """An attribute's value without what the template puts in."""
    return _INSIDE.sub(" ", value)
